import IA32

/// Integer arithmetic and logic, comparison, multiplication and division.
extension CPU {
  func arithmetic<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: ArithmeticOperation, as type: W.Type
  ) throws(GuestFault) {
    let state = state
    switch operation {
    case .add:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { state.pointee.flags.add($0, source) }
    case .adc:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { state.pointee.flags.addWithCarry($0, source) }
    case .sub:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { state.pointee.flags.subtract($0, source) }
    case .sbb:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { state.pointee.flags.subtractWithBorrow($0, source) }
    case .and:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { state.pointee.flags.and($0, source) }
    case .or:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { state.pointee.flags.or($0, source) }
    case .xor:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { state.pointee.flags.exclusiveOr($0, source) }
    case .cmp:
      let left = try destinationValue(op, as: type)
      _ = state.pointee.flags.subtract(left, try sourceValue(op, as: type))
    case .test:
      let left = try destinationValue(op, as: type)
      state.pointee.flags.setLogic(left & (try sourceValue(op, as: type)))
    case .inc: try modifyDestination(op, as: type) { state.pointee.flags.increment($0) }
    case .dec: try modifyDestination(op, as: type) { state.pointee.flags.decrement($0) }
    case .neg: try modifyDestination(op, as: type) { state.pointee.flags.negate($0) }
    case .not: try modifyDestination(op, as: type) { ~$0 }
    case .xadd:
      let source = register(op.pointee.source, as: type)
      var old: W = 0
      try modifyDestination(op, as: type) {
        old = $0
        return state.pointee.flags.add($0, source)
      }
      // With one register as both operands the sum stays.
      if op.pointee.isDestinationInMemory || op.pointee.source != op.pointee.destination {
        setRegister(op.pointee.source, old)
      }
    case .cmpxchg:
      let source = register(op.pointee.source, as: type)
      let accumulator = register(0, as: type)
      var old: W = 0
      // Memory is written in either case, with what it had when the comparison fails. SDM vol. 2, CMPXCHG.
      try modifyDestination(op, as: type) {
        old = $0
        return $0 == accumulator ? source : $0
      }
      _ = state.pointee.flags.subtract(accumulator, old)
      if accumulator != old { setRegister(0, old) }
    case .cmpxchg8b: try compareAndExchange8Bytes(op)
    case .mul:
      let result = state.pointee.flags.multiply(register(0, as: type), try destinationValue(op, as: type))
      setProduct(result.low, result.high)
    case .imul:
      let result = state.pointee.flags.multiplySigned(
        register(0, as: type), try destinationValue(op, as: type))
      setProduct(result.low, result.high)
    case .imul2:
      let factor = try sourceValue(op, as: type)
      let other =
        op.pointee.isThirdImmediate
        ? W(truncatingIfNeeded: op.pointee.immediate) : register(op.pointee.destination, as: type)
      setRegister(op.pointee.destination, state.pointee.flags.multiplyTruncating(factor, other))
    case .div:
      let divisor = try destinationValue(op, as: type)
      let result = try LazyFlags.divide(high: highHalf(as: type), low: register(0, as: type), by: divisor)
      setQuotient(result.quotient, result.remainder)
    case .idiv:
      let divisor = try destinationValue(op, as: type)
      let result = try LazyFlags.divideSigned(
        high: highHalf(as: type), low: register(0, as: type), by: divisor)
      setQuotient(result.quotient, result.remainder)
    case .cbw:
      if W.bitWidth == 16 {
        setRegister(0, UInt16(truncatingIfNeeded: Int8(bitPattern: register(0, as: UInt8.self))))
      } else {
        self[.eax] = UInt32(truncatingIfNeeded: Int16(bitPattern: register(0, as: UInt16.self)))
      }
    case .cwd:
      let accumulator = register(0, as: type)
      setRegister(2, accumulator >> W(truncatingIfNeeded: W.bitWidth - 1) == 0 ? 0 : W.max)
    }
  }

  private func compareAndExchange8Bytes(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    let linear = try linearAddress(op.pointee.segment, offset(op), bytes: 8, .write)
    let target = try mmu.writeTarget(linear, bytes: 8, user: mmu.isUserMode)
    let old = mmu.current(target, as: UInt64.self)
    let expected = UInt64(self[.edx]) << 32 | UInt64(self[.eax])
    if old == expected {
      mmu.commit(target, UInt64(self[.ecx]) << 32 | UInt64(self[.ebx]))
    } else {
      mmu.commit(target, old)
      self[.eax] = UInt32(truncatingIfNeeded: old)
      self[.edx] = UInt32(truncatingIfNeeded: old >> 32)
    }
    state.pointee.flags.replace(zero: old == expected)
  }

  /// AH, DX or EDX: what stands above the accumulator in a dividend.
  private func highHalf<W: OperandWord>(as type: W.Type) -> W {
    W.bitWidth == 8 ? register(4, as: type) : register(2, as: type)
  }

  private func setProduct<W: OperandWord>(_ low: W, _ high: W) {
    setRegister(0, low)
    setRegister(W.bitWidth == 8 ? 4 : 2, high)
  }

  private func setQuotient<W: OperandWord>(_ quotient: W, _ remainder: W) { setProduct(quotient, remainder) }
}
