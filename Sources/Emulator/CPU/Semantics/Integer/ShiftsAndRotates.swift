/// Shifts and rotates. SDM vol. 2, "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "SHRD".
///
/// Counts are the raw immediate or CL: the low five bits count, and a masked count of 0 changes neither operand nor
/// flags. CF is the last bit that went out; OF is defined for a count of 1 only. What the manual leaves undefined is
/// what P6 processors do: AF stays, and so does OF for counts above 1.
extension LazyFlags {
  // MARK: Shifts

  /// SHL (SAL).
  ///
  /// CF for counts above the operand's width, undefined in the manual, is what shifting bit by bit gives: 0.
  @inline(__always)
  mutating func shiftLeft<W: OperandWord>(_ a: W, by count: UInt32) -> W {
    let count = count & 31
    if count == 0 { return a }
    let wide = UInt64(truncatingIfNeeded: a) &<< UInt64(count)
    let result = W(truncatingIfNeeded: wide)
    let carry = UInt32(truncatingIfNeeded: wide &>> UInt64(W.bitWidth)) & 1
    setShifted(result, carry: carry, overflow: carry ^ result.topBit, count: count)
    return result
  }

  /// SHR.
  ///
  /// CF for counts above the operand's width, undefined in the manual, is what shifting bit by bit gives: 0.
  @inline(__always)
  mutating func shiftRight<W: OperandWord>(_ a: W, by count: UInt32) -> W {
    let count = count & 31
    if count == 0 { return a }
    let allButLast = UInt32(truncatingIfNeeded: a) &>> (count &- 1)
    let result = W(truncatingIfNeeded: allButLast &>> 1)
    setShifted(result, carry: allButLast & 1, overflow: a.topBit, count: count)
    return result
  }

  /// SAR: copies of the sign come in; counts above the operand's width leave nothing else.
  @inline(__always)
  mutating func shiftRightArithmetic<W: OperandWord>(_ a: W, by count: UInt32) -> W {
    let count = count & 31
    if count == 0 { return a }
    let allButLast = Int64(bitPattern: a.signExtended64) &>> Int64(count &- 1)
    let result = W(truncatingIfNeeded: allButLast &>> 1)
    setShifted(result, carry: UInt32(truncatingIfNeeded: allButLast) & 1, overflow: 0, count: count)
    return result
  }

  // MARK: Rotates

  /// ROL. CF is bit 0 of the result, also when the masked count is a multiple of the width.
  @inline(__always)
  mutating func rotateLeft<W: OperandWord>(_ a: W, by count: UInt32) -> W {
    let count = count & 31
    if count == 0 { return a }
    // Masking shifts take the amounts modulo the width.
    let amount = W(truncatingIfNeeded: count)
    let result = a &<< amount | a &>> (0 &- amount)
    let carry = UInt32(truncatingIfNeeded: result) & 1
    setRotated(carry: carry, overflow: carry ^ result.topBit, count: count)
    return result
  }

  /// ROR. CF is the top bit of the result, also when the masked count is a multiple of the width.
  @inline(__always)
  mutating func rotateRight<W: OperandWord>(_ a: W, by count: UInt32) -> W {
    let count = count & 31
    if count == 0 { return a }
    let amount = W(truncatingIfNeeded: count)
    let result = a &>> amount | a &<< (0 &- amount)
    let carry = result.topBit
    setRotated(carry: carry, overflow: carry ^ (result &<< 1).topBit, count: count)
    return result
  }

  /// RCL: operand and CF as one ring of 9, 17 or 33 bits; a count that is a multiple of its size changes nothing.
  ///
  /// OF for counts above 1 stays, like that of ROL.
  @inline(__always)
  mutating func rotateLeftThroughCarry<W: OperandWord>(_ a: W, by count: UInt32) -> W {
    let count = (count & 31) % Self.ringSize(W.self)
    if count == 0 { return a }
    let ring = UInt64(carryBit) &<< UInt64(W.bitWidth) | UInt64(truncatingIfNeeded: a)
    let turned = ring &<< UInt64(count) | ring &>> UInt64(Self.ringSize(W.self) &- count)
    let result = W(truncatingIfNeeded: turned)
    let carry = UInt32(truncatingIfNeeded: turned &>> UInt64(W.bitWidth)) & 1
    setRotated(carry: carry, overflow: carry ^ result.topBit, count: count)
    return result
  }

