import Foundation
import IA32
import Testing

@testable import Emulator

/// Entries to try: `base` with every subset of the bits `flags`, and with none or one of the bits `oneOf`.
struct EntrySet {
  let base: UInt64
  let flags: [Int]
  let values: [UInt64]

  init(base: UInt64, flags: [Int] = [], oneOf: [Int] = []) {
    self.base = base
    self.flags = flags
    var values: [UInt64] = []
    for extra in [base] + oneOf.map({ base | UInt64(1) << UInt64($0) }) {
      for subset in 0..<(1 << flags.count) {
        let chosen = flags.indices.filter { subset >> $0 & 1 != 0 }.map { flags[$0] }
        values.append(extra | PagingOracle.bits(chosen))
      }
    }
    self.values = values
  }

  func with(oneOf: [Int]) -> EntrySet { EntrySet(base: base, flags: flags, oneOf: oneOf) }
}

/// Where a sweep's structures and pages lie: all in RAM of a machine with 8 GiB, the PAE pages above 4 GiB.
enum PAELayout {
  /// Picks PDPTE 1, PDE 3, PTE 5.
  static let linear: UInt32 = 1 << 30 | 3 << 21 | 5 << 12 | 0x9a8
  static let pointerTable: UInt64 = 0x1_0020
  static let directory: UInt64 = 0x1_1000_4000
  static let tableAddress: UInt64 = 0x1_1000_7000
  static let frame: UInt64 = 0x1_2345_6000
  static let largeFrame: UInt64 = 0x1_2340_0000
}

enum Bits32Layout {
  /// Picks PDE 515, PTE 5.
  static let linear: UInt32 = 515 << 22 | 5 << 12 | 0x9a8
  static let directory: UInt64 = 0x1100_4000
  /// A multiple of 4 MiB: with CR4.PSE a PDE with this address and bit 7 maps a page there.
  static let tableAddress: UInt64 = 0x1000_0000
  static let frame: UInt64 = 0x1234_5000
  static let largeFrame: UInt64 = 0x1240_0000
}

/// The two entries that a sweep's walk can reach, as the walker's memory.
private final class TwoEntries: WalkMemory {
  let directoryAddress: UInt64
  let tableAddress: UInt64
  let entryBytes: UInt8
  var directoryEntry: UInt64 = 0
  var tableEntry: UInt64 = 0
  /// References to anything else, or of another width: none, if the walker composes addresses right.
  var strays = 0
  var references = 0

  init(directoryAddress: UInt64, tableAddress: UInt64, entryBytes: UInt8) {
    self.directoryAddress = directoryAddress
    self.tableAddress = tableAddress
    self.entryBytes = entryBytes
  }

  func readEntry(at address: UInt64, bytes: UInt8) -> UInt64 {
    references += 1
    if bytes != entryBytes { strays += 1 }
    if address == directoryAddress { return directoryEntry }
    if address != tableAddress { strays += 1 }
    return tableEntry
  }

  func setBits(_ bits: UInt64, inEntryAt address: UInt64, bytes: UInt8) {
    if bytes != entryBytes { strays += 1 }
    if address == directoryAddress {
      directoryEntry |= bits
    } else {
      if address != tableAddress { strays += 1 }
      tableEntry |= bits
    }
  }
}

