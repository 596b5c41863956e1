import IA32

/// Branches, calls, returns and software interrupts.
extension CPU {
  func control<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: ControlOperation, as type: W.Type
  ) throws(GuestFault) {
    let width = op.pointee.width
    switch operation {
    case .jcc:
      if state.pointee.flags.condition(op.pointee.condition) {
        try setEIP(op.pointee.immediate, width: width)
      }
    case .jcxz:
      if countRegister(op) == 0 { try setEIP(op.pointee.immediate, width: width) }
    case .loop: try loop(op, while: true)
    case .loope: try loop(op, while: state.pointee.flags.zero)
    case .loopne: try loop(op, while: !state.pointee.flags.zero)
    case .jmp: try setEIP(try branchTarget(op, as: type), width: width)
    case .call:
      let target = try branchTarget(op, as: type)
      let eip = width == 2 ? target & 0xffff : target
      guard isInside(state.pointee.cs, eip, bytes: 1) else { throw .generalProtection() }
      try push(W(truncatingIfNeeded: op.pointee.nextEIP))
      state.pointee.eip = eip
    case .ret:
      let top = self[.esp]
      let target = UInt32(truncatingIfNeeded: try pop(as: type))
      guard isInside(state.pointee.cs, target, bytes: 1) else {
        self[.esp] = top
        throw .generalProtection()
      }
      self[.esp] = replacingStackPointer(self[.esp] &+ (op.pointee.immediate & 0xffff))
      state.pointee.eip = target
    case .jmpFar:
      let target = try farTarget(op, as: type)
      try jumpFar(selector: target.selector, offset: target.offset, operandSize: width)
    case .callFar:
      let target = try farTarget(op, as: type)
      try callFar(
        selector: target.selector, offset: target.offset, operandSize: width, nextEIP: op.pointee.nextEIP)
    case .retFar: try returnFar(operandSize: width, releasing: op.pointee.immediate & 0xffff)
    case .iret: try interruptReturn(operandSize: width)
    case .int:
      try softwareInterrupt(
        UInt8(truncatingIfNeeded: op.pointee.immediate), kind: .int, nextEIP: op.pointee.nextEIP)
    case .int3: try softwareInterrupt(3, kind: .int3, nextEIP: op.pointee.nextEIP)
    case .int1: try softwareInterrupt(1, kind: .int1, nextEIP: op.pointee.nextEIP)
    case .into:
      if state.pointee.flags.overflow { try softwareInterrupt(4, kind: .into, nextEIP: op.pointee.nextEIP) }
    case .bound:
      let index = W.Signed(truncatingIfNeeded: register(op.pointee.destination, as: type))
      let place = offset(op)
      let lower = W.Signed(truncatingIfNeeded: try load(op.pointee.segment, place, as: type))
      let upper = W.Signed(
        truncatingIfNeeded: try load(op.pointee.segment, place &+ UInt32(W.bitWidth / 8), as: type))
      if index < lower || index > upper { throw GuestFault(.boundRangeExceeded) }
    }
  }

  /// ECX or CX, by the address size.
  func countRegister(_ op: UnsafeMutablePointer<Op>) -> UInt32 {
    op.pointee.addressWidth == 2 ? self[.ecx] & 0xffff : self[.ecx]
  }

  func setCountRegister(_ op: UnsafeMutablePointer<Op>, _ value: UInt32) {
    if op.pointee.addressWidth == 2 {
      setRegister(1, UInt16(truncatingIfNeeded: value))
    } else {
      self[.ecx] = value
    }
  }

  private func loop(_ op: UnsafeMutablePointer<Op>, while condition: Bool) throws(GuestFault) {
    let count = countRegister(op) &- 1
    let remaining = op.pointee.addressWidth == 2 ? count & 0xffff : count
    if remaining != 0 && condition { try setEIP(op.pointee.immediate, width: op.pointee.width) }
    setCountRegister(op, remaining)
  }

  private func branchTarget<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> UInt32 {
    op.pointee.form == .none
      ? op.pointee.immediate : UInt32(truncatingIfNeeded: try destinationValue(op, as: type))
  }

  /// From the instruction, or from memory: the offset first, the selector above it.
  private func farTarget<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> (selector: UInt16, offset: UInt32) {
    guard op.pointee.isDestinationInMemory else {
      return (UInt16(truncatingIfNeeded: op.pointee.displacement), op.pointee.immediate)
    }
    let place = offset(op)
    let target = UInt32(truncatingIfNeeded: try load(op.pointee.segment, place, as: type))
    let selector = try load(op.pointee.segment, place &+ UInt32(W.bitWidth / 8), as: UInt16.self)
    return (selector, target)
  }
}
