import IA32
import TestSupport
import Testing

@testable import Emulator

/// A machine without a ROM that runs an assembled program, set up where the boot ROM would have left it.
///
/// In protected mode every vector has a gate to two bytes of its own that end the run at once, so that a test finds
/// registers and the pushed frame as the fault left them.
final class ProgramMachine {
  static let gdt: UInt32 = 0x1000
  static let idt: UInt32 = 0x2000
  static let tss: UInt32 = 0x3000
  /// Vector n's handler, which is `out F4h, al`, is at `handlers` + 16 n.
  static let handlers: UInt32 = 0x4000
  static let innerStack: UInt32 = 0x7000
  static let outerStack: UInt32 = 0x9000
  static let code: UInt32 = 0x1_0000

  static let code0: UInt16 = 0x08
  static let data0: UInt16 = 0x10
  static let code3: UInt16 = 0x1b
  static let data3: UInt16 = 0x23
  static let taskState: UInt16 = 0x28
  /// For what a test wants to put there.
  static let scratch: UInt16 = 0x30

  /// A processor that has whatever a processor may have.
  static let everything: CPUIdentity = {
    var identity = CPUIdentity.p6
    identity.extensions = CPUIdentity.optional
    return identity
  }()

  let machine: Machine
  var cpu: CPU { machine.cpu }
  private(set) var missing: [String] = []

  init(
    memory: UInt64 = 16 << 20, timing: TimingLevel = .functional, frequency: UInt64 = Clock.defaultFrequency,
    identity: CPUIdentity = .p6, usesFastPaths: Bool = true, extensions: CPUFeatures = []
  ) throws {
    var configuration = MachineConfiguration(
      memoryBytes: memory, rom: [], identity: identity, timing: timing, frequency: frequency)
    configuration.usesFastPaths = usesFastPaths
    configuration.identity.extensions.formUnion(extensions)
    machine = try Machine(configuration)
    machine.onMissingOperation = { [unowned self] in missing.append($0) }
  }

  // MARK: Memory

  /// Whether each `poke` makes the processor decode everything afresh.
  var dropsBlocks = true

  func poke(_ address: UInt32, _ bytes: [UInt8]) {
    do {
      try machine.memory.write(bytes, at: PhysicalAddress(UInt64(address)))
      if dropsBlocks { cpu.blocks.removeAll() }
    } catch {
      Issue.record("\(error)")
    }
  }

  func poke32(_ address: UInt32, _ values: UInt32...) {
    poke(address, values.flatMap { value in (0..<4).map { UInt8(value >> (8 * $0) & 0xff) } })
  }

  func poke64(_ address: UInt32, _ value: UInt64) {
    poke32(address, UInt32(value & 0xffff_ffff), UInt32(value >> 32))
  }

  func peek(_ address: UInt32, _ count: Int) -> [UInt8] {
    machine.memory.read(PhysicalAddress(UInt64(address)), count: count) ?? []
  }

  func peek32(_ address: UInt32) -> UInt32 { peek(address, 4).reversed().reduce(0) { $0 << 8 | UInt32($1) } }

  // MARK: Modes

