extension X87Portable {
  /// FCOM and its kin: C3, C2 and C0 say greater (000), less (001), equal (100) or unordered (111). C1 is cleared.
  /// SDM vol. 1, table 8-6.
  /// - Parameter isQuiet: FUCOM and its kin: a quiet NaN is unordered and nothing more.
  public static func compare(
    _ a: X87Operand, _ b: X87Operand, isQuiet: Bool, _ control: X87Control
  ) -> X87Flags {
    let unordered: X87Flags = [.c3, .c2, .c0]
    if a.floatClass == .unsupported || b.floatClass == .unsupported { return unordered.union(.invalid) }
    if a.floatClass.isNaN || b.floatClass.isNaN {
      let signals = a.floatClass == .signalingNaN || b.floatClass == .signalingNaN
      return signals || !isQuiet ? unordered.union(.invalid) : unordered
    }
    return order(a, b).union(a.denormalFlag).union(b.denormalFlag)
  }

  private static func order(_ a: X87Operand, _ b: X87Operand) -> X87Flags {
    if a.isZero && b.isZero { return .c3 }
    if a.isNegative != b.isNegative {
      if a.isZero { return b.isNegative ? [] : .c0 }
      return a.isNegative ? .c0 : []
    }
    // A denormal and a pseudo-denormal have exponent 1.
    let exponents = (max(a.value.biasedExponent, 1), max(b.value.biasedExponent, 1))
    if exponents.0 == exponents.1 && a.value.significand == b.value.significand { return .c3 }
    let isSmaller =
      exponents.0 != exponents.1
      ? exponents.0 < exponents.1 : a.value.significand < b.value.significand
    return isSmaller != a.isNegative ? .c0 : []
  }

  /// FXAM: C3, C2 and C0 name the class, C1 is the sign. An empty register is the CPU's to know. SDM vol. 2A, FXAM.
  public static func examine(_ a: ExtendedFloat) -> X87Flags {
    let sign: X87Flags = a.isNegative ? .c1 : []
    switch a.floatClass {
    case .unsupported: return sign
    case .quietNaN, .signalingNaN: return sign.union(.c0)
    case .normal: return sign.union(.c2)
    case .infinity: return sign.union([.c2, .c0])
    case .zero: return sign.union(.c3)
    case .denormal: return sign.union([.c3, .c2])
    }
  }
}
