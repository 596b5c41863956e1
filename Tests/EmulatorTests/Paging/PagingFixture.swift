import IA32
import TestSupport
import Testing

@testable import Emulator

/// What an access came to.
enum PagingOutcome: Equatable {
  case value(UInt64)
  case fault(GuestFault)

  init(_ body: () throws(GuestFault) -> UInt64) {
    do throws(GuestFault) {
      self = .value(try body())
    } catch {
      self = .fault(error)
    }
  }

  /// The page fault with this error code at this address.
  static func pageFault(_ code: PageFaultErrorCode, _ linear: UInt32) -> PagingOutcome {
    .fault(.pageFault(code, at: linear))
  }

  static let generalProtection = PagingOutcome.fault(.generalProtection())
  static let done = PagingOutcome.value(0)
}

/// A machine whose page tables the test writes, with helpers that neither throw nor count.
final class PagingFixture {
  /// Where the helpers put the page-directory-pointer table, the page directory of the first GiB (or of
  /// everything, in 32-bit paging) and its first page table.
  static let pointerTable: UInt64 = 0x20_0000
  static let directory: UInt64 = 0x20_1000
  static let table: UInt64 = 0x20_2000

  let machine: Machine
  var mmu: MMU { machine.cpu.mmu }

  init(
    memoryBytes: UInt64 = 64 << 20, addressWidth: Int = 36, rom: [UInt8] = [],
    timing: TimingLevel = .functional
  ) throws {
    machine = try Machine(
      MachineConfiguration(
        memoryBytes: memoryBytes, physicalAddressBits: addressWidth, rom: rom, timing: timing))
    try machine.moveToCR0(.protectionEnable)
  }

  // MARK: Memory

  /// The host address of a byte of RAM.
  func host(_ address: UInt64) -> UnsafeMutableRawPointer {
    guard let page = machine.memory.hostPage(address >> 12) else {
      preconditionFailure("\(PhysicalAddress(address)) is no RAM: a mistake of the test")
    }
    return page + Int(address & 0xfff)
  }

  func poke8(_ address: UInt64, _ value: UInt8) { host(address).storeBytes(of: value, as: UInt8.self) }
  func poke32(_ address: UInt64, _ value: UInt32) { host(address).storeBytes(of: value, as: UInt32.self) }
  func poke64(_ address: UInt64, _ value: UInt64) { host(address).storeBytes(of: value, as: UInt64.self) }
  func peek8(_ address: UInt64) -> UInt8 { host(address).loadUnaligned(as: UInt8.self) }
  func peek32(_ address: UInt64) -> UInt32 { host(address).loadUnaligned(as: UInt32.self) }
  func peek64(_ address: UInt64) -> UInt64 { host(address).loadUnaligned(as: UInt64.self) }

  // MARK: Modes

  /// Turns paging on from scratch: every translation goes, the PDPTE registers are loaded.
  func startPaging(_ registers: PagingOracle.Registers, cr3: UInt64) throws {
    try machine.moveToCR0(.protectionEnable)
    try machine.writeEFER(registers.noExecuteEnable ? EFER.noExecuteEnable : 0)
    var cr4: CR4 = registers.mode == .pae ? .physicalAddressExtension : []
    if registers.pageSizeExtensions { cr4.insert(.pageSizeExtensions) }
    if registers.globalPages { cr4.insert(.pageGlobalEnable) }
    try machine.moveToCR4(cr4)
    try machine.moveToCR3(UInt32(truncatingIfNeeded: cr3))
    try machine.moveToCR0(
      registers.writeProtect ? [.protectionEnable, .paging, .writeProtect] : [.protectionEnable, .paging])
  }

  /// PAE paging with one page directory for the first GiB and one page table for its first 2 MiB.
  func startPAE(
    writeProtect: Bool = true, globalPages: Bool = false, noExecute: Bool = false
  ) throws {
    poke64(Self.pointerTable, Self.directory | 1)
    poke64(Self.directory, Self.table | 7)
    try startPaging(
      .init(
        mode: .pae, writeProtect: writeProtect, globalPages: globalPages, noExecuteEnable: noExecute),
      cr3: Self.pointerTable)
  }

