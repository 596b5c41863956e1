import Glibc
import IA32
import Testing

@testable import Emulator

private let kibibyte: UInt64 = 1 << 10
private let mebibyte: UInt64 = 1 << 20
private let gibibyte: UInt64 = 1 << 30

@Suite("Physical memory")
struct MemoryPhysicalTests {
  private static let low: Range<UInt64> = 0..<640 * kibibyte
  private static let toHole: Range<UInt64> = mebibyte..<3 * gibibyte
  private static let maps: [(UInt64, [Range<UInt64>])] = [
    (mebibyte, [low]),
    (16 * mebibyte, [low, mebibyte..<16 * mebibyte]),
    (3 * gibibyte, [low, toHole]),
    (3 * gibibyte + 4096, [low, toHole, 4 * gibibyte..<4 * gibibyte + 4096]),
    (6 * gibibyte, [low, toHole, 4 * gibibyte..<7 * gibibyte]),
    (64 * gibibyte, [low, toHole, 4 * gibibyte..<65 * gibibyte]),
  ]

  @Test("The PC's map, by size", arguments: maps)
  func map(bytes: UInt64, ranges: [Range<UInt64>]) throws {
    let map = try MemoryMap(bytes: bytes)
    #expect(map.ramRanges == ranges)
    #expect(map.top == ranges.last?.upperBound)
  }

  @Test("Sizes that no machine has are refused with what would be right")
  func refusedSizes() {
    #expect(throws: MemoryError.sizeOutOfRange(bytes: mebibyte - 4096)) {
      try PhysicalMemory(bytes: mebibyte - 4096)
    }
    #expect(throws: MemoryError.sizeOutOfRange(bytes: 64 * gibibyte + 4096)) {
      try PhysicalMemory(bytes: 64 * gibibyte + 4096)
    }
    #expect(throws: MemoryError.sizeOutOfRange(bytes: .max)) { try PhysicalMemory(bytes: .max) }
    #expect(throws: MemoryError.sizeNotWholePages(bytes: mebibyte + 1)) {
      try PhysicalMemory(bytes: mebibyte + 1)
    }
    #expect("\(MemoryError.sizeOutOfRange(bytes: 7))".contains("between 1 MiB and 64 GiB"))
  }

  @Test("Host pages are there for RAM alone, at both ends of every range")
  func hostPages() throws {
    let memory = try PhysicalMemory(bytes: 6 * gibibyte)
    let edges: [(UInt64, Bool)] = [
      (0, true), (0x9F, true), (0xA0, false), (0xFF, false), (0x100, true), (0xB_FFFF, true),
      (0xC_0000, false),
      (0xF_FFFF, false), (0x10_0000, true), (0x1B_FFFF, true), (0x1C_0000, false), (1 << 40, false),
      (1 << 52 | 0x100, false), (.max, false),
    ]
    for (frame, isRAM) in edges {
      let page = memory.hostPage(frame)
      #expect((page != nil) == isRAM, "frame \(String(frame, radix: 16))")
      if let page { #expect(memory.physicalAddress(ofHost: page + 5) == frame << 12 | 5) }
    }
  }

  @Test("Loaders and tools write and read RAM, or nothing at all")
  func readAndWrite() throws {
    let memory = try PhysicalMemory(bytes: 16 * mebibyte)
    try memory.write([1, 2, 3, 4], at: PhysicalAddress(0x9_FFFC))
    #expect(memory.read(PhysicalAddress(0x9_FFFB), count: 5) == [0, 1, 2, 3, 4])
    #expect(memory.read(PhysicalAddress(0x9_FFFC), count: 5) == nil)
    #expect(throws: MemoryError.notRAM(address: 0x9_FFFE, count: 4)) {
      try memory.write([9, 9, 9, 9], at: PhysicalAddress(0x9_FFFE))
    }
    #expect(
      memory.read(PhysicalAddress(0x9_FFFC), count: 4) == [1, 2, 3, 4], "a refused write wrote something")
    #expect(memory.read(PhysicalAddress(.max), count: 2) == nil)
    #expect(memory.read(PhysicalAddress(0), count: -1) == nil)
    #expect(memory.read(PhysicalAddress(0), count: .max) == nil)
    #expect(memory.read(PhysicalAddress(16 * mebibyte), count: 0) == [])
  }

  @Test("64 GiB cost the host only the pages that are written")
  func sparse() throws {
    let memory = try PhysicalMemory(bytes: 64 * gibibyte)
    #expect(try residentPages(of: memory) == 0)
    var pages = 0
    for address in stride(from: 4 * gibibyte, to: memory.layout.top, by: Int(gibibyte / 16)) {
      try memory.write([0xA5], at: PhysicalAddress(address))
      pages += 1
    }
    #expect(pages == 976)
    #expect(try residentPages(of: memory) == pages)
    #expect(memory.read(PhysicalAddress(64 * gibibyte), count: 2) == [0xA5, 0])
  }

  /// How many pages of RAM the host has given so far.
  private func residentPages(of memory: PhysicalMemory) throws -> Int {
    var pages = 0
    var residence = [UInt8](repeating: 0, count: 1 << 18)
    for range in memory.layout.ramRanges {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 30) {
        let count = Int(min(range.upperBound - start, 1 << 30))
        let result = mincore(memory.base + Int(start), count, &residence)
        try #require(result == 0, "mincore: errno \(errno)")
        pages += residence.prefix(count / 4096).count { $0 & 1 != 0 }
      }
    }
    return pages
  }
}
