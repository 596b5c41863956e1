import TestSupport

/// One step of a random stream that the machine and the reference both take.
enum PagingOperation {
  case load(UInt32, bytes: Int, user: Bool)
  case store(UInt32, bytes: Int, UInt64, user: Bool)
  case fetch(UInt32)
  /// A store to physical memory, which the paging unit doesn't see.
  case setEntry(UInt64, UInt64)
  case invalidatePage(UInt32)
  case moveToCR3(UInt64)
  case setWriteProtect(Bool)
  case setGlobalPages(Bool)
  case setPageSizeExtensions(Bool)
  case setNoExecuteEnable(Bool)
  case setUserMode(Bool)
}

/// Makes streams that go where paging units go wrong: few sets for many pages, aliases, entries edited while
/// the TLB holds them, large pages that come and go over small ones, accesses at page ends.
struct PagingStream {
  // Physical: two roots, a directory of each, page tables, then pages.
  static let roots: [UInt64] = [0x20_0000, 0x20_0020]
  static let directories: [UInt64] = [0x20_1000, 0x20_2000]
  static let tables: UInt64 = 0x20_3000
  static let tableCount: UInt64 = 8
  /// The page table behind the directory's entry 8: it maps the page tables themselves, for edits by linear
  /// address.
  static let selfMap: UInt64 = tables + tableCount * 0x1000
  static let frames: Range<UInt64> = 0x22_0000..<0x80_0000

  let mode: PagingOracle.Mode
  private var random: SeededGenerator
  /// The page numbers that are used in each page table.
  private var places: [UInt64] = []
  private var recent: [UInt32] = []
  private var writeProtect = true
  private var globalPages = true
  private var pageSizeExtensions = true
  private var noExecuteEnable = true
  private var isUser = false

  private var isPAE: Bool { mode == .pae }
  private var entryBytes: UInt64 { isPAE ? 8 : 4 }
  private var largeShift: UInt64 { isPAE ? 21 : 22 }

  init(_ mode: PagingOracle.Mode, seed: UInt64) {
    self.mode = mode
    random = SeededGenerator(seed: seed)
    let entries: UInt64 = isPAE ? 512 : 1024
    // Half of the places share a few sets, so that sets overflow. The last page of a table is left out: an access that
    // crosses its end would reach the next table's pages, and in the end those of the self-map.
    places = (0..<24).map {
      $0 < 12
        ? random.number(below: entries - 1)
        : random.number(below: entries / 16) * 16 + random.number(below: 2)
    }
    recent = (0..<8).map { _ in linear() }
  }

  /// Registers that the stream starts with.
  var registers: PagingOracle.Registers {
    .init(
      mode: mode, writeProtect: true, pageSizeExtensions: true, globalPages: true, noExecuteEnable: true)
  }
  var firstCR3: UInt64 { isPAE ? Self.roots[0] : Self.directories[0] }

  /// The writes that build the structures.
  mutating func setUp() -> [PagingOperation] {
    var writes: [PagingOperation] = []
    for root in 0..<2 {
      if isPAE {
        for index in 0..<4 as Range<UInt64> { writes.append(pointerEdit(root: root, index: index)) }
      }
      for index in 0..<Self.tableCount { writes.append(directoryEdit(directory: root, index: index)) }
      writes.append(.setEntry(Self.directories[root] + Self.tableCount * entryBytes, Self.selfMap | 0x23))
    }
    for table in 0..<Self.tableCount {
      for place in places { writes.append(.setEntry(tableEntry(table, place), pageEntry())) }
      writes.append(.setEntry(Self.selfMap + table * entryBytes, (Self.tables + table << 12) | 0x63))
    }
    return writes
  }

  // MARK: Entries

  private func tableEntry(_ table: UInt64, _ place: UInt64) -> UInt64 {
    Self.tables + table << 12 + place * entryBytes
  }

  /// `bit`, but once in `count` times not.
  private mutating func mostly(_ bit: UInt64, butOneIn count: UInt64) -> UInt64 {
    random.oneIn(count) ? 0 : bit
  }

  private mutating func pageFlags() -> UInt64 {
    var flags = mostly(1, butOneIn: 40) | mostly(2, butOneIn: 7) | mostly(4, butOneIn: 6)
    flags |= mostly(0x20, butOneIn: 2) | mostly(0x40, butOneIn: 2)
    if random.oneIn(5) { flags |= 0x100 }
    // PWT and PCD, which decide nothing but time.
    if random.oneIn(8) { flags |= 0x08 << random.number(below: 2) }
    if isPAE && random.oneIn(20) { flags |= 1 << 63 }
    if isPAE && random.oneIn(300) { flags |= 1 << (36 + random.number(below: 27)) }
    return flags
  }

