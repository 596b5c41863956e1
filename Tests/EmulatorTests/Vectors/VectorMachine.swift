import FloatingPoint
import IA32
import TestSupport

@testable import Emulator

/// The emulated machine as a program of Linux finds it: ring 3, paging, the same selectors, the same pages and no others.
final class VectorMachine {
  private static let gdt: UInt32 = 0x70_0000
  private static let idt: UInt32 = 0x70_1000
  private static let tss: UInt32 = 0x70_2000
  private static let handlers: UInt32 = 0x70_4000
  private static let innerStack: UInt32 = 0x70_7000
  private static let directory: UInt32 = 0x70_8000

  let program: ProgramMachine
  private let descriptors: [UInt64]

  init(usesFastPaths: Bool = true) throws {
    program = try ProgramMachine(
      identity: ProgramMachine.everything, usesFastPaths: usesFastPaths)
    var table = [UInt64](repeating: 0, count: 16)
    table[1] = 0x00cf_9b00_0000_ffff
    table[2] = 0x00af_9b00_0000_ffff
    table[3] = 0x00cf_9300_0000_ffff
    table[4] = 0x00cf_fb00_0000_ffff
    table[5] = 0x00cf_f300_0000_ffff
    table[6] = 0x00af_fb00_0000_ffff
    table[8] = DescriptorBytes.segment(base: Self.tss, limit: 0x67, access: 0x8b, flags: 0)
    descriptors = table
    for (index, entry) in table.enumerated() { program.poke64(Self.gdt + UInt32(8 * index), entry) }
    for vector in 0..<256 as Range<UInt32> {
      let access: UInt8 = [3, 4, 0x80].contains(vector) ? 0xee : 0x8e
      program.poke64(
        Self.idt + 8 * vector, DescriptorBytes.gate(0x08, Self.handlers + 16 * vector, access: access))
      program.poke(Self.handlers + 16 * vector, [0xe6, 0xf4])
    }
    program.poke32(Self.tss + 4, Self.innerStack, 0x18)
    program.poke32(Self.tss + 0x64, 0x68_0000)
    program.poke32(Self.directory + 4, (Self.directory + 0x1000) | 7)
    func page(_ linear: UInt32, _ bits: UInt32) {
      program.poke32(Self.directory + 0x1000 + (linear >> 12 & 0x3ff) * 4, linear | bits)
    }
    for address in stride(from: 0x70_0000, to: 0x71_0000, by: 0x1000) { page(UInt32(address), 3) }
    for address in [VectorState.code, VectorState.code + 0x1000, VectorState.data, VectorState.stack] {
      page(address, 7)
    }
    program.poke(VectorState.code, [UInt8](repeating: 0xf4, count: 0x2000))
    let cpu = program.cpu
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: Self.gdt, limit: 0x7f)
    cpu.state.pointee.idtr = DescriptorTableRegister(base: Self.idt, limit: 0x7ff)
    cpu.state.pointee.ldtr = SegmentCache()
    cpu.state.pointee.tr = SegmentCache(0x40, Descriptor(table[8]))
    try cpu.moveToControlRegister(0, CR0.protectionEnable.rawValue)
    try cpu.mmu.loadCR3(Self.directory)
    try cpu.mmu.setControlRegisters(
      cr0: [
        .protectionEnable, .paging, .alignmentMask, .numericError, .monitorCoprocessor, .extensionType,
        .writeProtect,
      ],
      cr4: [.osSavesExtendedState, .osHandlesSIMDExceptions])
  }

  private func setSegment(_ register: SegmentRegister, _ selector: UInt16) {
    var cache = SegmentCache()
    if selector >= 4 { cache = SegmentCache(selector, Descriptor(descriptors[Int(selector >> 3)])) }
    cache.selector = selector
    program.cpu.state.pointee[register] = cache
  }

  func install(_ code: [UInt8]) {
    program.poke(VectorState.start, code + [UInt8](repeating: 0xf4, count: 0x200 - code.count))
  }

  /// Executes the installed code from a state.
  func run(_ code: [UInt8], _ before: VectorState) -> VectorState {
    let cpu = program.cpu
    let state = cpu.state
    cpu.isShutDown = false
    for register in 0..<8 as Range<UInt8> { cpu.registers[Int(register)] = before.general(register) }
    state.pointee.eflags = before.eflags
    state.pointee.eip = before.eip
    state.pointee.isHalted = false
    state.pointee.inhibitsInterrupts = false
    state.pointee.inhibitsTraps = false
    for (index, register) in SegmentRegister.allCases.enumerated() {
      setSegment(register, before.value(VectorState.Place.selectors + 2 * index))
    }
    cpu.setPrivilegeLevel(3)
    state.pointee.x87.loadControl(before.value(VectorState.Place.control))
    state.pointee.x87.status = before.status
    state.pointee.x87.used = before[VectorState.Place.used]
    for index in 0..<8 {
      let place = VectorState.Place.registers + 10 * index
      state.pointee.x87.registers[index] = ExtendedFloat(
        significand: before.value(place), signExponent: before.value(place + 8))
      state.pointee.sse.registers[index].low = before.value(VectorState.Place.xmm + 16 * index)
      state.pointee.sse.registers[index].high = before.value(VectorState.Place.xmm + 16 * index + 8)
    }
    state.pointee.sse.control.rawValue = before.value(VectorState.Place.mxcsr)
    write(before, VectorState.Place.data, VectorState.dataSize, at: VectorState.data)
    write(before, VectorState.Place.stack, VectorState.stackSize, at: VectorState.stack)
    cpu.modeChanged()
    let stop = program.run()
    guard case .exit = stop else {
      var after = before
      after.put(0xee as UInt8, VectorState.Place.vector)
      return after
    }
    return taken(code)
  }

  private func write(_ state: VectorState, _ place: Int, _ count: Int, at address: UInt32) {
    state.bytes.withUnsafeBytes {
      (program.machine.memory.base + Int(address)).copyMemory(
        from: $0.baseAddress! + place, byteCount: count)
    }
  }

  private func taken(_ code: [UInt8]) -> VectorState {
    let cpu = program.cpu
    let state = cpu.state
    var after = VectorState()
    let vector = UInt8(truncatingIfNeeded: (state.pointee.eip &- Self.handlers) >> 4)
    let pushesCode = ExceptionVector(rawValue: vector)?.pushesErrorCode ?? false
    var frame = Int(cpu[.esp])
    func pop() -> UInt32 {
      defer { frame += 4 }
      return program.machine.memory.base.loadUnaligned(fromByteOffset: frame, as: UInt32.self)
    }
    after.put(vector, VectorState.Place.vector)
    after.put(
      pushesCode ? UInt16(truncatingIfNeeded: pop()) : 0, VectorState.Place.errorCode)
    if vector == 14 { after.put(state.pointee.cr2, VectorState.Place.cr2) }
    for register in 0..<8 as Range<UInt8> {
      after.put(cpu.registers[Int(register)], VectorState.Place.general(register))
    }
    for (index, register) in SegmentRegister.allCases.enumerated() {
      after.put(state.pointee[register].selector, VectorState.Place.selectors + 2 * index)
    }
    after.put(pop(), VectorState.Place.eip)
    after.put(UInt16(truncatingIfNeeded: pop()), VectorState.Place.selectors + 2)
    after.put(pop(), VectorState.Place.eflags)
    after.put(pop(), VectorState.Place.general(4))
    after.put(UInt16(truncatingIfNeeded: pop()), VectorState.Place.selectors + 4)
    after.put(state.pointee.x87.control.rawValue, VectorState.Place.control)
    after.put(state.pointee.x87.status, VectorState.Place.status)
    after.put(state.pointee.x87.used, VectorState.Place.used)
    for index in 0..<8 {
      let place = VectorState.Place.registers + 10 * index
      after.put(state.pointee.x87.registers[index].significand, place)
      after.put(state.pointee.x87.registers[index].signExponent, place + 8)
      after.put(state.pointee.sse.registers[index].low, VectorState.Place.xmm + 16 * index)
      after.put(state.pointee.sse.registers[index].high, VectorState.Place.xmm + 16 * index + 8)
    }
    after.put(state.pointee.sse.control.rawValue, VectorState.Place.mxcsr)
    read(&after, VectorState.Place.data, VectorState.dataSize, at: VectorState.data)
    read(&after, VectorState.Place.stack, VectorState.stackSize, at: VectorState.stack)
    after.forgetTheEnd(code)
    return after
  }

  private func read(_ state: inout VectorState, _ place: Int, _ count: Int, at address: UInt32) {
    state.bytes.withUnsafeMutableBytes {
      ($0.baseAddress! + place).copyMemory(
        from: program.machine.memory.base + Int(address), byteCount: count)
    }
  }
}
