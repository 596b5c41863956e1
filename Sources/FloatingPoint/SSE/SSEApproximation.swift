/// RCPPS and RSQRTPS. The manual asks for a relative error of at most 1.5 * 2^-12 and leaves the value to the processor;
/// here it is the exact reciprocal or reciprocal root, rounded to the nearest number of 12 bits (error at most 2^-12), the
/// same on every host. No exception comes of them, rounding control and FZ do not matter, and a denormal operand is a
/// zero. SDM vol. 2B, RCPPS and RSQRTPS.
extension SSEPortable {
  /// RCPSS and one element of RCPPS. A result below the normal numbers is zero.
  public static func reciprocal(_ bits: UInt32) -> UInt32 {
    switch bits.floatClass {
    case .quietNaN, .signalingNaN, .unsupported: return bits.quieted
    case .infinity: return .zero(negative: bits.isNegative)
    case .zero, .denormal: return .infinity(negative: bits.isNegative)
    case .normal:
      let one = Unrounded(isNegative: false, exponent: 0, significand: 1 << 63, extra: 0)
      return shortened(.quotient(one, bits.unrounded))
    }
  }

  /// RSQRTSS and one element of RSQRTPS.
  public static func reciprocalRoot(_ bits: UInt32) -> UInt32 {
    switch bits.floatClass {
    case .quietNaN, .signalingNaN, .unsupported: return bits.quieted
    case .zero, .denormal: return .infinity(negative: bits.isNegative)
    case .infinity: return bits.isNegative ? .indefinite : 0
    case .normal:
      if bits.isNegative { return .indefinite }
      let one = Unrounded(isNegative: false, exponent: 0, significand: 1 << 63, extra: 0)
      var root = bits.unrounded.squareRoot
      // 64 bits of the root are more than 12 bits of its reciprocal need: no reciprocal root lies so near a tie.
      root.extra = 0
      return shortened(.quotient(one, root))
    }
  }

  private static func shortened(_ number: Unrounded) -> UInt32 {
    let rounded = RoundedSignificand(
      number.significand, extra: number.extra, precision: 12, mode: .nearestEven,
      isNegative: number.isNegative)
    let exponent = number.exponent + (rounded.hasCarried ? 1 : 0)
    if exponent < FloatFormat.single.leastExponent { return .zero(negative: number.isNegative) }
    return RoundedNumber(
      isNegative: number.isNegative, exponent: exponent, significand: rounded.significand, flags: []
    ).single
  }
}
