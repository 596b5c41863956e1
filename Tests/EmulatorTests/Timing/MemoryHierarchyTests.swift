import IA32
import Testing

@testable import Emulator

/// The whole data side, filters included, against models of the parts.
@Suite("TLB and caches of any policy behind the filters")
struct MemoryHierarchyTests {
  struct Shape: CustomTestStringConvertible {
    var tlb: TLBGeometry.Array
    var data: CacheGeometry
    var l2: CacheGeometry
    var testDescription: String { "\(tlb) \(data) \(l2)" }
  }

  static let shapes = [
    Shape(
      tlb: .init(entries: 64, ways: 4), data: .init(bytes: 16 << 10, ways: 4),
      l2: .init(bytes: 128 << 10, ways: 4)),
    Shape(
      tlb: .init(entries: 16, ways: 4, policy: .treePLRU),
      data: .init(bytes: 8 << 10, ways: 2, policy: .treePLRU),
      l2: .init(bytes: 64 << 10, ways: 8, policy: .treePLRU)),
    Shape(
      tlb: .init(entries: 16, ways: 4, policy: .random(seed: 3)),
      data: .init(bytes: 8 << 10, ways: 4, policy: .random(seed: 4)),
      l2: .init(bytes: 64 << 10, ways: 4, policy: .random(seed: 5))),
    Shape(
      tlb: .init(entries: 32, ways: 1), data: .init(bytes: 4 << 10, ways: 1),
      l2: .init(bytes: 32 << 10, ways: 1)),
    Shape(
      tlb: .init(entries: 24, ways: 24), data: .init(bytes: 2 << 10, ways: 64),
      l2: .init(bytes: 8 << 10, ways: 256)),
  ]

  @Test(arguments: shapes) func countsAndCyclesAreTheModels(_ shape: Shape) throws {
    var tlb = TLBGeometry.p6
    tlb.data4K = shape.tlb
    var caches = CacheGeometries.p6
    caches.data = shape.data
    caches.l2 = shape.l2
    let fixture = try PagedFixture(tlb: tlb, caches: caches)
    var pages = ArrayModel(shape.tlb.policy, sets: shape.tlb.entries / shape.tlb.ways, ways: shape.tlb.ways)
    var l1 = ArrayModel(shape.data.policy, sets: shape.data.sets, ways: shape.data.ways)
    var l2 = ArrayModel(shape.l2.policy, sets: shape.l2.sets, ways: shape.l2.ways)
    var (fills, linesIn, l2LinesIn, cycles): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    func look(_ address: UInt64) {
      if l1.access(address / 32) { return }
      linesIn += 1
      if l2.access(address / 32) {
        cycles += 6 - 3
      } else {
        l2LinesIn += 1
        cycles += 33 - 3
      }
    }

    fixture.cpu.caches.invalidateAll()
    let before = (fixture.paging, fixture.cacheCounters, fixture.cpu.clock.now)
    var random = SeededStream(seed: 0xabcd)
    // The first MiB has a hole where no RAM answers.
    var place: UInt64 = 1 << 20
    for _ in 0..<100_000 {
      switch random.below(4) {
      case 0: place = UInt64(1 << 20 + random.below(7 << 20)) & ~3
      case 1: place = place & ~0xfff | UInt64(random.below(1024)) * 4
      default: place = place & ~0x1f | UInt64(random.below(8)) * 4
      }
      if !pages.access(place >> 12) {
        fills += 1
        cycles += 2 + 3 + 3
        look(fixture.directoryEntryAddress(place >> 21))
        look(fixture.tableEntryAddress(place))
      }
      look(place)
      try fixture.load(UInt32(place))
    }
    #expect(fixture.paging.data4KFills - before.0.data4KFills == fills, "seed abcdh")
    #expect(fixture.paging.data4KHits - before.0.data4KHits == 100_000 - fills)
    #expect(fixture.paging.walkReferences - before.0.walkReferences == 2 * fills)
    #expect(fixture.cacheCounters.dataLinesIn - before.1.dataLinesIn == linesIn)
    #expect(fixture.cacheCounters.l2LinesIn - before.1.l2LinesIn == l2LinesIn)
    #expect(fixture.cpu.clock.now - before.2 == cycles)
  }

  @Test("Perfect caches bring nothing in") func perfect() throws {
    var caches = CacheGeometries.p6
    caches.isPerfect = true
    let fixture = try PagedFixture(caches: caches)
    let before = (fixture.cacheCounters, fixture.cpu.clock.now)
    for page in 256..<1256 as Range<UInt32> { try fixture.load(page << 12) }
    #expect(fixture.cacheCounters == before.0)
    // The walks are there: the overhead and two references that L1D answers.
    #expect(fixture.cpu.clock.now - before.1 == 1000 * (2 + 3 + 3))
  }

  /// mov esi, 100000h; mov edi, 204000h; mov ecx, 256; cld; rep movsd; hlt
  static let copy: [UInt8] = [
    0xbe, 0x00, 0x00, 0x10, 0x00, 0xbf, 0x00, 0x40, 0x20, 0x00, 0xb9, 0x00, 0x01, 0x00, 0x00, 0xfc, 0xf3,
    0xa5, 0xf4,
  ]

  /// Source and destination lie in the same sets. With one way each load and each store evicts the other's line.
  @Test func bulkMovesMissAsSingleOnesDo() throws {
    var caches = CacheGeometries.p6
    var fixture = try PagedFixture(caches: caches)
    var before = fixture.cacheCounters.l2Loads + fixture.cacheCounters.l2Stores
    try fixture.run(Self.copy)
    let fourWays = fixture.cacheCounters.l2Loads + fixture.cacheCounters.l2Stores - before
    caches.data = CacheGeometry(bytes: 4 << 10, ways: 1)
    fixture = try PagedFixture(caches: caches)
    before = fixture.cacheCounters.l2Loads + fixture.cacheCounters.l2Stores
    try fixture.run(Self.copy)
    let oneWay = fixture.cacheCounters.l2Loads + fixture.cacheCounters.l2Stores - before
    // 32 lines on each side, and the walks' lines.
    #expect((64...72).contains(fourWays), "\(fourWays)")
    #expect((512...520).contains(oneWay), "\(oneWay)")
  }

  /// mov ecx, 100; loop: call f; dec ecx; jnz loop; hlt; f: ret
  static let calls: [UInt8] = [
    0xbc, 0x00, 0x70, 0x00, 0x00, 0xb9, 0x64, 0x00, 0x00, 0x00, 0xe8, 0x04, 0x00, 0x00, 0x00, 0x49, 0x75,
    0xf8, 0xf4, 0xc3,
  ]

  @Test func staticPredictionKnowsDirectionsAlone() throws {
    let fixture = try PagedFixture(branches: .static)
    let before = fixture.cacheCounters.branchesMispredicted
    try fixture.run(Self.calls)
    // Every return, and the loop's end.
    #expect(fixture.cacheCounters.branchesMispredicted - before == 101)
    let dynamic = try PagedFixture()
    try dynamic.run(Self.calls)
    #expect(dynamic.cacheCounters.branchesMispredicted < 10)
  }
}
