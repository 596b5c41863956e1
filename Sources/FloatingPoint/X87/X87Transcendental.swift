import CMPFR

/// Sines, cosines, tangents, exponentials and logarithms: the mathematical value, correctly rounded to 64 bits under the
/// rounding control. Precision control does not apply. SDM vol. 1, 8.3.6 to 8.3.10.
///
/// Processors differ in the last bit, and some reduce arguments by a short pi. These results are the same on every host.
public enum X87Transcendental {
  /// FSIN. C2 tells that the operand is 2^63 or more and stays as it is.
  public static func sine(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    trigonometric(a, control) { mpfr_sin($0, $1, MPFR_RNDZ) }
  }

  /// FCOS.
  public static func cosine(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    a.floatClass == .zero ? X87Outcome(.one) : trigonometric(a, control) { mpfr_cos($0, $1, MPFR_RNDZ) }
  }

  /// FPTAN's tangent; the 1.0 that it then pushes is the CPU's.
  public static func tangent(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    trigonometric(a, control) { mpfr_tan($0, $1, MPFR_RNDZ) }
  }

  /// FSINCOS: the sine, which takes ST(0)'s place, and the cosine, which is then pushed. C1 is the cosine's.
  public static func sineAndCosine(
    _ a: ExtendedFloat, _ control: X87Control
  ) -> X87Outcome<(sine: ExtendedFloat, cosine: ExtendedFloat)> {
    let sine = sine(a, control)
    let cosine = cosine(a, control)
    let flags = sine.flags.subtracting(.c1).union(cosine.flags)
    return X87Outcome((sine.value, cosine.value), flags)
  }

  private static func trigonometric(
    _ a: ExtendedFloat, _ control: X87Control,
    _ function: (UnsafeMutablePointer<__mpfr_struct>, UnsafePointer<__mpfr_struct>) -> Int32
  ) -> X87Outcome<ExtendedFloat> {
    let operand = X87Operand(a)
    if let outcome = X87NaN.outcome(operand) { return outcome }
    if operand.isInfinity { return X87NaN.invalid }
    if operand.isZero { return X87Outcome(a) }
    if a.biasedExponent >= 16383 + 63 { return X87Outcome(a, .c2) }
    return X87Portable.afterDenormal(operand, operand, control) {
      let argument = BigFloat(a)
      // No sine, cosine or tangent of a number other than zero is zero.
      let number = BigFloat.unrounded { function($0, argument.pointer) }!
      return X87Portable.roundedFully(number, control)
    }
  }

  /// FPATAN: the angle of the point (x, y) = (ST(0), ST(1)), from -pi to pi. SDM vol. 2A, table 3-30.
  public static func arctangent(
    y: ExtendedFloat, x: ExtendedFloat, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    let (ordinate, abscissa) = (X87Operand(y), X87Operand(x))
    // ST(0) is the instruction's first operand.
    if let outcome = X87NaN.outcome(abscissa, ordinate) { return outcome }
    return X87Portable.afterDenormal(ordinate, abscissa, control) {
      // MPFR's special cases are C's, and C's are these.
      let bigY = BigFloat(y)
      let bigX = BigFloat(x)
      guard let number = BigFloat.unrounded({ mpfr_atan2($0, bigY.pointer, bigX.pointer, MPFR_RNDZ) }) else {
        return X87Outcome(.zero(negative: y.isNegative))
      }
      return X87Portable.roundedFully(number, control)
    }
  }

  /// F2XM1: 2^x - 1. The manual defines it from -1 to 1; here it has the mathematical value everywhere.
  public static func exponential(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    let operand = X87Operand(a)
    if let outcome = X87NaN.outcome(operand) { return outcome }
    if operand.isZero { return X87Outcome(a) }
    if operand.isInfinity {
      return X87Outcome(a.isNegative ? ExtendedFloat.one.negated : a)
    }
    return X87Portable.afterDenormal(operand, operand, control) {
      X87Portable.roundedFully(powerMinusOne(a), control)
    }
  }

  private static func powerMinusOne(_ a: ExtendedFloat) -> Unrounded {
    let exponent = a.unrounded.exponent
    // Beyond 2^20 the result overflows, or is just above -1.
    if exponent >= 20 && !a.isNegative {
      return Unrounded(isNegative: false, exponent: 1 << 20, significand: 1 << 63, extra: 1)
    }
    if exponent >= 8 && a.isNegative {
      return Unrounded(isNegative: true, exponent: -1, significand: .max, extra: .max)
    }
    let argument = BigFloat(a)
    if mpfr_integer_p(argument.pointer) != 0 {
      let power = mpfr_get_si(argument.pointer, MPFR_RNDZ)
      if power > 256 {
        return Unrounded(isNegative: false, exponent: power - 1, significand: .max, extra: .max)
      }
      let exact = BigFloat(precision: 1024)
      mpfr_exp2(exact.pointer, argument.pointer, MPFR_RNDZ)
      mpfr_sub_ui(exact.pointer, exact.pointer, 1, MPFR_RNDZ)
      return BigFloat.unrounded { mpfr_set($0, exact.pointer, MPFR_RNDZ) }!
    }
    // A power of two to a fraction is irrational.
    return BigFloat.unroundedIrrational { result, precision in
      if exponent >= -64 {
        // The subtraction loses no more than 66 bits.
        let power = BigFloat(precision: precision + 72)
        mpfr_exp2(power.pointer, argument.pointer, MPFR_RNDN)
        mpfr_sub_ui(result, power.pointer, 1, MPFR_RNDN)
      } else {
        let scaled = BigFloat(precision: precision)
        mpfr_const_log2(scaled.pointer, MPFR_RNDN)
        mpfr_mul(scaled.pointer, scaled.pointer, argument.pointer, MPFR_RNDN)
        mpfr_expm1(result, scaled.pointer, MPFR_RNDN)
      }
    }
  }
}
