import CMPFR

/// FYL2X and FYL2XP1: logarithms to the base 2 times a factor. SDM vol. 2A, FYL2X and FYL2XP1.
extension X87Transcendental {
  /// FYL2X: ST(1) times the logarithm of ST(0).
  public static func logarithm(
    y: ExtendedFloat, x: ExtendedFloat, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    let (factor, argument) = (X87Operand(y), X87Operand(x))
    if let outcome = X87NaN.outcome(argument, factor) { return outcome }
    if x.isNegative && !argument.isZero { return X87NaN.invalid }
    if argument.isZero {
      // The logarithm is minus infinity.
      if factor.isZero { return X87NaN.invalid }
      if factor.isInfinity { return X87Outcome(.infinity(negative: !y.isNegative)) }
      return X87Outcome(.infinity(negative: !y.isNegative), .zeroDivide)
    }
    let logarithm = sign(of: x, comparedWith: .one)
    if argument.isInfinity && factor.isZero { return X87NaN.invalid }
    if factor.isInfinity && logarithm == 0 { return X87NaN.invalid }
    return X87Portable.afterDenormal(factor, argument, control) {
      let isNegative = y.isNegative != (logarithm < 0)
      if argument.isInfinity || factor.isInfinity { return X87Outcome(.infinity(negative: isNegative)) }
      if factor.isZero || logarithm == 0 { return X87Outcome(.zero(negative: isNegative)) }
      let bigX = BigFloat(x)
      return X87Portable.roundedFully(product(y, logarithmOf: bigX), control)
    }
  }

  /// FYL2XP1: ST(1) times the logarithm of ST(0) + 1. The manual defines it for small ST(0); here it has the mathematical
  /// value wherever there is one, and answers as FYL2X does where there is none.
  public static func logarithmOfSumWithOne(
    y: ExtendedFloat, x: ExtendedFloat, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    let (factor, argument) = (X87Operand(y), X87Operand(x))
    if let outcome = X87NaN.outcome(argument, factor) { return outcome }
    if x.isNegative && !argument.isZero {
      let order = sign(of: x.magnitude, comparedWith: .one)
      if order > 0 { return X87NaN.invalid }
      if order == 0 { return logarithm(y: y, x: .zero, control) }
    }
    if argument.isInfinity && factor.isZero { return X87NaN.invalid }
    if factor.isInfinity && argument.isZero { return X87NaN.invalid }
    return X87Portable.afterDenormal(factor, argument, control) {
      let isNegative = y.isNegative != x.isNegative
      if argument.isInfinity || factor.isInfinity { return X87Outcome(.infinity(negative: isNegative)) }
      if factor.isZero || argument.isZero { return X87Outcome(.zero(negative: isNegative)) }
      let bigX = BigFloat(x)
      if (-64...64).contains(x.unrounded.exponent) {
        let sum = BigFloat(precision: 192)
        mpfr_add_ui(sum.pointer, bigX.pointer, 1, MPFR_RNDZ)
        return X87Portable.roundedFully(product(y, logarithmOf: sum), control)
      }
      // Here 1 + x is no power of two.
      let bigY = BigFloat(y)
      let number = BigFloat.unroundedIrrational { result, precision in
        let logarithm = BigFloat(precision: precision)
        mpfr_log1p(logarithm.pointer, bigX.pointer, MPFR_RNDN)
        let base = BigFloat(precision: precision)
        mpfr_const_log2(base.pointer, MPFR_RNDN)
        mpfr_div(logarithm.pointer, logarithm.pointer, base.pointer, MPFR_RNDN)
        mpfr_mul(result, logarithm.pointer, bigY.pointer, MPFR_RNDN)
      }
      return X87Portable.roundedFully(number, control)
    }
  }

  /// y times the logarithm of a positive number other than 1. It is rational for powers of two only.
  private static func product(_ y: ExtendedFloat, logarithmOf x: borrowing BigFloat) -> Unrounded {
    let bigY = BigFloat(y)
    let source = x.pointer
    let whole = BigFloat(precision: 64)
    if mpfr_log2(whole.pointer, source, MPFR_RNDZ) == 0 {
      return BigFloat.unrounded { mpfr_mul($0, whole.pointer, bigY.pointer, MPFR_RNDZ) }!
    }
    return BigFloat.unroundedIrrational { result, precision in
      let logarithm = BigFloat(precision: precision)
      mpfr_log2(logarithm.pointer, source, MPFR_RNDN)
      mpfr_mul(result, logarithm.pointer, bigY.pointer, MPFR_RNDN)
    }
  }

  /// -1, 0 or 1 as positive `a` is less than, equal to or greater than positive `b`.
  private static func sign(of a: ExtendedFloat, comparedWith b: ExtendedFloat) -> Int {
    let flags = X87Portable.compare(X87Operand(a), X87Operand(b), isQuiet: true, .initial)
    return flags.contains(.c3) ? 0 : flags.contains(.c0) ? -1 : 1
  }
}
