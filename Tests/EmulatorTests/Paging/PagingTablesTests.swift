import IA32
import Testing

@testable import Emulator

/// The exact figures that a guest can measure on a P6's TLBs.
@Suite("PagingTables")
struct PagingTablesTests {
  /// Pages swept and the misses in a sweep of a 64-entry 4-way array: sets of five pages or more miss every
  /// time.
  static let sweeps: [(pages: UInt32, misses: UInt64)] =
    [(16, 0), (63, 0), (64, 0)] + (65...80).map { ($0, UInt64(5 * ($0 - 64))) } + [
      (81, 81), (96, 96), (128, 128),
    ]
  /// Stride in pages, pages, misses in a sweep.
  static let strides: [(stride: UInt32, pages: UInt32, misses: UInt64)] = [
    (2, 32, 0), (2, 33, 5), (2, 64, 64), (4, 16, 0), (4, 32, 32), (8, 8, 0), (8, 16, 16), (16, 4, 0),
    (16, 5, 5),
  ]
  private static let rounds: UInt64 = 7

  /// PAE or 32-bit paging with 64 MiB from linear address 40000000h on at physical 16 MiB, in pages of one
  /// size.
  private func machine(_ mode: PagingOracle.Mode, large: Bool) throws -> PagingFixture {
    let fixture = try PagingFixture(memoryBytes: 128 << 20)
    let bytes: UInt64 = 64 << 20
    let physical: UInt64 = 16 << 20
    let isPAE = mode == .pae
    let directory: UInt64 = 0x20_1000
    let firstEntry: UInt64 = isPAE ? 0 : 256
    let largeSize: UInt64 = isPAE ? 2 << 20 : 4 << 20
    let entrySize: UInt64 = isPAE ? 8 : 4
    func write(_ address: UInt64, _ entry: UInt64) {
      if isPAE { fixture.poke64(address, entry) } else { fixture.poke32(address, UInt32(entry)) }
    }
    fixture.poke64(0x20_0000 + 8, directory | 1)
    for index in 0..<(bytes / largeSize) {
      let table = 0x21_0000 + index * 4096
      write(
        directory + (firstEntry + index) * entrySize, large ? physical + index * largeSize | 0x83 : table | 3)
      if large { continue }
      for page in 0..<(4096 / entrySize) {
        write(table + page * entrySize, physical + index * largeSize + page * 4096 | 3)
      }
    }
    try fixture.startPaging(
      .init(mode: mode, pageSizeExtensions: large), cr3: isPAE ? 0x20_0000 : directory)
    return fixture
  }

  /// Misses of `rounds` sweeps after one that warms up, over `pages` pages of `stride` bytes.
  private func misses(
    _ fixture: PagingFixture, pages: UInt32, stride: UInt32, fetching: Bool = false
  ) -> (misses: UInt64, hits: UInt64) {
    func sweep() {
      for page in 0..<pages {
        // One line further in each page, as a program does that wants its L1 sets apart.
        let linear = 0x4000_0000 + page * stride + page % 128 * 32
        let outcome = fetching ? fixture.fetch(linear) : fixture.load(linear)
        if case .fault(let fault) = outcome { Issue.record("\(fault)") }
      }
    }
    sweep()
    let before = fixture.machine.counters.paging
    for _ in 0..<Self.rounds { sweep() }
    let after = fixture.machine.counters.paging
    if fetching { return (after.instructionMisses - before.instructionMisses, 0) }
    return (
      after.dataMisses - before.dataMisses,
      after.data4KHits + after.dataLargeHits - before.data4KHits - before.dataLargeHits
    )
  }

  @Test("Cyclic sweeps over the DTLB's 64 entries", arguments: PagingOracle.Mode.allCases)
  func sweeps(mode: PagingOracle.Mode) throws {
    let fixture = try machine(mode, large: false)
    for (pages, expected) in Self.sweeps {
      let found = misses(fixture, pages: pages, stride: 4096)
      #expect(found.misses == expected * Self.rounds, "\(pages) pages")
      #expect(found.hits == (UInt64(pages) - expected) * Self.rounds, "\(pages) pages")
    }
  }