  /// RCR: operand and CF as one ring of 9, 17 or 33 bits; a count that is a multiple of its size changes nothing.
  ///
  /// OF for counts above 1 stays, like that of ROR.
  @inline(__always)
  mutating func rotateRightThroughCarry<W: OperandWord>(_ a: W, by count: UInt32) -> W {
    let count = (count & 31) % Self.ringSize(W.self)
    if count == 0 { return a }
    let ring = UInt64(carryBit) &<< UInt64(W.bitWidth) | UInt64(truncatingIfNeeded: a)
    let turned = ring &>> UInt64(count) | ring &<< UInt64(Self.ringSize(W.self) &- count)
    let result = W(truncatingIfNeeded: turned)
    let carry = UInt32(truncatingIfNeeded: turned &>> UInt64(W.bitWidth)) & 1
    setRotated(carry: carry, overflow: result.topBit ^ (result &<< 1).topBit, count: count)
    return result
  }

  /// The bits that RCL and RCR turn: the operand's and CF.
  @inline(__always)
  private static func ringSize<W: OperandWord>(_: W.Type) -> UInt32 {
    UInt32(truncatingIfNeeded: W.bitWidth) &+ 1
  }

  // MARK: Double shifts

  /// SHLD: `a` shifted left, the top bits of `b` coming in from the right. `W` is 16 or 32 bits.
  ///
  /// For 16 bits and counts above 16 the manual leaves result and flags undefined; P6 processors shift `a:b:a`, so
  /// that `a` follows `b` in.
  @inline(__always)
  mutating func shiftLeftDouble<W: OperandWord>(_ a: W, from b: W, by count: UInt32) -> W {
    let count = count & 31
    if count == 0 { return a }
    let wide = Self.doubleShiftOperand(high: a, low: b)
    let result = W(truncatingIfNeeded: (wide &<< UInt64(count)) &>> UInt64(64 - W.bitWidth))
    let carry = UInt32(truncatingIfNeeded: wide &>> UInt64(64 &- count)) & 1
    setShifted(result, carry: carry, overflow: a.topBit ^ result.topBit, count: count)
    return result
  }

  /// SHRD: `a` shifted right, the low bits of `b` coming in from the left. `W` is 16 or 32 bits.
  ///
  /// For 16 bits and counts above 16 the manual leaves result and flags undefined; P6 processors shift `a:b:a`, so
  /// that `a` follows `b` in.
  @inline(__always)
  mutating func shiftRightDouble<W: OperandWord>(_ a: W, from b: W, by count: UInt32) -> W {
    let count = count & 31
    if count == 0 { return a }
    let wide = Self.doubleShiftOperand(high: b, low: a)
    let result = W(truncatingIfNeeded: wide &>> UInt64(count))
    let carry = UInt32(truncatingIfNeeded: wide &>> UInt64(count &- 1)) & 1
    setShifted(result, carry: carry, overflow: a.topBit ^ result.topBit, count: count)
    return result
  }

  /// `high:low`, repeated until it fills 64 bits: the 16-bit form then has in place what a count above 16 brings in.
  @inline(__always)
  private static func doubleShiftOperand<W: OperandWord>(high: W, low: W) -> UInt64 {
    let pair = UInt64(truncatingIfNeeded: high) &<< UInt64(W.bitWidth) | UInt64(truncatingIfNeeded: low)
    return W.bitWidth == 32 ? pair : pair &<< 32 | pair
  }
}

extension OperandWord {
  /// The top bit, 0 or 1.
  @inline(__always) var topBit: UInt32 {
    UInt32(truncatingIfNeeded: self &>> Self(truncatingIfNeeded: Self.bitWidth &- 1))
  }
}
