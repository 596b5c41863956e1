extension X87Portable {
  /// FSCALE: ST(0) times two to the integer part of ST(1). SDM vol. 2A, FSCALE.
  public static func scale(
    _ a: ExtendedFloat, by b: ExtendedFloat, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    let (value, scale) = (X87Operand(a), X87Operand(b))
    if let outcome = X87NaN.outcome(value, scale) { return outcome }
    if scale.isInfinity {
      if b.isNegative ? value.isInfinity : value.isZero { return X87NaN.invalid }
      return afterDenormal(value, scale, control) {
        X87Outcome(b.isNegative ? .zero(negative: a.isNegative) : .infinity(negative: a.isNegative))
      }
    }
    return afterDenormal(value, scale, control) {
      if value.isZero || value.isInfinity || scale.isZero && value.floatClass != .denormal {
        return X87Outcome(a)
      }
      var number = a.unrounded
      number.exponent += wholeScale(b)
      var outcome = roundedFully(number, control)
      // Out of range even with a biased exponent.
      switch outcome.value.floatClass {
      case .infinity: outcome.flags.formUnion([.precision, .c1])
      case .zero: outcome.flags = outcome.flags.subtracting(.c1).union(.precision)
      default: break
      }
      return outcome
    }
  }

  /// The integer part of a scale, cut to what is beyond every exponent.
  private static func wholeScale(_ b: ExtendedFloat) -> Int {
    let limit = 0x1_0000
    if b.biasedExponent >= 16383 + 16 { return b.isNegative ? -limit : limit }
    let whole = integer(b, .towardZero).map { Int($0.magnitude) } ?? 0
    return b.isNegative ? -whole : whole
  }

  /// FXTRACT: the exponent, which goes to ST(0)'s place, and the significand, which is then pushed.
  /// SDM vol. 2A, FXTRACT.
  public static func extract(
    _ a: ExtendedFloat, _ control: X87Control
  ) -> X87Outcome<(exponent: ExtendedFloat, significand: ExtendedFloat)> {
    let operand = X87Operand(a)
    if let outcome = X87NaN.outcome(operand) {
      return X87Outcome((outcome.value, outcome.value), outcome.flags)
    }
    if operand.isZero { return X87Outcome((.infinity(negative: true), a), .zeroDivide) }
    if operand.isInfinity { return X87Outcome((.infinity(negative: false), a)) }
    let number = a.unrounded
    let significand = ExtendedFloat(negative: a.isNegative, biased: 16383, significand: number.significand)
    return X87Outcome((load(integer: Int64(number.exponent)), significand), operand.denormalFlag)
  }

  /// FPREM (the quotient is cut) and FPREM1 (the quotient is rounded to nearest): the remainder of ST(0) by ST(1).
  ///
  /// C0, C3 and C1 receive the quotient's bits 2, 1 and 0. When the exponents are 64 or more apart, this instruction
  /// reduces by part of it only and sets C2; how far is left open between 32 and 63, and chosen here: 32 and the distance's
  /// last five bits.
  /// SDM vol. 2A, FPREM and FPREM1.
  public static func remainder(
    _ a: ExtendedFloat, by b: ExtendedFloat, roundsQuotient: Bool, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    let (dividend, divisor) = (X87Operand(a), X87Operand(b))
    if let outcome = X87NaN.outcome(dividend, divisor) { return outcome }
    if dividend.isInfinity || divisor.isZero { return X87NaN.invalid }
    return afterDenormal(dividend, divisor, control) {
      if dividend.isZero { return X87Outcome(a) }
      // A dividend that stays is delivered as a result is: a denormal may underflow.
      if divisor.isInfinity { return roundedFully(a.unrounded, control) }
      return remainder(a.unrounded, by: b.unrounded, roundsQuotient: roundsQuotient, control)
    }
  }

  private static func remainder(
    _ a: Unrounded, by b: Unrounded, roundsQuotient: Bool, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    let distance = a.exponent - b.exponent
    if distance < -1 || (distance < 0 && !roundsQuotient) { return roundedFully(a, control) }
    // One bit of the quotient a step, `rest` below twice the divisor before each. At distance -1 only the rounding is left.
    let isPartial = distance >= 64
    let steps = isPartial ? (distance & 31) + 33 : distance + 1
    let divisor = UInt128(b.significand)
    var rest = UInt128(a.significand)
    var quotient: UInt64 = 0
    for step in 0..<max(steps, 0) {
      if step > 0 { rest <<= 1 }
      quotient <<= 1
      if rest >= divisor {
        rest &-= divisor
        quotient |= 1
      }
    }
    // `rest` counts units of 2^(weight - 63).
    var weight = isPartial ? a.exponent - (steps - 1) : min(a.exponent, b.exponent)
    var isNegative = a.isNegative
    if !isPartial && roundsQuotient {
      // Compare twice the rest with the divisor, in the rest's units.
      let doubled = distance < 0 ? rest : rest << 1
      if doubled > divisor || (doubled == divisor && quotient & 1 != 0) {
        rest = distance < 0 ? divisor << 1 &- rest : divisor &- rest
        isNegative.toggle()
        quotient &+= 1
      }
    }
    var flags: X87Flags = isPartial ? .c2 : []
    if !isPartial {
      if quotient & 4 != 0 { flags.insert(.c0) }
      if quotient & 2 != 0 { flags.insert(.c3) }
      if quotient & 1 != 0 { flags.insert(.c1) }
    }
    if rest == 0 { return X87Outcome(.zero(negative: a.isNegative), flags) }
    weight += 64
    var outcome = roundedFully(
      Unrounded(isNegative: isNegative, topBitWeight: weight, bits: rest), control)
    outcome.flags = outcome.flags.subtracting(.c1).union(flags)
    return outcome
  }
}