  @Test("Page strides leave sets unused", arguments: PagingOracle.Mode.allCases)
  func strides(mode: PagingOracle.Mode) throws {
    let fixture = try machine(mode, large: false)
    for (stride, pages, expected) in Self.strides {
      let found = misses(fixture, pages: pages, stride: stride * 4096)
      #expect(found.misses == expected * Self.rounds, "\(pages) pages, stride \(stride)")
    }
  }

  @Test(
    "The other three arrays: 32 entries in 8 sets, 8 in 2, 2 in one", arguments: PagingOracle.Mode.allCases)
  func otherArrays(mode: PagingOracle.Mode) throws {
    let small = try machine(mode, large: false)
    for (pages, expected) in [(32, 0), (33, 5), (36, 20), (39, 35), (40, 40)] as [(UInt32, UInt64)] {
      let found = misses(small, pages: pages, stride: 4096, fetching: true)
      #expect(found.misses == expected * Self.rounds, "ITLB, \(pages) pages")
    }
    let large = try machine(mode, large: true)
    let size: UInt32 = mode == .pae ? 2 << 20 : 4 << 20
    for (pages, expected) in [(8, 0), (9, 5), (10, 10), (16, 16)] as [(UInt32, UInt64)] {
      let found = misses(large, pages: pages, stride: size)
      #expect(found.misses == expected * Self.rounds, "DTLB, \(pages) large pages")
    }
    for (pages, expected) in [(1, 0), (2, 0), (3, 3)] as [(UInt32, UInt64)] {
      let found = misses(large, pages: pages, stride: size, fetching: true)
      #expect(found.misses == expected * Self.rounds, "ITLB, \(pages) large pages")
    }
  }

  /// Mode, large pages, walks and references of one word a page over 64 MiB.
  static let walks: [(mode: PagingOracle.Mode, large: Bool, walks: UInt64, references: UInt64)] = [
    (.pae, false, 16384, 32768), (.bits32, false, 16384, 32768), (.pae, true, 32, 32),
    (.bits32, true, 16, 16),
  ]

  @Test("Walk references of a cold scan over 64 MiB", arguments: walks)
  func walkReferences(mode: PagingOracle.Mode, large: Bool, walks: UInt64, references: UInt64) throws {
    let fixture = try machine(mode, large: large)
    for page in 0..<UInt32(16384) { _ = fixture.load(0x4000_0000 + page * 4096) }
    let counters = fixture.machine.counters.paging
    #expect(counters.walks == walks && counters.dataMisses == walks)
    #expect(counters.walkReferences == references)
    #expect(counters.data4KHits + counters.dataLargeHits == 16384 - walks)
  }

  /// A chain of jumps through code pages: what the counters say of instructions, which are looked up by the
  /// line.
  @Test("Code that sweeps pages sees the ITLB", arguments: [8, 32, 33, 40] as [UInt32])
  func codeSweep(pages: UInt32) throws {
    let fixture = try machine(.pae, large: false)
    for page in 0..<pages {
      // JMP to the next page; in the last: DEC ECX, JNZ first, HLT.
      let code = 16 << 20 + UInt64(page) * 4096
      let bytes: [UInt8]
      if page + 1 < pages {
        bytes = [0xe9, 0xfb, 0x0f, 0x00, 0x00]
      } else {
        let back = UInt32(bitPattern: -Int32(page * 4096) - 7)
        bytes = [0x49, 0x0f, 0x85] + (0..<4).map { UInt8(truncatingIfNeeded: back >> (8 * $0)) } + [0xf4]
      }
      for (index, byte) in bytes.enumerated() { fixture.poke8(code + UInt64(index), byte) }
    }
    try fixture.enterFlatCode(at: 0x4000_0000)
    let rounds: UInt32 = 11
    fixture.machine.cpu[.ecx] = rounds
    let before = fixture.machine.counters.paging
    #expect(fixture.machine.run(untilCycle: fixture.machine.cycle + 100_000) == .halted)
    let after = fixture.machine.counters.paging
    let missesOfARound = pages <= 32 ? 0 : pages >= 40 ? UInt64(pages) : UInt64(5 * (pages - 32))
    let misses = UInt64(pages) + missesOfARound * UInt64(rounds - 1)
    #expect(after.instructionMisses - before.instructionMisses == misses)
    // Each page is one line a round.
    #expect(
      after.instruction4KHits - before.instruction4KHits == UInt64(pages) * UInt64(rounds) - misses)
  }
}
