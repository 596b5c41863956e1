/// A number in the x87's 80-bit format: sign and exponent in 16 bits, and a significand whose leading bit is written
/// out. SDM vol. 1, 4.2.2 and 8.2.
public struct ExtendedFloat: Hashable, Sendable {
  /// Bit 63 is the integer bit J, below it are 63 bits of fraction.
  public var significand: UInt64
  /// Bit 15 is the sign, bits 14 to 0 are the exponent with a bias of 16383.
  public var signExponent: UInt16

  /// A value from its significand and the 16 bits of sign and exponent.
  @inlinable
  public init(significand: UInt64, signExponent: UInt16) {
    self.significand = significand
    self.signExponent = signExponent
  }

  @inlinable
  init(negative: Bool, biased: Int, significand: UInt64) {
    self.init(
      significand: significand, signExponent: UInt16(truncatingIfNeeded: biased) | (negative ? 0x8000 : 0))
  }

  /// The sign bit.
  @inlinable public var isNegative: Bool { signExponent & 0x8000 != 0 }
  /// The exponent as it is stored, 0 to 7FFFh.
  @inlinable public var biasedExponent: Int { Int(signExponent & 0x7fff) }

  /// Positive zero, which an empty register of a reset unit holds.
  public static let zero = ExtendedFloat(significand: 0, signExponent: 0)
  /// 1.0.
  public static let one = ExtendedFloat(significand: 1 << 63, signExponent: 0x3fff)
  /// The QNaN that a masked invalid operation gives. SDM vol. 1, table 4-3.
  public static let indefinite = ExtendedFloat(significand: 0xc000_0000_0000_0000, signExponent: 0xffff)

  static func zero(negative: Bool) -> ExtendedFloat {
    ExtendedFloat(negative: negative, biased: 0, significand: 0)
  }
  static func infinity(negative: Bool) -> ExtendedFloat {
    ExtendedFloat(negative: negative, biased: 0x7fff, significand: 1 << 63)
  }

  /// The same number with the other sign: FCHS, on any bit pattern.
  public var negated: ExtendedFloat {
    ExtendedFloat(significand: significand, signExponent: signExponent ^ 0x8000)
  }
  /// The same number with a positive sign: FABS, on any bit pattern.
  public var magnitude: ExtendedFloat {
    ExtendedFloat(significand: significand, signExponent: signExponent & 0x7fff)
  }
}

/// What kind of number a bit pattern is. SDM vol. 1, 4.8.3 and 8.2.2.
public enum FloatClass: Sendable {
  case zero
  /// Also a pseudo-denormal: exponent 0 with J set, which counts as a denormal operand and has the value of exponent 1.
  case denormal
  case normal
  case infinity
  case quietNaN
  case signalingNaN
  /// Unnormals, pseudo-infinities and pseudo-NaNs: every arithmetic instruction finds them invalid.
  case unsupported

  var isNaN: Bool { self == .quietNaN || self == .signalingNaN }
}

extension ExtendedFloat {
  /// The class of this bit pattern.
  public var floatClass: FloatClass {
    let exponent = biasedExponent
    if exponent == 0 { return significand == 0 ? .zero : .denormal }
    if significand >> 63 == 0 { return .unsupported }
    if exponent != 0x7fff { return .normal }
    if significand << 1 == 0 { return .infinity }
    return significand >> 62 & 1 != 0 ? .quietNaN : .signalingNaN
  }

  /// The NaN with its quiet bit set.
  var quieted: ExtendedFloat {
    ExtendedFloat(significand: significand | 1 << 62, signExponent: signExponent)
  }

  /// The value of a finite number other than zero.
  var unrounded: Unrounded {
    let leading = significand.leadingZeroBitCount
    let exponent = max(biasedExponent, 1) - 16383
    return Unrounded(
      isNegative: isNegative, exponent: exponent - leading, significand: significand << UInt64(leading),
      extra: 0)
  }
}
