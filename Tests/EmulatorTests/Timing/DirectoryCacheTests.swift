import IA32
import Testing

@testable import Emulator

/// SDM vol. 3A, 4.10.3 and 4.10.4.
@Suite("PDE cache", .serialized)
struct DirectoryCacheTests {
  static func fixture(pae: Bool, entries: Int = 4, ways: Int = 4) throws -> PagedFixture {
    var geometry = TLBGeometry.p6
    geometry.directoryCache = TLBGeometry.Array(entries: entries, ways: ways)
    return try PagedFixture(pae: pae, tlb: geometry)
  }

  /// References of the walk that a load of `linear` makes; 0 for a TLB hit.
  private func references(_ fixture: PagedFixture, _ linear: UInt32) throws -> UInt64 {
    let before = fixture.paging.walkReferences
    try fixture.load(linear)
    return fixture.paging.walkReferences - before
  }

  @Test(arguments: [true, false]) func spareTheReferenceToTheDirectory(pae: Bool) throws {
    let fixture = try Self.fixture(pae: pae)
    #expect(try references(fixture, 0x10_0000) == 2)
    #expect(try references(fixture, 0x10_1000) == 1)
    #expect(try references(fixture, 0x10_1000) == 0)
    #expect(try references(fixture, 0x50_0000) == 2)
    #expect(try references(fixture, 0x50_1000) == 1)
    #expect(fixture.paging.directoryCacheHits == 2)
    #expect(
      fixture.cpu.mmu.directoryCache.lines.map(\.region).sorted() == [0, 0x50_0000 >> UInt32(fixture.shift)])

