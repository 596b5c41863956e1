import FloatingPoint
import IA32

/// FXSAVE and FXRSTOR: the floating-point unit, MMX and SSE in 512 bytes. They don't wait for pending exceptions.
/// SDM vol. 1, 10.5; vol. 2A, FXSAVE, table 3-43.
extension CPU {
  /// Where the image has what.
  private enum Place {
    static let mxcsr: UInt32 = 24
    static let stack: UInt32 = 32
    static let xmm: UInt32 = 160
  }

  /// Without CR4.OSFXSR the registers of SSE may stay out of the image, and do, as on the Pentium III.
  private var movesSSE: Bool {
    model.features.contains(.sse) && state.pointee.cr4.contains(.osSavesExtendedState)
  }

  /// Checks the whole image before anything moves: its alignment, the segment's limit, and the pages of both ends.
  private func imageStart(_ op: UnsafeMutablePointer<Op>, _ kind: SegmentAccess) throws(GuestFault) -> UInt32
  {
    let start = offset(op)
    let linear = try linearAddress(op.pointee.segment, start, bytes: 512, kind)
    if linear & 15 != 0 { throw .generalProtection() }
    return start
  }

  func saveExtendedState(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    let segment = op.pointee.segment
    let start = try imageStart(op, .write)
    let unit = state.pointee.x87
    let movesSSE = movesSSE
    // A page that is not there is met before the first byte is written.
    let end: UInt32 = movesSSE ? 288 : 160
    let linear = state.pointee[segment].base &+ start
    _ = try mmu.writeTarget(linear &+ end &- 8, bytes: 8, user: mmu.isUserMode)

    let words = UInt64(unit.control.rawValue) | UInt64(unit.status) << 16
    try store(segment, start, words | UInt64(unit.used) << 32 | UInt64(unit.opcode & 0x7ff) << 48)
    try store(
      segment, start &+ 8, UInt64(unit.instruction.offset) | UInt64(unit.instruction.selector) << 32)
    try store(segment, start &+ 16, UInt64(unit.operand.offset) | UInt64(unit.operand.selector) << 32)
    if movesSSE {
      try store(
        segment, start &+ Place.mxcsr,
        UInt64(state.pointee.sse.control.rawValue) | UInt64(model.writableMXCSR) << 32)
    }
    for index in 0..<8 as Range<UInt8> {
      let place = start &+ Place.stack &+ UInt32(16 * index)
      try store(segment, place, unit[index].significand)
      try store(segment, place &+ 8, UInt64(unit[index].signExponent))
    }
    guard movesSSE else { return }
    for index in 0..<8 as Range<UInt8> {
      let place = start &+ Place.xmm &+ UInt32(16 * index)
      try store(segment, place, state.pointee.sse[index].low)
      try store(segment, place &+ 8, state.pointee.sse[index].high)
    }
  }

  /// Nothing has changed when a load faults.
  /// - Throws: #GP(0) for bits of MXCSR that are reserved.
  func restoreExtendedState(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    let segment = op.pointee.segment
    let start = try imageStart(op, .read)
    var (unit, sse) = (state.pointee.x87, state.pointee.sse)
    let words = try load(segment, start, as: UInt64.self)
    let instruction = try load(segment, start &+ 8, as: UInt64.self)
    let operand = try load(segment, start &+ 16, as: UInt64.self)
    unit.status = UInt16(truncatingIfNeeded: words >> 16)
    unit.loadControl(UInt16(truncatingIfNeeded: words))
    unit.used = UInt8(truncatingIfNeeded: words >> 32)
    unit.opcode = UInt16(truncatingIfNeeded: words >> 48 & 0x7ff)
    unit.instruction = Self.pointer(instruction)
    unit.operand = Self.pointer(operand)
    for index in 0..<8 as Range<UInt8> {
      let place = start &+ Place.stack &+ UInt32(16 * index)
      let significand = try load(segment, place, as: UInt64.self)
      let exponent = try load(segment, place &+ 8, as: UInt16.self)
      unit.registers[unit.place(index)] = ExtendedFloat(significand: significand, signExponent: exponent)
    }
    if movesSSE {
      let control = try load(segment, start &+ Place.mxcsr, as: UInt32.self)
      if control & ~model.writableMXCSR != 0 { throw .generalProtection() }
      sse.control = SSEControl(rawValue: control)
      for index in 0..<8 as Range<UInt8> {
        let place = start &+ Place.xmm &+ UInt32(16 * index)
        let low = try load(segment, place, as: UInt64.self)
        sse[index] = XMMValue(low: low, high: try load(segment, place &+ 8, as: UInt64.self))
      }
    }
    state.pointee.x87 = unit
    state.pointee.sse = sse
    settleFloatingPointError()
  }

  private static func pointer(_ field: UInt64) -> X87Pointer {
    X87Pointer(
      selector: UInt16(truncatingIfNeeded: field >> 32), offset: UInt32(truncatingIfNeeded: field))
  }
}
