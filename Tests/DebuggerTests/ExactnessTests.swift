import Runs
import Foundation
import GuestImages
import IA32
import TestSupport
import Testing

@testable import Debugger
@testable import Emulator

/// Attaching, stopping, stepping, looking and going back change nothing: a guest under the debugger ends as it does alone.
@Suite("Debugger is exact")
struct ExactnessTests {
  /// A sample image, with the memory it is given.
  struct Sample: CustomTestStringConvertible, Sendable {
    var image: String
    var mebibytes: UInt64 = 64
    var testDescription: String { image }
  }

  static let samples =
    [
      Sample(image: "hello"), Sample(image: "paging-tour"), Sample(image: "stale"),
      Sample(image: "tlb-probe"),
      Sample(image: "minikernel", mebibytes: 16), Sample(image: "vmalloc-tour"),
      Sample(image: "vmalloc-stress"),
    ]
    + ["missing-invlpg", "global-over-cr3", "pdpte-no-reload", "alias-fixed"].map {
      Sample(image: "missing-flush/\($0)")
    }

  /// All that a run leaves behind.
  struct End: Equatable {
    var counters: String
    var registers: RegisterFile
    var tlb: [String]
    var memory: UInt64
    var output: String

    init(_ session: DebuggerSession) {
      counters = "\(session.machine.counters)"
      registers = session.machine.registers
      tlb = TLBArrayName.allCases.flatMap { name in
        session.machine.tlb(name).map { line in
          "\(name) \(line.set) \(line.way) \(line.rank) \(line.entry.page) \(line.entry.translation) \(line.entry.filledAt)"
        }
      }
      memory = Self.fingerprint(session.machine)
      let console = session.console as? KeepingConsole
      output = String(decoding: console?.output ?? [], as: UTF8.self)
    }

    /// What the two don't agree in.
    func differences(from other: End) -> [String] {
      var texts: [String] = []
      if counters != other.counters { texts += [counters, other.counters] }
      if registers != other.registers { texts += ["\(registers)", "\(other.registers)"] }
      if tlb != other.tlb { texts += Set(tlb).symmetricDifference(other.tlb).sorted() }
      if memory != other.memory { texts.append("memory") }
      if output != other.output { texts += [output, other.output] }
      return texts
    }

    /// FNV-1a over the pages that are not zero.
    private static func fingerprint(_ machine: Machine) -> UInt64 {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for range in machine.memory.layout.ramRanges {
        for page in stride(from: range.lowerBound, to: range.upperBound, by: 4096) {
          let bytes = machine.memory.read(PhysicalAddress(page), count: 4096) ?? []
          guard bytes.contains(where: { $0 != 0 }) else { continue }
          hash = (hash ^ page) &* 0x100_0000_01b3
          for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
      }
      return hash
    }
  }

  /// A session's wanderings, each line from these with random numbers in it.
  private static func line(_ random: inout SeededGenerator, _ test: TestSession, end: UInt64) -> String {
    let cycle = test.machine.cycle
    switch Int.random(in: 0..<16, using: &random) {
    case 0, 1, 2: return "goto \(UInt64.random(in: 0...min(end, cycle + end / 8 + 2000), using: &random))"
    case 3: return "si \(Int.random(in: 1...300, using: &random))"
    case 4: return "rsi \(Int.random(in: 1...40, using: &random))"
    case 5: return "ni \(Int.random(in: 1...40, using: &random))"
    case 6: return "tb \(test.machine.moment.linear)"
    case 7: return "set stale \(["off", "warn", "stop"].randomElement(using: &random)!)"
    case 8: return "catch fault"
    case 9: return "sw"
    case 10: return "who -p \(UInt64.random(in: 0x10_0000...0x11_0000, using: &random) & ~7)"
    case 11: return "watch \(test.machine.registers[GeneralRegister.esp])"
    case 12: return "delete"
    case 13: return "catch walk"
    default: return TraceTests.looking.randomElement(using: &random)!
    }
  }

  @Test(arguments: samples, [TimingLevel.functional, .full])
  func aRunUnderTheDebuggerIsTheSame(_ sample: Sample, _ timing: TimingLevel) throws {
    let free = try TestSession.guest(sample.image, mebibytes: sample.mebibytes, timing: timing)
    free.say("c")
    let end = free.machine.cycle
    let seed = UInt64(sample.image.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    var random = SeededGenerator(seed: seed)
    let test = try TestSession.guest(sample.image, mebibytes: sample.mebibytes, timing: timing)
    // The prompt inside a walk: steps, and now and then out of it.
    test.session.nextLine = { _ in ["n", "", "finish", "walk $va", "c"].randomElement(using: &random)! }
    var lines: [String] = []
    for _ in 0..<40 {
      let line = Self.line(&random, test, end: end)
      lines.append(line)
      let answer = test.say(line)
      #expect(!answer.contains("Fatal"))
      if lines.count % 8 == 0 { test.say("delete") }
    }
    test.say("delete")
    test.say("set stale off")
    while test.session.ended == nil { test.say("c") }
    let differences = End(test.session).differences(from: End(free.session))
    #expect(differences.isEmpty, "seed \(seed): \(lines.joined(separator: "; "))")
    #expect(test.session.ended == free.session.ended)
  }
}
