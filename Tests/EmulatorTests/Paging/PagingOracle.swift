/// What paging answers to one access, said a second time from the manual's text: as lists of bit positions
/// and as the sentences of 4.6.1, without a walk's order of work. SDM vol. 3A, 4.3 to 4.8.
struct PagingOracle {
  enum Mode: CaseIterable {
    case bits32
    case pae
  }

  /// The registers that paging obeys.
  struct Registers: Hashable {
    var mode: Mode
    var writeProtect = false
    var pageSizeExtensions = false
    var globalPages = false
    var noExecuteEnable = false
    /// MAXPHYADDR.
    var addressWidth = 36

    /// Every combination of WP, PSE, PGE and NXE.
    static func all(_ mode: Mode, addressWidth: Int = 36) -> [Registers] {
      (0..<16).map {
        Registers(
          mode: mode, writeProtect: $0 & 1 != 0, pageSizeExtensions: $0 & 2 != 0, globalPages: $0 & 4 != 0,
          noExecuteEnable: $0 & 8 != 0, addressWidth: addressWidth)
      }
    }
  }

  enum Kind: Int, CaseIterable {
    case read
    case write
    case fetch
  }

  struct Answer: Equatable {
    /// nil when the access is allowed.
    var errorCode: UInt32?
    /// Where the access goes; 0 after a fault.
    var physical: UInt64 = 0
    var isLarge = false
    var isGlobal = false
    /// How many entries were read from memory to find out.
    var references: Int
    /// The entries in memory afterwards.
    var directoryEntry: UInt64
    var tableEntry: UInt64
  }

  let registers: Registers
  private let reservedInTablePointer: UInt64
  private let reservedInLargePage: UInt64
  private let reservedInTableEntry: UInt64

  init(_ registers: Registers) {
    self.registers = registers
    // The processor's CPUID has PSE-36 and no PAT: without PAT, bit 7 of a PTE and bit 12 of a large page's
    // PDE are reserved.
    let pat: (table: [Int], large: [Int]) = ([7], [12])
    switch registers.mode {
    case .pae:
      // 4.4.2: 62 to MAXPHYADDR everywhere, 20 to 13 in the PDE of a 2 MByte page, XD while NXE is 0.
      var everywhere = Array(registers.addressWidth..<63)
      if !registers.noExecuteEnable { everywhere.append(63) }
      reservedInTablePointer = Self.bits(everywhere)
      reservedInLargePage = Self.bits(everywhere + Array(13...20) + pat.large)
      reservedInTableEntry = Self.bits(everywhere + pat.table)
    case .bits32:
      // 4.3: none while CR4.PSE is 0. Else 21 to M - 19 in the PDE of a 4 MByte page, M the least of 40 and
      // MAXPHYADDR.
      let least = min(40, registers.addressWidth)
      reservedInTablePointer = 0
      reservedInLargePage = Self.bits(Array((least - 19)...21) + pat.large)
      reservedInTableEntry = registers.pageSizeExtensions ? Self.bits(pat.table) : 0
    }
  }

  static func bits(_ positions: [Int]) -> UInt64 { positions.reduce(0) { $0 | UInt64(1) << UInt64($1) } }

  /// The answer to an access to `linear` through these two entries.
  func answer(
    _ linear: UInt32, _ kind: Kind, user: Bool, directoryEntry pde: UInt64, tableEntry pte: UInt64
  ) -> Answer {
    let p: UInt64 = 1
    let rw: UInt64 = 2
    let us: UInt64 = 4
    let a: UInt64 = 32
    let d: UInt64 = 64
    let g: UInt64 = 256
    let xd = UInt64(1) << 63
    let isPAE = registers.mode == .pae
    let large = pde & 128 != 0 && (isPAE || registers.pageSizeExtensions)
    let nx = isPAE && registers.noExecuteEnable

    // Figure 4-12: the bits that tell of the access.
    var code: UInt32 = kind == .write ? 2 : 0
    if user { code |= 4 }
    if kind == .fetch && nx { code |= 16 }
    func fault(_ bits: UInt32, afterReading references: Int) -> Answer {
      Answer(errorCode: code | bits, references: references, directoryEntry: pde, tableEntry: pte)
    }

    // 4.7: no translation. A reserved bit counts in a present entry only, and what a bad entry points to is
    // not used.
    if pde & p == 0 { return fault(0, afterReading: 1) }
    if pde & (large ? reservedInLargePage : reservedInTablePointer) != 0 {
      return fault(1 | 8, afterReading: 1)
    }
    let references = large ? 1 : 2
    if !large {
      if pte & p == 0 { return fault(0, afterReading: references) }
      if pte & reservedInTableEntry != 0 { return fault(1 | 8, afterReading: references) }
    }

    // 4.6.1: the rights, each over all entries of the translation.
    let every = large ? pde : pde & pte
    let any = large ? pde : pde | pte
    let executable = !nx || any & xd == 0
    let allowed = Self.allows(
      kind, user: user, writable: every & rw != 0, userPage: every & us != 0, executable: executable,
      writeProtect: registers.writeProtect)
    if !allowed { return fault(1, afterReading: references) }

    // 4.8: A in every entry used, D in the one that maps the page, for a write.
    let leaf = large ? pde : pte
    let leafAfter = leaf | a | (kind == .write ? d : 0)
    return Answer(
      errorCode: nil, physical: physical(linear, leaf, isLarge: large), isLarge: large,
      isGlobal: registers.globalPages && leaf & g != 0, references: references,
      directoryEntry: large ? leafAfter : pde | a, tableEntry: large ? pte : leafAfter)
  }

  /// The sentences of 4.6.1 for a processor without SMEP and SMAP.
  static func allows(
    _ kind: Kind, user: Bool, writable: Bool, userPage: Bool, executable: Bool, writeProtect: Bool
  ) -> Bool {
    switch (kind, user) {
    case (.read, false): true
    case (.write, false): !writeProtect || writable
    case (.fetch, false): executable
    case (.read, true): userPage
    case (.write, true): userPage && writable
    case (.fetch, true): userPage && executable
    }
  }

  /// 4.3 and 4.4.2: which bits of the result come from where.
  private func physical(_ linear: UInt32, _ leaf: UInt64, isLarge: Bool) -> UInt64 {
    func field(_ value: UInt64, _ high: UInt64, _ low: UInt64) -> UInt64 {
      value >> low & ((1 << (high - low + 1)) - 1)
    }
    let address = UInt64(linear)
    switch (registers.mode, isLarge) {
    case (.pae, false): return field(leaf, 51, 12) << 12 | field(address, 11, 0)
    case (.pae, true): return field(leaf, 51, 21) << 21 | field(address, 20, 0)
    case (.bits32, false): return field(leaf, 31, 12) << 12 | field(address, 11, 0)
    case (.bits32, true):
      return field(leaf, 20, 13) << 32 | field(leaf, 31, 22) << 22 | field(address, 21, 0)
    }
  }
}