  /// 32-bit paging with one page table for the first 4 MiB.
  func start32Bit(writeProtect: Bool = true, largePages: Bool = true, globalPages: Bool = false) throws {
    poke32(Self.directory, UInt32(Self.table | 7))
    try startPaging(
      .init(
        mode: .bits32, writeProtect: writeProtect, pageSizeExtensions: largePages, globalPages: globalPages),
      cr3: Self.directory)
  }

  /// Writes the PAE PTE of a page in the first 2 MiB.
  func map(_ page: UInt64, to entry: UInt64) { poke64(Self.table + page * 8, entry) }

  // MARK: Accesses

  func load(_ linear: UInt32, user: Bool = false) -> PagingOutcome {
    PagingOutcome { () throws(GuestFault) in UInt64(try machine.load32(LinearAddress(linear), user: user)) }
  }

  func store(_ linear: UInt32, _ value: UInt32 = 0, user: Bool = false) -> PagingOutcome {
    PagingOutcome { () throws(GuestFault) in
      try machine.store32(LinearAddress(linear), value, user: user)
      return 0
    }
  }

  func fetch(_ linear: UInt32, user: Bool = false) -> PagingOutcome {
    PagingOutcome { () throws(GuestFault) in try machine.fetch(LinearAddress(linear), user: user).rawValue }
  }

  /// Loads `bytes` bytes: 1, 2, 4 or 8.
  func load(_ linear: UInt32, bytes: Int, user: Bool = false) -> PagingOutcome {
    let address = LinearAddress(linear)
    return PagingOutcome { () throws(GuestFault) in
      switch bytes {
      case 1: UInt64(try machine.load8(address, user: user))
      case 2: UInt64(try machine.load16(address, user: user))
      case 4: UInt64(try machine.load32(address, user: user))
      default: try machine.load64(address, user: user)
      }
    }
  }

  /// Stores the low `bytes` bytes of `value`.
  func store(_ linear: UInt32, bytes: Int, _ value: UInt64, user: Bool = false) -> PagingOutcome {
    let address = LinearAddress(linear)
    return PagingOutcome { () throws(GuestFault) in
      switch bytes {
      case 1: try machine.store8(address, UInt8(truncatingIfNeeded: value), user: user)
      case 2: try machine.store16(address, UInt16(truncatingIfNeeded: value), user: user)
      case 4: try machine.store32(address, UInt32(truncatingIfNeeded: value), user: user)
      default: try machine.store64(address, value, user: user)
      }
      return 0
    }
  }

  func moveToCR3(_ value: UInt64) -> PagingOutcome {
    PagingOutcome { () throws(GuestFault) in
      try machine.moveToCR3(UInt32(truncatingIfNeeded: value))
      return 0
    }
  }

  func moveToCR0(_ value: CR0) -> PagingOutcome {
    PagingOutcome { () throws(GuestFault) in
      try machine.moveToCR0(value)
      return 0
    }
  }

  func moveToCR4(_ value: CR4) -> PagingOutcome {
    PagingOutcome { () throws(GuestFault) in
      try machine.moveToCR4(value)
      return 0
    }
  }

  // MARK: Code

  /// Ring 0 in flat segments, the next instruction at `address` of a page that is mapped. The segments are
  /// loaded with paging off, from a GDT at physical 300000h; paging is entered again as it was.
  func enterFlatCode(at address: UInt32) throws {
    let control = CR0(rawValue: machine.registers.cr0)
    try machine.moveToCR0(.protectionEnable)
    poke64(0x30_0008, DescriptorBytes.flatCode)
    poke64(0x30_0010, DescriptorBytes.flatData)
    let cpu = machine.cpu
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: 0x30_0000, limit: 0x17)
    try cpu.jumpFar(selector: 8, offset: address, operandSize: 4)
    for register in [SegmentRegister.ss, .ds, .es] { try cpu.loadSegment(register, 0x10) }
    try machine.moveToCR0(control)
  }

  // MARK: The TLB

  /// The linear page numbers that an array holds, ascending.
  func pages(_ array: TLBArrayName) -> [UInt32] { machine.tlb(array).map(\.entry.page).sorted() }
}
