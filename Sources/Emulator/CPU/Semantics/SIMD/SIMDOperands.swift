import FloatingPoint
import IA32

/// What instructions of MMX, SSE and SSE2 have in common: whether they may execute, their registers, their operands in memory.
extension CPU {
  // MARK: Whether they may execute

  /// - Throws: #UD under CR0.EM, #NM under CR0.TS, #MF for what the floating-point unit has pending. SDM vol. 3A, 12.1 and 12.5.
  @inline(__always)
  func requireMMX() throws(GuestFault) {
    if !state.pointee.cr0.isDisjoint(with: [.emulation, .taskSwitched]) {
      throw state.pointee.cr0.contains(.emulation) ? .invalidOpcode : GuestFault(.deviceNotAvailable)
    }
    try raisePendingFloatingPointError()
  }

  /// - Throws: #UD under CR0.EM and without CR4.OSFXSR, #NM under CR0.TS. SDM vol. 3A, 13.1.
  @inline(__always)
  func requireSSE() throws(GuestFault) {
    let isDenied =
      state.pointee.cr0.contains(.emulation) || !state.pointee.cr4.contains(.osSavesExtendedState)
    if isDenied { throw .invalidOpcode }
    if state.pointee.cr0.contains(.taskSwitched) { throw GuestFault(.deviceNotAvailable) }
  }

  // MARK: Registers

  /// MM0 to MM7, the significands of R0 to R7. SDM vol. 3A, 12.2.
  @inline(__always)
  func mmx(_ number: UInt8) -> UInt64 { state.pointee.x87.registers[Int(number & 7)].significand }

  /// Writes an MMX register: the exponent becomes all ones.
  @inline(__always)
  func setMMX(_ number: UInt8, _ value: UInt64) {
    state.pointee.x87.registers[Int(number & 7)] = ExtendedFloat(significand: value, signExponent: 0xffff)
  }

  /// What every MMX instruction but EMMS does to the floating-point unit once nothing can fault any more: no register is empty,
  /// and TOP is 0. SDM vol. 3A, table 12-1.
  @inline(__always)
  func enterMMXState() {
    state.pointee.x87.used = 0xff
    state.pointee.x87.top = 0
  }

  // MARK: Operands

  /// A source in a general register or memory, of two or four bytes.
  func generalSource(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> UInt32 {
    guard op.pointee.hasMemoryOperand else { return registers[Int(op.pointee.source)] }
    if op.pointee.memoryWidth == 2 { return UInt32(try loadMemory(op, as: UInt16.self)) }
    return try loadMemory(op, as: UInt32.self)
  }

  /// A source in an MMX register or memory; four bytes are zero-extended.
  func mmxSource(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> UInt64 {
    guard op.pointee.hasMemoryOperand else { return mmx(op.pointee.source) }
    if op.pointee.memoryWidth == 4 {
      return UInt64(try load(op.pointee.segment, offset(op), as: UInt32.self))
    }
    return try load(op.pointee.segment, offset(op), as: UInt64.self)
  }

  /// A source in an XMM register or memory: 16 bytes, which must be aligned, or the low 8 or 4 with zeros above.
  /// - Throws: #GP(0) for 16 bytes that are not aligned, and what accesses to memory raise.
  @inline(__always)
  func xmmSource(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> XMMValue {
    op.pointee.hasMemoryOperand ? try loadedXMM(op, isAligned: true) : state.pointee.sse[op.pointee.source]
  }

  /// - Parameter isAligned: whether 16 bytes must be.
  func loadedXMM(_ op: UnsafeMutablePointer<Op>, isAligned: Bool) throws(GuestFault) -> XMMValue {
    let (segment, offset) = (op.pointee.segment, offset(op))
    switch op.pointee.memoryWidth {
    case 4: return XMMValue(low: UInt64(try load(segment, offset, as: UInt32.self)), high: 0)
    case 8: return XMMValue(low: try load(segment, offset, as: UInt64.self), high: 0)
    default:
      // All of it is checked against the segment, then it takes two accesses, as on the Pentium III.
      let linear = try linearAddress(segment, offset, bytes: 16, .read)
      if isAligned && linear & 15 != 0 { throw .generalProtection() }
      let low = try load(segment, offset, as: UInt64.self)
      return XMMValue(low: low, high: try load(segment, offset &+ 8, as: UInt64.self))
    }
  }

  /// Stores 16 bytes; both halves are checked before the first is written.
  /// - Throws: #GP(0) where `isAligned` asks for more than there is, and what accesses to memory raise.
  func storeXMM(_ op: UnsafeMutablePointer<Op>, _ value: XMMValue, isAligned: Bool) throws(GuestFault) {
    let linear = try linearAddress(op.pointee.segment, offset(op), bytes: 16, .write)
    if isAligned && linear & 15 != 0 { throw .generalProtection() }
    if linear & 0xfff <= 0xff0, let low = mmu.quick(linear, bytes: 8, .store),
      let high = mmu.quick(linear &+ 8, bytes: 8, .store)
    {
      low.storeBytes(of: value.low, as: UInt64.self)
      high.storeBytes(of: value.high, as: UInt64.self)
      return
    }
    let low = try mmu.writeTarget(linear, bytes: 8, user: mmu.isUserMode)
    let high = try mmu.writeTarget(linear &+ 8, bytes: 8, user: mmu.isUserMode)
    mmu.commit(low, value.low)
    mmu.commit(high, value.high)
  }

  // MARK: Exceptions

  /// Adds an instruction's exceptions to MXCSR.
  /// - Throws: #XM for one that is not masked, or #UD without CR4.OSXMMEXCPT. Nothing but MXCSR may have changed.
  ///   SDM vol. 1, 11.5.
  @inline(__always)
  func reportSIMD(_ found: X87Flags) throws(GuestFault) {
    if found.isEmpty { return }
    state.pointee.sse.control.rawValue |= UInt32(found.rawValue & 0x3f)
    if state.pointee.sse.control.unmasked(found).isEmpty { return }
    throw state.pointee.cr4.contains(.osHandlesSIMDExceptions)
      ? GuestFault(.simdFloatingPoint) : .invalidOpcode
  }
}
