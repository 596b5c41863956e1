import TestSupport
import Testing

@testable import MiniKernel

@Suite("vmlist")
struct VMListTests {
  /// First fit over a sorted array of ranges: the oracle.
  private static func firstFit(
    _ taken: [Range<UInt64>], size: UInt64, alignment: UInt64, within: Range<UInt64>
  )
    -> UInt64?
  {
    var candidate = (within.lowerBound + alignment - 1) / alignment * alignment
    for range in taken {
      if candidate + size <= range.lowerBound { break }
      candidate = max(candidate, (range.upperBound + alignment - 1) / alignment * alignment)
    }
    return candidate + size <= within.upperBound ? candidate : nil
  }

  @Test("areas go where a first fit over sorted ranges puts them", arguments: [21, 22, 23, 24])
  func firstFit(seed: UInt64) throws {
    let kernel = try startedKernel(64 * mebibyte)
    let whole = UInt64(kernel.vmallocStart.rawValue)..<UInt64(kernel.vmallocEnd.rawValue)
    var random = SeededGenerator(seed: seed)
    var taken: [Range<UInt64>] = []
    for step in 0..<1500 {
      if random.below(100) < 60 || taken.isEmpty {
        let flags: VMAreaFlags = random.below(3) == 0 ? .ioremap : .alloc
        let size = 1 + random.below(random.below(10) == 0 ? 200 << 20 : 1 << 20)
        let rounded = (UInt64(size) + 4095) & ~4095
        var alignment: UInt64 = 4096
        if flags == .ioremap { while alignment < min(rounded, 512 << 10) { alignment *= 2 } }
        let expected = Self.firstFit(taken, size: rounded + 4096, alignment: alignment, within: whole)
        let area = try? kernel.getVMArea(size, flags)
        #expect(area.map { UInt64($0.start.rawValue) } == expected, "seed \(seed), step \(step)")
        if let expected {
          taken.append(expected..<expected + rounded + 4096)
          taken.sort { $0.lowerBound < $1.lowerBound }
        }
      } else {
        let range = taken.remove(at: Int(random.below(UInt32(taken.count))))
        let area = try #require(kernel.removeVMArea(KernelAddress(UInt32(range.lowerBound))))
        #expect(UInt64(area.size) == range.upperBound - range.lowerBound)
        kernel.kfree(area.address)
      }
      if step % 100 == 0 {
        let starts = kernel.areas.map { UInt64($0.start.rawValue) }
        #expect(starts == taken.map(\.lowerBound), "seed \(seed), step \(step)")
      }
    }
    #expect(kernel.warnings == 0)
  }

  @Test("an area may fill the range to its last byte, and none fits then")
  func fullFit() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let whole = kernel.vmallocEnd - kernel.vmallocStart
    let area = try kernel.getVMArea(whole - pageSize, .alloc)
    #expect(area.start == kernel.vmallocStart && area.end == kernel.vmallocEnd)
    #expect(throws: VmallocError.noArea) { try kernel.getVMArea(1, .alloc) }
    #expect(throws: VmallocError.badSize) { try kernel.getVMArea(whole, .alloc) }
    kernel.kfree(try #require(kernel.removeVMArea(area.start)).address)
    #expect(kernel.vmlist.isNull)
  }

  @Test(
    "sizes that round up beyond 32 bits are refused",
    arguments: [0, 0xFFFF_F001, 0xFFFF_FFFF, 0xFFFF_F000] as [UInt32])
  func badSizes(size: UInt32) throws {
    let kernel = try startedKernel(64 * mebibyte)
    let before = kernel.freeCounts()
    #expect(throws: VmallocError.badSize) { try kernel.getVMArea(size, .alloc) }
    #expect(throws: VmallocError.badSize) { try kernel.vmalloc(size) }
    #expect(kernel.freeCounts() == before)
  }
}