  private mutating func pageEntry() -> UInt64 {
    // One page in 64 has no memory behind it.
    let frame =
      random.oneIn(64)
      ? 0xc000_0000 : Self.frames.lowerBound + random.number(below: 64) << 12 + random.number(below: 2) << 21
    return frame | pageFlags()
  }

  private mutating func directoryEntry() -> UInt64 {
    if random.oneIn(3) {
      return 0x40_0000 + (isPAE ? random.number(below: 2) << 21 : 0) | 0x80 | pageFlags()
    }
    let table = Self.tables + random.number(below: Self.tableCount) << 12
    return table | mostly(1, butOneIn: 100) | mostly(2, butOneIn: 15) | mostly(4, butOneIn: 15)
      | mostly(0x20, butOneIn: 2)
  }

  private mutating func directoryEdit(directory: Int, index: UInt64) -> PagingOperation {
    .setEntry(Self.directories[directory] + index * entryBytes, directoryEntry())
  }

  private mutating func pointerEdit(root: Int, index: UInt64) -> PagingOperation {
    let target = random.oneIn(2) ? root : 1 - root
    return .setEntry(Self.roots[root] + index * 8, Self.directories[target] | mostly(1, butOneIn: 60))
  }

  // MARK: Addresses

  private mutating func linear() -> UInt32 {
    let place = places[Int(random.number(below: UInt64(places.count)))]
    let page = random.number(below: Self.tableCount) << largeShift | place << 12
    return UInt32(page | random.number(below: 4096))
  }

  private mutating func dataAddress() -> UInt32 {
    let slot = Int(random.number(below: UInt64(recent.count)))
    if random.oneIn(3) { recent[slot] = linear() }
    let page = recent[slot] & ~0xfff
    return random.oneIn(8)
      ? page | UInt32(0xff8 + random.number(below: 8)) : page | UInt32(random.number(below: 4096))
  }

  // MARK: Steps

  mutating func next() -> PagingOperation {
    let bytes = 1 << Int(random.number(below: 4))
    switch random.number(below: 1000) {
    case 0..<400: return .load(dataAddress(), bytes: bytes, user: isUser)
    case 400..<680: return .store(dataAddress(), bytes: bytes, random.next(), user: isUser)
    case 680..<800: return .fetch(dataAddress())
    // The processor's own accesses to its tables are the supervisor's in every ring.
    case 800..<830: return .load(dataAddress(), bytes: bytes, user: false)
    case 830..<900:
      let table = random.number(below: Self.tableCount)
      let place = places[Int(random.number(below: UInt64(places.count)))]
      return .setEntry(tableEntry(table, place), pageEntry())
    case 900..<915:
      let table = random.number(below: Self.tableCount)
      let place = places[Int(random.number(below: UInt64(places.count)))]
      let address = Self.tableCount << largeShift | table << 12 | place * entryBytes
      return .store(UInt32(address), bytes: Int(entryBytes), pageEntry(), user: false)
    case 915..<925:
      return directoryEdit(
        directory: Int(random.number(below: 2)), index: random.number(below: Self.tableCount))
    case 925..<928 where isPAE:
      return pointerEdit(root: Int(random.number(below: 2)), index: random.number(below: 4))
    case 928..<968: return .invalidatePage(dataAddress())
    case 968..<971:
      let root = Int(random.number(below: 2))
      return .moveToCR3(isPAE ? Self.roots[root] : Self.directories[root])
    case 971..<975:
      writeProtect.toggle()
      return .setWriteProtect(writeProtect)
    case 975..<976:
      globalPages.toggle()
      return .setGlobalPages(globalPages)
    // 32-bit paging would take the large pages' entries for page tables, and any data for PTEs.
    case 976..<977 where isPAE:
      pageSizeExtensions.toggle()
      return .setPageSizeExtensions(pageSizeExtensions)
    case 977..<980:
      noExecuteEnable.toggle()
      return .setNoExecuteEnable(noExecuteEnable)
    case 980..<1000:
      isUser.toggle()
      return .setUserMode(isUser)
    default: return .load(dataAddress(), bytes: bytes, user: isUser)
    }
  }
}
