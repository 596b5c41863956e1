import IA32
import TestSupport

@testable import Emulator

/// Machine code with its place, written instruction by instruction.
struct CodeBuilder {
  let base: UInt32
  private(set) var bytes: [UInt8] = []

  init(at base: UInt32) { self.base = base }

  var here: UInt32 { base + UInt32(bytes.count) }

  mutating func emit(_ code: UInt8...) { bytes += code }
  mutating func emit(_ code: [UInt8]) { bytes += code }
  mutating func word(_ value: UInt32) {
    bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// `code` and a doubleword: an immediate, an absolute address.
  mutating func emit(_ code: UInt8..., word value: UInt32) {
    bytes += code
    word(value)
  }

  /// mov al, value; out port, al
  mutating func out(_ port: UInt8, _ value: UInt8) { emit(0xb0, value, 0xe6, port) }

  /// A branch with a 32-bit displacement.
  mutating func branch(_ code: UInt8..., to target: UInt32) {
    bytes += code
    word(target &- (here &+ 4))
  }

  mutating func pad(to address: UInt32) {
    while here < address { bytes.append(0x90) }
  }
}

/// A machine that starts in ring 0, flat and protected, without a ROM: tables below 64 KiB, page tables that map 16 MiB of
/// linear space in a fixed array, paging off to begin with.
struct BareMachine {
  static let gdt: UInt32 = 0x1000
  static let idt: UInt32 = 0x2000
  static let stackTop: UInt32 = 0x9f00
  static let pdpt: UInt32 = 0x1_0000
  static let directory: UInt32 = 0x1_1000
  /// Eight page tables in a row: the PTE of linear page n is at `tables` + 8 n.
  static let tables: UInt32 = 0x2_0000
  static let code: UInt32 = 0x10_0000
  static let codeSelector: UInt16 = 8

  let machine: Machine

  init(
    _ timing: TimingLevel, fast: Bool = true, serial: SerialTransmission = .exact, identity: CPUIdentity = .p6
  ) throws {
    var configuration = MachineConfiguration(
      memoryBytes: 16 << 20, rom: [], identity: identity, timing: timing, serial: serial)
    configuration.usesFastPaths = fast
    machine = try Machine(configuration)
    poke64(Self.gdt + 8, DescriptorBytes.flatCode)
    poke64(Self.gdt + 16, DescriptorBytes.flatData)
    let cpu = machine.cpu
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: Self.gdt, limit: 0x17)
    cpu.state.pointee.idtr = DescriptorTableRegister(base: Self.idt, limit: 0x7ff)
    // Caches on, as a boot ROM leaves them.
    try cpu.moveToControlRegister(0, CR0.protectionEnable.rawValue)
    try cpu.jumpFar(selector: Self.codeSelector, offset: Self.code, operandSize: 4)
    for register in [SegmentRegister.ss, .ds, .es, .fs, .gs] { try cpu.loadSegment(register, 16) }
    cpu[.esp] = Self.stackTop
    machine.setTiming(timing == .full ? .tlb : .full)
    machine.setTiming(timing)
  }

  func poke(_ address: UInt32, _ bytes: [UInt8]) throws {
    try machine.memory.write(bytes, at: PhysicalAddress(UInt64(address)))
  }

  func poke64(_ address: UInt32, _ value: UInt64) {
    let host = machine.memory.base + Int(address)
    host.storeBytes(of: value.littleEndian, as: UInt64.self)
  }

  func peek64(_ address: UInt32) -> UInt64 {
    (machine.memory.base + Int(address)).loadUnaligned(as: UInt64.self)
  }

  /// An interrupt gate of ring 0.
  func setGate(_ vector: UInt32, _ handler: UInt32) {
    poke64(Self.idt + vector * 8, DescriptorBytes.gate(Self.codeSelector, handler, access: 0x8e))
  }

  /// PAE tables that map linear 0 to 16 MiB on itself, every page present, writable, A and D set.
  func mapIdentity(largeFrom firstLarge: UInt32 = 8, to lastLarge: UInt32 = 8) {
    poke64(Self.pdpt, UInt64(Self.directory) | 1)
    for index in 0..<8 as Range<UInt32> {
      let large = firstLarge..<lastLarge ~= index
      poke64(
        Self.directory + 8 * index,
        large ? UInt64(index) << 21 | 0xe7 : UInt64(Self.tables + index << 12) | 0x27)
    }
    for page in 0..<4096 as Range<UInt32> { poke64(Self.tables + 8 * page, UInt64(page) << 12 | 0x67) }
  }

  func setPage(_ page: UInt32, _ entry: UInt64) { poke64(Self.tables + 8 * page, entry) }

  func turnPagingOn() throws {
    let cpu = machine.cpu
    try cpu.moveToControlRegister(4, CR4([.physicalAddressExtension, .pageGlobalEnable]).rawValue)
    try cpu.moveToControlRegister(3, Self.pdpt)
    try cpu.moveToControlRegister(
      0, CR0([.protectionEnable, .paging, .writeProtect]).rawValue)
  }

  /// A fingerprint of RAM (FNV-1a over doublewords).
  var memoryFingerprint: UInt64 {
    let base = machine.memory.base
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for range in machine.memory.layout.ramRanges {
      for offset in stride(from: Int(range.lowerBound), to: Int(range.upperBound), by: 8) {
        hash = (hash ^ base.load(fromByteOffset: offset, as: UInt64.self)) &* 0x100_0000_01b3
      }
    }
    return hash
  }
}
