import Foundation
import KernelAudit
import TestSupport
import Testing

@testable import MiniKernel

@Suite("Random calls against a model of sets")
struct EmulatedModelTests {
  /// A setup's share of the operations, with its seed.
  struct Sequence: CustomTestStringConvertible, Sendable {
    var seed: UInt64
    var setup: ModelSetup
    var testDescription: String { "seed \(seed), \(setup.name)" }
  }

  static let sequences = [
    Sequence(seed: 101, setup: ModelSetup(mebibytes: 64)),
    Sequence(seed: 102, setup: ModelSetup(mebibytes: 6144, isFragmented: true)),
    Sequence(seed: 103, setup: ModelSetup(mebibytes: 24)),
    Sequence(seed: 104, setup: ModelSetup(mebibytes: 64, policy: .lazy, isFragmented: true)),
    Sequence(seed: 105, setup: ModelSetup(mebibytes: 1024, search: .tree)),
    Sequence(seed: 106, setup: ModelSetup(mebibytes: 1024, huge: true)),
    Sequence(seed: 107, setup: ModelSetup(mebibytes: 6144, policy: .lazy, search: .tree, huge: true)),
    Sequence(seed: 108, setup: ModelSetup(mebibytes: 36, search: .tree)),
  ]

  /// 200,000 operations in all when slow tests are asked for, a tenth of them otherwise.
  private static let operations = ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] != nil ? 25_000 : 2_500

  @Test(
    "what was given out is there, what was taken back is gone, and the auditor is content",
    arguments: sequences)
  func randomOperations(_ sequence: Sequence) throws {
    var random = SeededGenerator(seed: sequence.seed)
    let operations = (0..<Self.operations).map { _ in Operation.random(&random) }
    guard let failure = try KernelModel.run(operations, sequence.setup, batch: 250) else { return }
    let minimal = try Shrinking.minimal(Array(operations[...failure.index])) {
      try KernelModel.run($0, sequence.setup, batch: 1) != nil
    }
    let shown = minimal.map { "  \($0)" }.joined(separator: "\n")
    Issue.record(
      """
      \(sequence.testDescription): operation \(failure.index) of \(Self.operations): \(failure.description)
      \(minimal.count) operations still fail:
      \(shown)
      """)
  }

  @Test("a failing sequence is shrunk to what matters")
  func shrinksToWhatMatters() throws {
    let setup = ModelSetup(mebibytes: 64)
    var random = SeededGenerator(seed: 7)
    var operations = (0..<300).map { _ in Operation.random(&random) }
    operations.insert(.breakFlush, at: 150)
    let failure = try #require(try KernelModel.run(operations, setup, batch: 50))
    #expect(failure.index > 150)
    let minimal = try Shrinking.minimal(Array(operations[...failure.index])) {
      try KernelModel.run($0, setup, batch: 1) != nil
    }
    #expect(minimal.count <= 4, "\(minimal)")
    #expect(minimal.contains(.breakFlush))
    #expect(try KernelModel.run(minimal.filter { $0 != .breakFlush }, setup, batch: 1) == nil)
  }

  @Test("shrinking keeps exactly the elements that fail together")
  func shrinking() {
    let minimal = Shrinking.minimal(Array(0..<1000)) {
      $0.contains(17) && $0.contains(600) && $0.contains(999)
    }
    #expect(minimal == [17, 600, 999])
  }

  @Test("10,000 allocations on 6 GiB: vmalloc takes frames above 4 GiB, vmalloc_32 never does")
  func framesAbove4GiB() throws {
    let kernel = try startedKernel(6 * gibibyte)
    let machine = kernel.hardware.machine
    var random = SeededGenerator(seed: 66)
    var live: [KernelAddress] = []
    var above = 0
    var pages = 0
    for step in 0..<10_000 {
      let size = (1 + random.below(6)) * pageSize
      let only32 = random.below(2) == 0
      let start = only32 ? try kernel.vmalloc32(size) : try kernel.vmalloc(size)
      for offset in stride(from: UInt32(0), to: size, by: Int(pageSize)) {
        kernel.hardware.store32(start + offset, start.rawValue)
        // The machine's word for where that went, not the kernel's.
        let walk = machine.walk(.init((start + offset).rawValue), .init(.read, user: false))
        let frame = try #require(walk.translation).frame
        if frame >= 4 * gibibyte {
          above += 1
          try #require(!only32, "step \(step): vmalloc_32 gave a frame at \(hex(frame))")
        }
        try #require(kernel.hardware.readPhysical32(frame) == start.rawValue, "step \(step)")
        pages += 1
      }
      live.append(start)
      if live.count > 50 { kernel.vfree(live.remove(at: Int(random.below(UInt32(live.count))))) }
      if step % 1000 == 999 { #expect(try kernel.audit() == [], "step \(step)") }
    }
    #expect(above > pages / 4, "\(above) of \(pages) pages above 4 GiB")
    live.forEach { kernel.vfree($0) }
    #expect(try kernel.audit() == [])
  }
}
