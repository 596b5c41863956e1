import IA32
import Testing

@testable import Emulator

/// A processor in protected mode with its tables in memory and paging off, driven through its methods and without
/// any code.
final class SystemFixture {
  static let gdt: UInt32 = 0x1000
  static let idt: UInt32 = 0x2000
  static let tss: UInt32 = 0x3000
  static let ldt: UInt32 = 0x4000
  /// Tops of the stacks of rings 0 to 2, as the TSS has them, and of ring 3.
  static let innerStackTops: [UInt32] = [0x8000, 0x9000, 0xa000]
  static let outerStackTop: UInt32 = 0xb000
  static let handler: UInt32 = 0x0012_3450

  // Selectors of the GDT that `init` writes.
  static let code0: UInt16 = 0x08
  static let data0: UInt16 = 0x10
  static let code3: UInt16 = 0x1b
  static let data3: UInt16 = 0x23
  static let taskState: UInt16 = 0x28
  static let localTable: UInt16 = 0x30
  static let conforming0: UInt16 = 0x38
  static let code1: UInt16 = 0x41
  static let data1: UInt16 = 0x49
  /// For what a test wants to put there.
  static let scratch: UInt16 = 0x50

  let memory: PhysicalMemory
  let bus: Bus
  let clock: Clock
  let cpu: CPU