  /// Ring 0 in flat segments with paging off, interrupts off, at `code`.
  func enterProtectedMode() throws {
    let table: [UInt64] = [
      0, DescriptorBytes.segment(access: 0x9b), DescriptorBytes.segment(access: 0x93),
      DescriptorBytes.segment(access: 0xfb),
      DescriptorBytes.segment(access: 0xf3),
      DescriptorBytes.segment(base: Self.tss, limit: 0x67, access: 0x89, flags: 0),
    ]
    for (index, entry) in table.enumerated() { poke64(Self.gdt + UInt32(8 * index), entry) }
    for vector in 0..<256 as Range<UInt32> {
      poke64(Self.idt + 8 * vector, DescriptorBytes.gate(Self.code0, Self.handlers + 16 * vector))
      poke(Self.handlers + 16 * vector, [0xe6, 0xf4])
    }
    poke32(Self.tss + 4, Self.innerStack, UInt32(Self.data0))
    // No I/O permission map.
    poke32(Self.tss + 0x64, 0x68_0000)
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: Self.gdt, limit: 0xff)
    cpu.state.pointee.idtr = DescriptorTableRegister(base: Self.idt, limit: 0x7ff)
    try cpu.moveToControlRegister(0, CR0.protectionEnable.rawValue)
    try cpu.jumpFar(selector: Self.code0, offset: Self.code, operandSize: 4)
    for register in [SegmentRegister.ss, .ds, .es, .fs, .gs] { try cpu.loadSegment(register, Self.data0) }
    try cpu.loadTaskRegister(Self.taskState)
    cpu[.esp] = Self.outerStack
  }

  /// Ring 3, flat segments; privileged instructions and ports are forbidden.
  func enterRing3() throws {
    try enterProtectedMode()
    poke32(
      Self.innerStack - 20, Self.code, UInt32(Self.code3), 0x202, Self.outerStack, UInt32(Self.data3))
    cpu[.esp] = Self.innerStack - 20
    try cpu.interruptReturn(operandSize: 4)
    for register in [SegmentRegister.ds, .es, .fs, .gs] { try cpu.loadSegment(register, Self.data3) }
  }

  /// Real mode at 0:`code` modulo 64 KiB, stack at 0:7000h, each vector to its handler.
  func enterRealMode(segment: UInt16 = 0x1000) {
    cpu.state.pointee.cs = SegmentCache(realMode: segment, isCode: true)
    cpu.state.pointee.eip = 0
    for register in [SegmentRegister.es, .ss, .ds, .fs, .gs] {
      cpu.state.pointee[register] = SegmentCache(realMode: 0)
    }
    cpu.state.pointee.idtr = DescriptorTableRegister(base: 0, limit: 0x3ff)
    for vector in 0..<256 as Range<UInt32> {
      poke32(vector * 4, Self.handlers + 16 * vector)
      poke(Self.handlers + 16 * vector, [0xe6, 0xf4])
    }
    cpu[.esp] = 0x7000
  }

  /// 32-bit paging, the first 4 MiB mapped to themselves for everybody, but for the pages in `holes`. The tables are
  /// at 200000h and 201000h.
  func turnPagingOn(except holes: Set<UInt32> = []) throws {
    poke32(0x20_0000, 0x20_1007)
    for page in 0..<1024 as Range<UInt32> {
      setPage(page << 12, holes.contains(page << 12) ? 0 : page << 12 | 7)
    }
    // Past the instructions, which ring 3 may not use.
    try cpu.mmu.loadCR3(0x20_0000)
    try cpu.mmu.setControlRegisters(cr0: [.protectionEnable, .paging], cr4: [])
  }

  func setPage(_ linear: UInt32, _ entry: UInt32) { poke32(0x20_1000 + linear >> 12 * 4, entry) }

  // MARK: Running

  /// Puts a program at `code` and has it executed next.
  func load(_ source: String) throws {
    poke(Self.code, try Assembler.assemble(source, at: Self.code))
  }

  @discardableResult
  func run(cycles: UInt64 = 100_000) -> StopReason { machine.run(untilCycle: machine.cycle + cycles) }

  /// An exception that ended the run, as its handler found it.
  struct Taken: Equatable, CustomStringConvertible {
    var vector: UInt32
    var errorCode: UInt32?
    var eip: UInt32

    var description: String {
      let name = ExceptionVector(rawValue: UInt8(truncatingIfNeeded: vector))?.mnemonic ?? "vector \(vector)"
      return "\(name)\(errorCode.map { "(\(hexDigits($0)))" } ?? "") at \(hexDigits(eip))"
    }
  }

  /// The exception whose handler ended the run; nil when the run ended elsewhere. Protected mode.
  var taken: Taken? {
    let eip = machine.registers.eip
    guard eip >= Self.handlers, eip < Self.handlers + 0x1000 else { return nil }
    let vector = (eip - Self.handlers) >> 4
    let pushesCode = ExceptionVector(rawValue: UInt8(vector))?.pushesErrorCode ?? false
    let frame = cpu[.esp]
    return Taken(
      vector: vector, errorCode: pushesCode ? peek32(frame) : nil, eip: peek32(pushesCode ? frame + 4 : frame)
    )
  }

  /// Bytes that the handler's frame has on the stack without a change of stack.
  var frameBytes: UInt32 { taken?.errorCode == nil ? 12 : 16 }

  /// EFLAGS as the handler found it pushed.
  var pushedFlags: UInt32 { peek32(cpu[.esp] + frameBytes - 4) }
}

extension ProgramMachine.Taken {
  init(_ vector: ExceptionVector, _ errorCode: UInt32? = nil, at eip: UInt32 = ProgramMachine.code) {
    self.init(
      vector: UInt32(vector.rawValue), errorCode: vector.pushesErrorCode ? errorCode ?? 0 : nil, eip: eip)
  }
}
