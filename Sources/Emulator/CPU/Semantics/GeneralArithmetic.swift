import IA32

extension CPU {
  /// Addition, subtraction, logic, comparison. False when the instruction is of another family.
  func arithmetic<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) -> Bool
  {
    let flags = state
    switch op.pointee.operation {
    case .add:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { flags.pointee.flags.add($0, source) }
    case .adc:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { flags.pointee.flags.addWithCarry($0, source) }
    case .sub:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { flags.pointee.flags.subtract($0, source) }
    case .sbb:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { flags.pointee.flags.subtractWithBorrow($0, source) }
    case .and:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { flags.pointee.flags.and($0, source) }
    case .or:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { flags.pointee.flags.or($0, source) }
    case .xor:
      let source = try sourceValue(op, as: type)
      try modifyDestination(op, as: type) { flags.pointee.flags.exclusiveOr($0, source) }
    case .cmp:
      let left = try destinationValue(op, as: type)
      _ = state.pointee.flags.subtract(left, try sourceValue(op, as: type))
    case .test:
      let left = try destinationValue(op, as: type)
      state.pointee.flags.setLogic(left & (try sourceValue(op, as: type)))
    case .inc: try modifyDestination(op, as: type) { flags.pointee.flags.increment($0) }
    case .dec: try modifyDestination(op, as: type) { flags.pointee.flags.decrement($0) }
    case .neg: try modifyDestination(op, as: type) { flags.pointee.flags.negate($0) }
    case .not: try modifyDestination(op, as: type) { ~$0 }
    case .xadd:
      let source = register(op.pointee.source, as: type)
      var old: W = 0
      try modifyDestination(op, as: type) {
        old = $0
        return flags.pointee.flags.add($0, source)
      }
      // With one register as both operands the sum stays.
      if isMemory(op) || op.pointee.source != op.pointee.destination { setRegister(op.pointee.source, old) }
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
    case .daa:
      setRegister(0, state.pointee.flags.decimalAdjustAfterAddition(al: register(0, as: UInt8.self)))
    case .das:
      setRegister(0, state.pointee.flags.decimalAdjustAfterSubtraction(al: register(0, as: UInt8.self)))
    case .aaa:
      setRegister(0, state.pointee.flags.asciiAdjustAfterAddition(ax: register(0, as: UInt16.self)))
    case .aas:
      setRegister(0, state.pointee.flags.asciiAdjustAfterSubtraction(ax: register(0, as: UInt16.self)))
    case .aam:
      let base = UInt8(truncatingIfNeeded: op.pointee.immediate)
      setRegister(
        0, try state.pointee.flags.asciiAdjustAfterMultiplication(al: register(0, as: UInt8.self), base: base)
      )
    case .aad:
      let base = UInt8(truncatingIfNeeded: op.pointee.immediate)
      setRegister(
        0, state.pointee.flags.asciiAdjustBeforeDivision(ax: register(0, as: UInt16.self), base: base))
    default: return false
    }
    return true
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

  /// Shifts, rotates, multiplication, division, sign extension.
  func shiftOrMultiply<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> Bool {
    let flags = state
    switch op.pointee.operation {
    case .shl, .shr, .sar, .rol, .ror, .rcl, .rcr:
      let operation = op.pointee.operation
      let isImmediate = op.pointee.form == .registerImmediate || op.pointee.form == .memoryImmediate
      let count = isImmediate ? op.pointee.immediate & 0xff : self[.ecx] & 0xff
      try modifyDestination(op, as: type) { value in
        switch operation {
        case .shl: flags.pointee.flags.shiftLeft(value, by: count)
        case .shr: flags.pointee.flags.shiftRight(value, by: count)
        case .sar: flags.pointee.flags.shiftRightArithmetic(value, by: count)
        case .rol: flags.pointee.flags.rotateLeft(value, by: count)
        case .ror: flags.pointee.flags.rotateRight(value, by: count)
        case .rcl: flags.pointee.flags.rotateLeftThroughCarry(value, by: count)
        default: flags.pointee.flags.rotateRightThroughCarry(value, by: count)
        }
      }
    case .shld, .shrd:
      let left = op.pointee.operation == .shld
      let count = op.pointee.detail == 1 ? op.pointee.immediate & 0xff : self[.ecx] & 0xff
      let source = register(op.pointee.source, as: type)
      try modifyDestination(op, as: type) {
        left
          ? flags.pointee.flags.shiftLeftDouble($0, from: source, by: count)
          : flags.pointee.flags.shiftRightDouble($0, from: source, by: count)
      }
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
        op.pointee.detail == 1
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
    default: return false
    }
    return true
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

  /// Single bits: BT and its kin, scans, SETcc, byte swap.
  func bits<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) -> Bool {
    let flags = state
    switch op.pointee.operation {
    case .bt, .bts, .btr, .btc: try bitTest(op, as: type)
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
    case .setcc:
      let value: UInt8 = state.pointee.flags.condition(op.pointee.detail) ? 1 : 0
      try setDestination(op, value)
    case .cmovcc:
      let value = try sourceValue(op, as: type)
      if state.pointee.flags.condition(op.pointee.detail) { setRegister(op.pointee.destination, value) }
    case .cmc: flags.pointee.flags.replace(carry: !flags.pointee.flags.carry)
    case .clc: flags.pointee.flags.replace(carry: false)
    case .stc: flags.pointee.flags.replace(carry: true)
    case .cld: state.pointee.systemFlags &= ~EFLAGS.direction.rawValue
    case .std: state.pointee.systemFlags |= EFLAGS.direction.rawValue
    case .salc: setRegister(0, state.pointee.flags.carry ? UInt8.max : 0)
    case .sahf:
      let kept = state.pointee.flags.arithmeticFlags & EFLAGS.overflow.rawValue
      state.pointee.flags = LazyFlags(arithmeticFlags: kept | UInt32(register(4, as: UInt8.self)) & 0xd5)
    case .lahf: setRegister(4, UInt8(truncatingIfNeeded: state.pointee.flags.arithmeticFlags & 0xd5 | 2))
    default: return false
    }
    return true
  }

  /// A register as bit index reaches beyond a memory operand: the bit string has no end. SDM vol. 2, BT.
  private func bitTest<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) {
    let operation = op.pointee.operation
    let flags = state
    let isImmediate = op.pointee.form == .registerImmediate || op.pointee.form == .memoryImmediate
    let index =
      isImmediate ? W(truncatingIfNeeded: op.pointee.immediate) : register(op.pointee.source, as: type)
    func apply(_ value: W) -> W {
      switch operation {
      case .bts: flags.pointee.flags.bitTestAndSet(value, at: index)
      case .btr: flags.pointee.flags.bitTestAndReset(value, at: index)
      default: flags.pointee.flags.bitTestAndComplement(value, at: index)
      }
    }
    guard op.pointee.form == .memoryRegister || op.pointee.form == .memoryImmediate else {
      let value = register(op.pointee.destination, as: type)
      if operation == .bt { return state.pointee.flags.bitTest(value, at: index) }
      return setRegister(op.pointee.destination, apply(value))
    }
    var place = offset(op)
    if !isImmediate {
      let bit = Int32(truncatingIfNeeded: W.Signed(truncatingIfNeeded: index))
      let words = bit >> (W.bitWidth == 16 ? 4 : 5)
      place = place &+ UInt32(bitPattern: words &* Int32(W.bitWidth / 8))
      if op.pointee.addressWidth == 2 { place &= 0xffff }
    }
    if operation == .bt {
      state.pointee.flags.bitTest(try load(op.pointee.segment, place, as: type), at: index)
    } else {
      try modify(op.pointee.segment, place, as: type, apply)
    }
  }
}