    let without = try PagedFixture(pae: pae)
    #expect(try references(without, 0x10_0000) == 2)
    #expect(try references(without, 0x10_1000) == 2)
    #expect(without.paging.directoryCacheHits == 0)
    #expect(without.cpu.mmu.directoryCache.lines.isEmpty)
  }

  /// The directory's entry is redirected in memory: new walks go on through the old table until something forgets it.
  @Test(arguments: [true, false]) func aStoreDoesNotReachIt(pae: Bool) throws {
    let fixture = try Self.fixture(pae: pae)
    fixture.poke(0x10_1000, 0x1111, bytes: 4)
    fixture.poke(0x50_1000, 0x5555, bytes: 4)
    try fixture.load(0x10_0000)
    let other = UInt64(0x50_0000) >> fixture.shift
    fixture.setDirectoryEntry(0, to: fixture.tableAddress(other) | 0x63)
    #expect(try fixture.load(0x10_1000) == 0x1111)
    try fixture.cpu.moveToControlRegister(3, fixture.cpu.state.pointee.cr3)
    #expect(try fixture.load(0x10_1000) == 0x5555)
  }

  @Test func oldRightsAndNoAccessedBit() throws {
    let fixture = try Self.fixture(pae: true)
    try fixture.load(0x10_0000)
    // Read-only, and A clear, in memory.
    fixture.setDirectoryEntry(0, to: fixture.tableAddress(0) | 1)
    #expect(throws: Never.self) { try fixture.cpu.mmu.store(0x10_1000, UInt32(1), user: false) }
    #expect(fixture.directoryEntry(0) & EntryBit.accessed == 0)
    // INVLPG of any address drops all of it.
    fixture.cpu.mmu.invalidatePage(0x70_0000)
    #expect(throws: GuestFault.self) { try fixture.cpu.mmu.store(0x10_2000, UInt32(1), user: false) }
    try fixture.load(0x10_2000)
    #expect(fixture.directoryEntry(0) & EntryBit.accessed != 0)
  }

  @Test func whatEmptiesIt() throws {
    let fixture = try Self.fixture(pae: true)
    let cpu = fixture.cpu
    let emptiers: [(String, () throws -> Void)] = [
      ("INVLPG elsewhere", { cpu.mmu.invalidatePage(0x60_0000) }),
      ("MOV to CR3", { try cpu.moveToControlRegister(3, cpu.state.pointee.cr3) }),
      ("CR4.PGE on", { try cpu.moveToControlRegister(4, 0xa0) }),
      ("CR4.PGE off", { try cpu.moveToControlRegister(4, 0x20) }),
      ("CR4.PSE", { try cpu.moveToControlRegister(4, 0x30) }),
      ("EFER", { cpu.mmu.setEFER(EFER.noExecuteEnable) }),
      (
        "CR0.PG off and on",
        {
          let value = cpu.state.pointee.cr0
          try cpu.moveToControlRegister(0, value.subtracting(.paging).rawValue)
          try cpu.moveToControlRegister(0, value.rawValue)
        }
      ),
    ]
    for (name, empty) in emptiers {
      // A page that no TLB array holds.
      cpu.mmu.dropAllEntries(keepingGlobal: false)
      try fixture.load(0x10_0000)
      #expect(cpu.mmu.directoryCache.lines.count == 1, "\(name)")
      try empty()
      #expect(cpu.mmu.directoryCache.lines.isEmpty, "\(name)")
    }
    // A CR3 load drops the PDE even of global pages, which stay in the TLB.
    try cpu.moveToControlRegister(4, 0xa0)
    fixture.setTableEntry(0x10_0000, to: 0x10_0163)
    try fixture.load(0x10_0000)
    try cpu.moveToControlRegister(3, cpu.state.pointee.cr3)
    #expect(cpu.mmu.directoryCache.lines.isEmpty)
    #expect(try references(fixture, 0x10_0000) == 0)
  }

  @Test func aPageFaultDropsTheEntryThatItUsedAndNoOther() throws {
    let fixture = try Self.fixture(pae: true)
    try fixture.load(0x10_0000)
    try fixture.load(0x50_0000)
    fixture.setTableEntry(0x10_1000, to: 0)
    #expect(throws: GuestFault.self) { try fixture.load(0x10_1000) }
    #expect(fixture.cpu.mmu.directoryCache.lines.map(\.region) == [2])
  }

  @Test func neitherLargePagesNorWalksThatFaultEnter() throws {
    let fixture = try Self.fixture(pae: true)
    fixture.setDirectoryEntry(1, to: 0x20_00e3)
    try fixture.load(0x20_0000)
    fixture.setTableEntry(0x40_0000, to: 0)
    #expect(throws: GuestFault.self) { try fixture.load(0x40_0000) }
    #expect(fixture.cpu.mmu.directoryCache.lines.isEmpty)
  }

  @Test(arguments: [(4, 4), (2, 1), (8, 2), (1, 1)]) func entriesAreReplacedInTrueLRUOrder(
    entries: Int, ways: Int
  ) {
    let cache = DirectoryCache(TLBGeometry.Array(entries: entries, ways: ways))
    var model = ArrayModel(.lru, sets: entries / ways, ways: ways)
    for region in ReplacementTests.stream(100_000, capacity: entries, seed: 0x31) {
      let hit = cache.find(UInt32(region)) != nil
      guard hit == model.access(region) else {
        Issue.record("seed 31h: region \(region): \(hit)")
        return
      }
      if !hit { cache.insert(CachedDirectoryEntry(value: region, address: 0), UInt32(region)) }
    }
  }
}

@Suite("A directory that maps itself")
struct SelfMapTests {
  /// The last entry of a 32-bit directory points to the directory: the window's last page is the directory, read through
  /// one entry as PDE and as PTE.
  @Test func theDirectoryIsItsOwnTable() throws {
    let fixture = try PagedFixture(pae: false)
    fixture.setDirectoryEntry(1023, to: PagedFixture.directory | 0x63)
    #expect(try fixture.load(0xffff_fffc) == UInt32(PagedFixture.directory | 0x63))
    #expect(try fixture.load(0xffff_f000) == UInt32(fixture.directoryEntry(0)))
    #expect(fixture.paging.data4KFills > 0)
    #expect(fixture.paging.dataLargeFills == 0)
  }
}