  /// Ring 0 in flat segments of 4 GiB, the TSS loaded, every vector an interrupt gate to `handler` + vector in ring 0.
  init() throws {
    memory = try PhysicalMemory(bytes: 16 << 20)
    bus = try Bus(memory: memory)
    clock = Clock()
    cpu = CPU(on: SystemBoard(memory: memory, bus: bus, clock: clock), addressWidth: 36)
    cpu.plugIn()
    setDescriptor(Self.code0, segment(access: 0x9a))
    setDescriptor(Self.data0, segment(access: 0x92))
    setDescriptor(Self.code3, segment(access: 0xfa))
    setDescriptor(Self.data3, segment(access: 0xf2))
    setDescriptor(Self.taskState, segment(base: Self.tss, limit: 0x2067, access: 0x89, flags: 0))
    setDescriptor(Self.localTable, segment(base: Self.ldt, limit: 0xff, access: 0x82, flags: 0))
    setDescriptor(Self.conforming0, segment(access: 0x9e))
    setDescriptor(Self.code1, segment(access: 0xba))
    setDescriptor(Self.data1, segment(access: 0xb2))
    for (ring, top) in Self.innerStackTops.enumerated() {
      let field = Self.tss + 4 + 8 * UInt32(ring)
      poke32(field, top)
      poke32(field + 4, [UInt32(Self.data0), UInt32(Self.data1), 0][ring])
    }
    for vector in 0..<256 as Range<UInt32> {
      setGate(vector, gate(Self.code0, Self.handler + vector, type: 14))
    }
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: Self.gdt, limit: 0xff)
    cpu.state.pointee.idtr = DescriptorTableRegister(base: Self.idt, limit: 0x7ff)
    try cpu.moveToControlRegister(0, CR0.protectionEnable.rawValue)
    try cpu.jumpFar(selector: Self.code0, offset: 0x5000, operandSize: 4)
    for register in [SegmentRegister.ss, .ds, .es] { try cpu.loadSegment(register, Self.data0) }
    for register in [SegmentRegister.fs, .gs] { try cpu.loadSegment(register, 0) }
    try cpu.loadTaskRegister(Self.taskState)
    cpu[.esp] = 0x7000
  }

  // MARK: Descriptors

  /// - Parameter flags: G, D/B, L and AVL as the high nibble of byte 6.
  func segment(base: UInt32 = 0, limit: UInt32 = 0xf_ffff, access: UInt8, flags: UInt8 = 0xc) -> UInt64 {
    let low = UInt64(limit & 0xffff) | UInt64(base & 0xff_ffff) << 16 | UInt64(access) << 40
    return low | UInt64(limit >> 16 & 0xf) << 48 | UInt64(flags) << 52 | UInt64(base >> 24) << 56
  }

  func gate(
    _ selector: UInt16, _ offset: UInt32, type: UInt8, dpl: UInt8 = 0, parameters: UInt8 = 0,
    present: Bool = true
  ) -> UInt64 {
    let access = type | dpl << 5 | (present ? 0x80 : 0)
    let low = UInt64(offset & 0xffff) | UInt64(selector) << 16 | UInt64(parameters) << 32
    return low | UInt64(access) << 40 | UInt64(offset >> 16) << 48
  }

  func setDescriptor(_ selector: UInt16, _ value: UInt64) {
    let table = selector & 4 != 0 ? Self.ldt : Self.gdt
    poke64(table + UInt32(selector & 0xfff8), value)
  }

  func descriptor(_ selector: UInt16) -> Descriptor {
    let address = Self.gdt + UInt32(selector & 0xfff8)
    return Descriptor(UInt64(peek32(address)) | UInt64(peek32(address + 4)) << 32)
  }

  func setGate(_ vector: UInt32, _ value: UInt64) { poke64(Self.idt + vector * 8, value) }

  // MARK: Memory

  func poke(_ address: UInt32, _ bytes: [UInt8]) {
    do {
      try memory.write(bytes, at: PhysicalAddress(UInt64(address)))
    } catch {
      Issue.record("\(error)")
    }
  }

  func poke16(_ address: UInt32, _ value: UInt16) { poke(address, [UInt8(value & 0xff), UInt8(value >> 8)]) }
  func poke32(_ address: UInt32, _ value: UInt32) {
    poke16(address, UInt16(value & 0xffff))
    poke16(address + 2, UInt16(value >> 16))
  }
  func poke64(_ address: UInt32, _ value: UInt64) {
    poke32(address, UInt32(value & 0xffff_ffff))
    poke32(address + 4, UInt32(value >> 32))
  }

  func peek16(_ address: UInt32) -> UInt16 { UInt16(peek32(address) & 0xffff) }
  func peek32(_ address: UInt32) -> UInt32 {
    let bytes = memory.read(PhysicalAddress(UInt64(address)), count: 4) ?? []
    return bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The doublewords from the top of the current stack on, whose segment has base 0.
  func stack(_ count: Int) -> [UInt32] { (0..<count).map { peek32(cpu[.esp] &+ UInt32(4 * $0)) } }
  /// The words from the top of the current stack on.
  func stack16(_ count: Int) -> [UInt16] { (0..<count).map { peek16(cpu[.esp] &+ UInt32(2 * $0)) } }

  // MARK: Modes

  var state: CPUState { cpu.state.pointee }

  /// Puts the processor in ring 3 or 1, at EIP 6000h with an interrupt-enabled EFLAGS and null data segments.
  func enterRing(_ ring: UInt8) throws {
    cpu[.esp] = 0x7000 - 20
    let code = ring == 3 ? Self.code3 : Self.code1
    let data = ring == 3 ? Self.data3 : Self.data1
    for (slot, value) in [0x6000, UInt32(code), 0x202, Self.outerStackTop, UInt32(data)].enumerated() {
      poke32(cpu[.esp] + UInt32(4 * slot), value)
    }
    try cpu.interruptReturn(operandSize: 4)
  }

  /// Real mode with 64 KiB segments at 0, stack at 7000h, and a vector table at 0 whose vector n points to
  /// 0100h:n.
  func enterRealMode() throws {
    try cpu.moveToControlRegister(0, 0)
    cpu.state.pointee.cs = SegmentCache(realMode: 0, isCode: true)
    for register in [SegmentRegister.es, .ss, .ds, .fs, .gs] {
      cpu.state.pointee[register] = SegmentCache(realMode: 0)
    }
    cpu.state.pointee.idtr = DescriptorTableRegister(base: 0, limit: 0x3ff)
    for vector in 0..<256 as Range<UInt32> { poke32(vector * 4, 0x0100_0000 | vector) }
    cpu[.esp] = 0x7000
    cpu.state.pointee.eip = 0x500
  }

  // MARK: Faults

  /// The fault that `body` throws. Whoever throws must have changed nothing: all registers and the memory that holds
  /// tables and stacks are compared.
  func fault(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws(GuestFault) -> Void
  ) -> GuestFault? {
    let before = everything
    do throws(GuestFault) {
      try body()
      return nil
    } catch {
      #expect(everything == before, "a fault left traces", sourceLocation: sourceLocation)
      return error
    }
  }

  private struct Everything: Equatable {
    var state: String
    var registers: [UInt32]
    var memory: [UInt8]
  }

  private var everything: Everything {
    Everything(
      state: "\(state)", registers: (0..<8).map { cpu.registers[$0] },
      memory: memory.read(PhysicalAddress(0), count: 0x1_0000) ?? [])
  }
}

extension GuestFault {
  static func notPresent(_ code: UInt32) -> GuestFault { GuestFault(.segmentNotPresent, errorCode: code) }
  static func stackFault(_ code: UInt32 = 0) -> GuestFault { GuestFault(.stackSegmentFault, errorCode: code) }
  static func invalidTSS(_ code: UInt32 = 0) -> GuestFault { GuestFault(.invalidTSS, errorCode: code) }
}
