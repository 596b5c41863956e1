import IA32
import Testing

@testable import Emulator

/// A machine in flat 32-bit protected mode with caches on and the code of a test at `code`, which ends with HLT.
/// Ring 3 is reached by IRET and left by INT 80h, whose handler is at `handler`.
final class CounterFixture {
  static let code: UInt32 = 0x5000
  static let handler: UInt32 = 0x6000
  static let userCode: UInt32 = 0x7000
  static let stackTop: UInt32 = 0x9000
  static let userStackTop: UInt32 = 0xa000
  private static let gdt: UInt32 = 0x1000
  private static let idt: UInt32 = 0x2000
  private static let tss: UInt32 = 0x3000
  private static let code0: UInt16 = 0x08
  private static let data0: UInt16 = 0x10
  static let code3: UInt32 = 0x1b
  static let data3: UInt32 = 0x23

  let machine: Machine
  var cpu: CPU { machine.cpu }

  init(_ timing: TimingLevel) throws {
    machine = try Machine(MachineConfiguration(memoryBytes: 16 << 20, rom: [], timing: timing))
    let flat: (UInt64) -> UInt64 = { 0x00cf_0000_0000_ffff | $0 << 40 }
    poke(Self.gdt, [0, flat(0x9a), flat(0x92), flat(0xfa), flat(0xf2), 0x0000_8900_3000_0067])
    poke(Self.tss + 4, [UInt64(Self.stackTop) | UInt64(Self.data0) << 32])
    // An interrupt gate for vector 80h that ring 3 may use.
    poke(Self.idt + 0x80 * 8, [UInt64(Self.handler) | UInt64(Self.code0) << 16 | 0xee00 << 32])
    let cpu = machine.cpu
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: Self.gdt, limit: 0x2f)
    cpu.state.pointee.idtr = DescriptorTableRegister(base: Self.idt, limit: 0x7ff)
    try cpu.moveToControlRegister(0, CR0.protectionEnable.rawValue)
    try cpu.jumpFar(selector: Self.code0, offset: Self.code, operandSize: 4)
    try cpu.loadSegment(.ss, Self.data0)
    // Ring 3's, so that they stay when it is entered.
    for register in [SegmentRegister.ds, .es] { try cpu.loadSegment(register, UInt16(Self.data3)) }
    try cpu.loadTaskRegister(0x28)
    cpu[.esp] = Self.stackTop
  }

  func poke(_ address: UInt32, _ words: [UInt64]) {
    poke(
      address,
      bytes: words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } })
  }

  func poke(_ address: UInt32, bytes: [UInt8]) {
    // Code that was decoded there dies.
    cpu.board.gate.willChange(UInt64(address), bytes: UInt32(bytes.count))
    #expect(throws: Never.self) { try machine.memory.write(bytes, at: PhysicalAddress(UInt64(address))) }
  }

  func peek(_ address: UInt32) -> UInt32 {
    (machine.memory.read(PhysicalAddress(UInt64(address)), count: 4) ?? []).reversed().reduce(0) {
      $0 << 8 | UInt32($1)
    }
  }

  /// Identity-maps the first 4 MiB with 4 KiB pages, user and writable, in 32-bit paging, and turns paging on.
  func turnPagingOn() throws {
    let directory: UInt32 = 0x10_0000
    let table: UInt32 = 0x10_1000
    poke(directory, [UInt64(table | 7)])
    // Present, writable, user, accessed, dirty; two entries a word.
    for page in 0..<512 as Range<UInt64> {
      let even: UInt64 = 2 * page << 12 | 0x67
      poke(table + UInt32(page) * 8, [even | (even + 0x1000) << 32])
    }
    try cpu.moveToControlRegister(3, directory)
    try cpu.moveToControlRegister(0, (CR0.protectionEnable.union(.paging)).rawValue)
  }

  /// Runs `code` to its HLT.
  func run(_ code: CounterCode, sourceLocation: SourceLocation = #_sourceLocation) {
    poke(Self.code, bytes: code.bytes)
    cpu.state.pointee.eip = Self.code
    cpu.state.pointee.isHalted = false
    #expect(machine.run(untilCycle: machine.cycle + 10_000_000) == .halted, sourceLocation: sourceLocation)
  }
}

/// The few instructions that these tests are made of.
struct CounterCode {
  private(set) var bytes: [UInt8] = []

  private static func word(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(value >> (8 * UInt32($0)) & 0xff) }
  }

  mutating func emit(_ new: UInt8...) { bytes += new }

  /// MOV r32, imm32.
  mutating func move(_ register: GeneralRegister, _ value: UInt32) {
    bytes += [0xb8 + register.rawValue] + Self.word(value)
  }

  /// PUSH imm32.
  mutating func push(_ value: UInt32) { bytes += [0x68] + Self.word(value) }

  /// WRMSR of a value with a zero upper half.
  mutating func writeMSR(_ index: UInt32, _ value: UInt32) {
    move(.ecx, index)
    move(.eax, value)
    move(.edx, 0)
    emit(0x0f, 0x30)
  }

  /// RDPMC, and its low half to memory.
  mutating func readCounter(_ index: UInt32, to address: UInt32) {
    move(.ecx, index)
    emit(0x0f, 0x33)
    bytes += [0xa3] + Self.word(address)
  }

  /// Loads from `count` pages, `stride` pages apart, from `start` on; each in another line of its page. Leaves in EDI the
  /// address past the last.
  mutating func sweep(from start: UInt32, pages count: UInt32, stride: UInt32 = 1) {
    move(.edi, start)
    move(.ecx, count)
    emit(0x8b, 0x07)  // mov eax, [edi]
    bytes += [0x81, 0xc7] + Self.word(stride << 12 | 0x20)  // add edi, ...
    bytes += [0x81, 0xe7] + Self.word(0xffff_f7ff)  // and edi, ...: lines up to 7E0h
    emit(0x49, 0x75, 0xef)  // dec ecx; jnz
  }

  mutating func halt() { emit(0xfa, 0xf4) }

  /// IRET to ring 3.
  mutating func enterUserMode(at eip: UInt32) {
    push(CounterFixture.data3)
    push(CounterFixture.userStackTop)
    push(2)
    push(CounterFixture.code3)
    push(eip)
    emit(0xcf)
  }
}