/// Runs the machine's page walker against the oracle over products of entries, registers and accesses, and
/// keeps of every class of outcome a few cases to be repeated as real accesses of a machine.
struct PagingSweep {
  /// Whether the environment asks for the sweeps that take minutes.
  static var isSlowRun: Bool { ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] == "1" }

  struct Case {
    var registers: PagingOracle.Registers
    var kind: PagingOracle.Kind
    var user: Bool
    var directoryEntry: UInt64
    var tableEntry: UInt64
  }

  private(set) var caseCount = 0
  private var samples: [Case] = []
  private var classCounts = [UInt8](repeating: 0, count: 16 * 6 * 64 * 16)
  private var failures = 0
  private let mode: PagingOracle.Mode
  private let linear: UInt32
  private let pdpte: UInt64
  private let memory: TwoEntries
  private let fixture: PagingFixture

  private static let kinds: [PageAccess.Kind] = [.read, .write, .fetch]
  /// Cases of each class that are repeated on the machine.
  private static let samplesOfEachClass = 2
  /// And one of so many cases whatever its class.
  private static let sampleStride = 4999

  init(_ mode: PagingOracle.Mode, addressWidth: Int = 36) throws {
    self.mode = mode
    fixture = try PagingFixture(memoryBytes: 8 << 30, addressWidth: addressWidth)
    switch mode {
    case .pae:
      linear = PAELayout.linear
      pdpte = PAELayout.directory | 1
      memory = TwoEntries(
        directoryAddress: PAELayout.directory + 3 * 8, tableAddress: PAELayout.tableAddress + 5 * 8,
        entryBytes: 8)
    case .bits32:
      linear = Bits32Layout.linear
      pdpte = 0
      memory = TwoEntries(
        directoryAddress: Bits32Layout.directory + 515 * 4, tableAddress: Bits32Layout.tableAddress + 5 * 4,
        entryBytes: 4)
    }
  }

  // MARK: The walker

  mutating func run(_ allRegisters: [PagingOracle.Registers], _ directory: EntrySet, _ table: EntrySet) {
    for (registerIndex, registers) in allRegisters.enumerated() {
      let oracle = PagingOracle(registers)
      let control = control(registers)
      for pde in directory.values {
        for pte in table.values {
          for access in 0..<6 {
            let kind = PagingOracle.Kind.allCases[access % 3]
            let user = access >= 3
            let expected = oracle.answer(linear, kind, user: user, directoryEntry: pde, tableEntry: pte)
            let found = walk(control, PageAccess(Self.kinds[access % 3], user: user), pde, pte)
            caseCount += 1
            let place = Case(
              registers: registers, kind: kind, user: user, directoryEntry: pde, tableEntry: pte)
            if found != expected { report(place, found, expected) }
            sample(place, expected, registerIndex: registerIndex, access: access)
          }
        }
      }
    }
    #expect(memory.strays == 0, "the walker read or wrote where no entry is")
    #expect(failures == 0, "of \(caseCount) cases")
  }

  private func control(_ registers: PagingOracle.Registers) -> PagingControl {
    var cr0: CR0 = [.protectionEnable, .paging]
    if registers.writeProtect { cr0.insert(.writeProtect) }
    var cr4: CR4 = mode == .pae ? .physicalAddressExtension : []
    if registers.pageSizeExtensions { cr4.insert(.pageSizeExtensions) }
    if registers.globalPages { cr4.insert(.pageGlobalEnable) }
    return PagingControl(
      cr0: cr0, cr3: UInt32(Bits32Layout.directory), cr4: cr4,
      efer: registers.noExecuteEnable ? EFER.noExecuteEnable : 0, addressWidth: UInt8(registers.addressWidth))
  }

  private func walk(
    _ control: PagingControl, _ access: PageAccess, _ pde: UInt64, _ pte: UInt64
  ) -> PagingOracle.Answer {
    memory.directoryEntry = pde
    memory.tableEntry = pte
    memory.references = 0
    var walk = PageWalk(linear: linear, access: access, control: control, pdpte: pdpte)
    while walk.next != .done { _ = walk.advance(memory) }
    var answer = PagingOracle.Answer(
      errorCode: walk.fault?.rawValue, references: memory.references, directoryEntry: memory.directoryEntry,
      tableEntry: memory.tableEntry)
    if walk.fault == nil {
      let translation = walk.translation
      let offset = translation.isLarge ? (UInt64(1) << UInt64(control.largePageShift)) - 1 : 0xfff
      answer.physical = translation.frame | UInt64(linear) & offset
      answer.isLarge = translation.isLarge
      answer.isGlobal = translation.isGlobal
    }
    return answer
  }

  private mutating func report(
    _ place: Case, _ found: PagingOracle.Answer, _ expected: PagingOracle.Answer
  ) {
    failures += 1
    if failures <= 5 { Issue.record("\(place): the walker says \(found), the manual \(expected)") }
  }

  private mutating func sample(
    _ place: Case, _ expected: PagingOracle.Answer, registerIndex: Int, access: Int
  ) {
    // The class: registers, access, error code, page size, and which of A (twice) and D were written.
    var kind = registerIndex * 6 + access
    kind = kind * 64 + Int(expected.errorCode ?? 32)
    kind = kind * 2 + (expected.isLarge ? 1 : 0)
    kind = kind * 2 + (expected.directoryEntry != place.directoryEntry ? 1 : 0)
    kind = kind * 4 + Int((expected.tableEntry ^ place.tableEntry) >> 5 & 3)
    if classCounts[kind] < Self.samplesOfEachClass {
      classCounts[kind] += 1
      samples.append(place)
    } else if caseCount % Self.sampleStride == 0 {
      samples.append(place)
    }
  }

  // MARK: The machine

  /// Repeats the kept cases as loads, stores and fetches: the value that moves, the fault with its address,
  /// both entries in memory and what the TLB then holds.
  func checkOnMachine() throws {
    var registers: PagingOracle.Registers?
    for place in samples {
      if place.registers != registers {
        registers = place.registers
        fixture.poke64(PAELayout.pointerTable + 8, pdpte)
        try fixture.startPaging(
          place.registers, cr3: mode == .pae ? PAELayout.pointerTable : Bits32Layout.directory)
      }
      check(place)
    }
    #expect(!samples.isEmpty)
  }

  private func check(_ place: Case) {
    let oracle = PagingOracle(place.registers)
    let expected = oracle.answer(
      linear, place.kind, user: place.user, directoryEntry: place.directoryEntry, tableEntry: place.tableEntry
    )
    write(memory.directoryAddress, place.directoryEntry)
    write(memory.tableAddress, place.tableEntry)
    fixture.mmu.dropAllEntries(keepingGlobal: false)
    let isRAM = expected.errorCode == nil && fixture.machine.memory.hostPage(expected.physical >> 12) != nil
    if isRAM { fixture.poke32(expected.physical, 0x5eed_0001) }

    let outcome: PagingOutcome
    let wanted: PagingOutcome
    switch place.kind {
    case .read:
      outcome = fixture.load(linear, user: place.user)
      wanted = .value(isRAM ? 0x5eed_0001 : 0xffff_ffff)
    case .write:
      outcome = fixture.store(linear, 0x5eed_0002, user: place.user)
      wanted = .done
    case .fetch:
      outcome = fixture.fetch(linear, user: place.user)
      wanted = .value(expected.physical)
    }
    let fault = expected.errorCode.map { PagingOutcome.pageFault(PageFaultErrorCode(rawValue: $0), linear) }
    #expect(outcome == fault ?? wanted, "\(place)")
    if isRAM && place.kind == .write { #expect(fixture.peek32(expected.physical) == 0x5eed_0002, "\(place)") }
    #expect(read(memory.directoryAddress) == expected.directoryEntry, "\(place)")
    #expect(read(memory.tableAddress) == expected.tableEntry, "\(place)")
    checkTLB(place, expected)
  }

  /// One entry in the right array after a translation, none after a fault.
  private func checkTLB(_ place: Case, _ expected: PagingOracle.Answer) {
    let lines = TLBArrayName.allCases.map { fixture.machine.tlb($0) }
    let total = lines.reduce(0) { $0 + $1.count }
    #expect(total == (expected.errorCode == nil ? 1 : 0), "\(place)")
    guard expected.errorCode == nil else { return }
    let index = (place.kind == .fetch ? 0 : 2) + (expected.isLarge ? 1 : 0)
    guard let entry = lines[index].first?.entry else {
      Issue.record("\(place): the entry is not in \(TLBArrayName.allCases[index])")
      return
    }
    let leaf = expected.isLarge ? expected.directoryEntry : expected.tableEntry
    #expect(entry.translation.isGlobal == expected.isGlobal, "\(place)")
    #expect(entry.translation.isDirty == (leaf & EntryBit.dirty != 0), "\(place)")
    #expect(expected.physical & ~0xfff == physicalPage(entry), "\(place)")
  }

  private func physicalPage(_ entry: TLBEntry) -> UInt64 {
    let large: UInt32 = mode == .pae ? 0x1f_f000 : 0x3f_f000
    return entry.translation.frame | (entry.translation.isLarge ? UInt64(linear & large) : 0)
  }

  private func write(_ address: UInt64, _ entry: UInt64) {
    if mode == .pae {
      fixture.poke64(address, entry)
    } else {
      fixture.poke32(address, UInt32(truncatingIfNeeded: entry))
    }
  }

  private func read(_ address: UInt64) -> UInt64 {
    mode == .pae ? fixture.peek64(address) : UInt64(fixture.peek32(address))
  }
}
