import IA32

/// The general handlers' entry: by width, then by family. Everything that has no named handler comes through here.
extension CPU {
  /// An instruction that does not end its block.
  @inline(never)
  func general(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    try atExactTime(op) { () throws(GuestFault) in try dispatch(op) }
  }

  /// An instruction that ends its block: EIP goes on to the next one unless it says otherwise.
  @inline(never)
  func generalEnd(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    state.pointee.eip = op.pointee.nextEIP
    control.pointee.current = op
    defer { control.pointee.current = nil }
    do throws(GuestFault) {
      try atExactTime(op) { () throws(GuestFault) in try dispatch(op) }
    } catch {
      state.pointee.eip = op.pointee.eip
      throw error
    }
    modeChanged()
  }

  private func dispatch(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    switch op.pointee.width {
    case 1: try dispatch(op, as: UInt8.self)
    case 2: try dispatch(op, as: UInt16.self)
    default: try dispatch(op, as: UInt32.self)
    }
  }

  private func dispatch<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) {
    if try arithmetic(op, as: type) { return }
    if try shiftOrMultiply(op, as: type) { return }
    if try bits(op, as: type) { return }
    if try dataMovement(op, as: type) { return }
    if try control(op, as: type) { return }
    if try inputOutput(op, as: type) { return }
    try system(op)
  }
}
