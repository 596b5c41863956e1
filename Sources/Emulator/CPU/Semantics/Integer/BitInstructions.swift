import IA32

/// Bit tests, bit scans and byte order.
extension CPU {
  func bit<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: BitOperation, as type: W.Type
  ) throws(GuestFault) {
    switch operation {
    case .bt: try bitTest(op, .test, as: type)
    case .bts: try bitTest(op, .set, as: type)
    case .btr: try bitTest(op, .reset, as: type)
    case .btc: try bitTest(op, .complement, as: type)
    case .bsf:
      if let bit = state.pointee.flags.bitScanForward(try sourceValue(op, as: type)) {
        setRegister(op.pointee.destination, bit)
      }
    case .bsr:
      if let bit = state.pointee.flags.bitScanReverse(try sourceValue(op, as: type)) {
        setRegister(op.pointee.destination, bit)
      }
    case .bswap:
      setRegister(op.pointee.destination, LazyFlags.byteSwap(register(op.pointee.destination, as: type)))
    }
  }

  /// What a bit test does with the bit.
  private enum BitTest { case test, set, reset, complement }

  /// A register as bit index reaches beyond a memory operand: the bit string has no end. SDM vol. 2, BT.
  private func bitTest<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: BitTest, as type: W.Type
  ) throws(GuestFault) {
    let state = state
    let isImmediate = op.pointee.isSourceImmediate
    let index =
      isImmediate ? W(truncatingIfNeeded: op.pointee.immediate) : register(op.pointee.source, as: type)
    func apply(_ value: W) -> W {
      switch operation {
      case .test: value
      case .set: state.pointee.flags.bitTestAndSet(value, at: index)
      case .reset: state.pointee.flags.bitTestAndReset(value, at: index)
      case .complement: state.pointee.flags.bitTestAndComplement(value, at: index)
      }
    }
    guard op.pointee.isDestinationInMemory else {
      let value = register(op.pointee.destination, as: type)
      if operation == .test { return state.pointee.flags.bitTest(value, at: index) }
      return setRegister(op.pointee.destination, apply(value))
    }
    var place = offset(op)
    if !isImmediate {
      let bit = Int32(truncatingIfNeeded: W.Signed(truncatingIfNeeded: index))
      let words = bit >> (W.bitWidth == 16 ? 4 : 5)
      place = place &+ UInt32(bitPattern: words &* Int32(W.bitWidth / 8))
      if op.pointee.addressWidth == 2 { place &= 0xffff }
    }
    if operation == .test {
      state.pointee.flags.bitTest(try load(op.pointee.segment, place, as: type), at: index)
    } else {
      try modify(op.pointee.segment, place, as: type, apply)
    }
  }
}
