import IA32

/// Moves to and from segment registers.
extension CPU {
  func segment<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: SegmentOperation, as type: W.Type
  ) throws(GuestFault) {
    switch operation {
    case .pushSegment:
      let selector = state.pointee[segmentOperand(op)].selector
      try pushSelector(selector, as: type)
    case .popSegment:
      let top = self[.esp]
      let segment = segmentOperand(op)
      let selector = UInt16(truncatingIfNeeded: try pop(as: type))
      do throws(GuestFault) {
        try loadSegment(segment, selector)
      } catch {
        self[.esp] = top
        throw error
      }
      if segment == .ss { inhibitAfterStackLoad() }
    case .movFromSegment:
      let selector = state.pointee[SegmentRegister(rawValue: op.pointee.source) ?? .ds].selector
      // A register takes the selector zero-extended, memory always 16 bits. SDM vol. 2, MOV.
      if op.pointee.isDestinationInMemory {
        try setDestination(op, selector)
      } else {
        setRegister(op.pointee.destination, W(truncatingIfNeeded: selector))
      }
    case .movToSegment:
      let segment = segmentOperand(op)
      try loadSegment(segment, try sourceValue(op, as: UInt16.self))
      if segment == .ss { inhibitAfterStackLoad() }
    case .lds: try loadFarPointer(op, .ds, as: type)
    case .les: try loadFarPointer(op, .es, as: type)
    case .lfs: try loadFarPointer(op, .fs, as: type)
    case .lgs: try loadFarPointer(op, .gs, as: type)
    case .lss: try loadFarPointer(op, .ss, as: type)
    }
  }

  /// The next instruction may load ESP: nothing comes between. SDM vol. 3A, 6.8.3.
  private func inhibitAfterStackLoad() {
    state.pointee.inhibitsInterrupts = true
    state.pointee.inhibitsTraps = true
  }

  private func segmentOperand(_ op: UnsafeMutablePointer<Op>) -> SegmentRegister {
    SegmentRegister(rawValue: op.pointee.destination) ?? .ds
  }

  /// A selector pushed with 32-bit operand size takes four bytes, of which P6 processors write two. SDM vol. 2, PUSH.
  private func pushSelector<W: OperandWord>(_ selector: UInt16, as type: W.Type) throws(GuestFault) {
    let top = (self[.esp] &- UInt32(W.bitWidth / 8)) & stackMask
    try store(.ss, top, selector)
    self[.esp] = replacingStackPointer(top)
  }

  private func loadFarPointer<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ segment: SegmentRegister, as type: W.Type
  ) throws(GuestFault) {
    let place = offset(op)
    let value = try load(op.pointee.segment, place, as: type)
    let selector = try load(op.pointee.segment, place &+ UInt32(W.bitWidth / 8), as: UInt16.self)
    try loadSegment(segment, selector)
    setRegister(op.pointee.destination, value)
  }
}
