import IA32

/// Moves and exchanges of data.
extension CPU {
  func data<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: DataOperation, as type: W.Type
  ) throws(GuestFault) {
    switch operation {
    case .mov: try setDestination(op, try sourceValue(op, as: type))
    case .movzx: try extend(op, signed: false, as: type)
    case .movsx: try extend(op, signed: true, as: type)
    case .lea: setRegister(op.pointee.destination, W(truncatingIfNeeded: offset(op)))
    case .xchg:
      let source = register(op.pointee.source, as: type)
      var old: W = 0
      try modifyDestination(op, as: type) {
        old = $0
        return source
      }
      setRegister(op.pointee.source, old)
    case .xlat:
      let mask: UInt32 = op.pointee.addressWidth == 2 ? 0xffff : .max
      let place = (self[.ebx] &+ UInt32(register(0, as: UInt8.self))) & mask
      setRegister(0, try load(op.pointee.segment, place, as: UInt8.self))
    case .nop: break
    case .setcc:
      let value: UInt8 = state.pointee.flags.condition(op.pointee.condition) ? 1 : 0
      try setDestination(op, value)
    case .cmovcc:
      let value = try sourceValue(op, as: type)
      if state.pointee.flags.condition(op.pointee.condition) { setRegister(op.pointee.destination, value) }
    }
  }

  private func extend<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, signed: Bool, as type: W.Type
  ) throws(GuestFault) {
    if op.pointee.sourceWidth == 1 {
      let value = try sourceValue(op, as: UInt8.self)
      setRegister(
        op.pointee.destination,
        signed ? W(truncatingIfNeeded: Int8(bitPattern: value)) : W(truncatingIfNeeded: value))
    } else {
      let value = try sourceValue(op, as: UInt16.self)
      setRegister(
        op.pointee.destination,
        signed ? W(truncatingIfNeeded: Int16(bitPattern: value)) : W(truncatingIfNeeded: value))
    }
  }
}
