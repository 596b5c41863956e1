import IA32

/// Shifts and rotates.
extension CPU {
  func shift<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: ShiftOperation, as type: W.Type
  ) throws(GuestFault) {
    let state = state
    switch operation {
    case .shl: try shift(op, as: type) { state.pointee.flags.shiftLeft($0, by: $1) }
    case .shr: try shift(op, as: type) { state.pointee.flags.shiftRight($0, by: $1) }
    case .sar: try shift(op, as: type) { state.pointee.flags.shiftRightArithmetic($0, by: $1) }
    case .rol: try shift(op, as: type) { state.pointee.flags.rotateLeft($0, by: $1) }
    case .ror: try shift(op, as: type) { state.pointee.flags.rotateRight($0, by: $1) }
    case .rcl: try shift(op, as: type) { state.pointee.flags.rotateLeftThroughCarry($0, by: $1) }
    case .rcr: try shift(op, as: type) { state.pointee.flags.rotateRightThroughCarry($0, by: $1) }
    case .shld:
      try shiftDouble(op, as: type) { state.pointee.flags.shiftLeftDouble($0, from: $1, by: $2) }
    case .shrd:
      try shiftDouble(op, as: type) { state.pointee.flags.shiftRightDouble($0, from: $1, by: $2) }
    }
  }

  /// Gives `body` the operand and the count, an immediate or CL.
  @inline(__always)
  private func shift<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type, _ body: (W, UInt32) -> W
  ) throws(GuestFault) {
    let count = op.pointee.isSourceImmediate ? op.pointee.immediate & 0xff : self[.ecx] & 0xff
    try modifyDestination(op, as: type) { body($0, count) }
  }

  /// Gives `body` the operand, the register whose bits come in, and the count.
  @inline(__always)
  private func shiftDouble<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type, _ body: (W, W, UInt32) -> W
  ) throws(GuestFault) {
    let count = op.pointee.isThirdImmediate ? op.pointee.immediate & 0xff : self[.ecx] & 0xff
    let source = register(op.pointee.source, as: type)
    try modifyDestination(op, as: type) { body($0, source, count) }
  }
}
