/// An operand of the x87: a register's value, or what memory holds brought to 80 bits on the way in.
///
/// The conversion of a memory operand is exact and leaves a signaling NaN signaling, but makes a normal number of a
/// denormal one; that it was one must still be told.
public struct X87Operand: Sendable {
  public var value: ExtendedFloat
  public var floatClass: FloatClass

  /// A register.
  public init(_ value: ExtendedFloat) {
    self.value = value
    floatClass = value.floatClass
  }

  /// The 32-bit format.
  public init(single bits: UInt32) {
    self.init(
      isNegative: bits >> 31 != 0, biased: Int(bits >> 23 & 0xff), fraction: UInt64(bits) << 41,
      greatest: 0xff, bias: 127)
  }

  /// The 64-bit format.
  public init(double bits: UInt64) {
    self.init(
      isNegative: bits >> 63 != 0, biased: Int(bits >> 52 & 0x7ff), fraction: bits << 12, greatest: 0x7ff,
      bias: 1023)
  }

  /// An integer.
  public init(integer value: Int64) {
    guard value != 0 else {
      self.init(.zero)
      return
    }
    let number = Unrounded(integer: value)
    self.init(
      ExtendedFloat(
        negative: number.isNegative, biased: number.exponent + 16383, significand: number.significand))
  }

  /// - Parameter fraction: the bits behind the leading one, from bit 63 on.
  private init(isNegative: Bool, biased: Int, fraction: UInt64, greatest: Int, bias: Int) {
    if biased == greatest {
      value = ExtendedFloat(negative: isNegative, biased: 0x7fff, significand: 1 << 63 | fraction >> 1)
      floatClass = fraction == 0 ? .infinity : fraction >> 63 != 0 ? .quietNaN : .signalingNaN
    } else if biased != 0 {
      value = ExtendedFloat(
        negative: isNegative, biased: biased - bias + 16383, significand: 1 << 63 | fraction >> 1)
      floatClass = .normal
    } else if fraction == 0 {
      value = .zero(negative: isNegative)
      floatClass = .zero
    } else {
      let leading = fraction.leadingZeroBitCount
      value = ExtendedFloat(
        negative: isNegative, biased: 16383 - bias - leading, significand: fraction << UInt64(leading))
      floatClass = .denormal
    }
  }

  var isNegative: Bool { value.isNegative }
  var isZero: Bool { floatClass == .zero }
  var isInfinity: Bool { floatClass == .infinity }
  /// DE when the operand is denormal.
  var denormalFlag: X87Flags { floatClass == .denormal ? .denormal : [] }
}

/// What operands that are no numbers give. SDM vol. 1, 4.8.3.5 and table 4-7.
enum X87NaN {
  /// The invalid operation's masked answer.
  static let invalid = X87Outcome(ExtendedFloat.indefinite, .invalid)

  /// The answer of an instruction with one operand; nil when it is a number.
  static func outcome(_ a: X87Operand) -> X87Outcome<ExtendedFloat>? {
    switch a.floatClass {
    case .unsupported: invalid
    case .signalingNaN: X87Outcome(a.value.quieted, .invalid)
    case .quietNaN: X87Outcome(a.value)
    default: nil
    }
  }

  /// The answer of an instruction with two operands; nil when both are numbers.
  static func outcome(_ a: X87Operand, _ b: X87Operand) -> X87Outcome<ExtendedFloat>? {
    if a.floatClass == .unsupported || b.floatClass == .unsupported { return invalid }
    guard a.floatClass.isNaN || b.floatClass.isNaN else { return nil }
    let signals = a.floatClass == .signalingNaN || b.floatClass == .signalingNaN
    return X87Outcome(chosen(a, b).value.quieted, signals ? .invalid : [])
  }

  private static func chosen(_ a: X87Operand, _ b: X87Operand) -> X87Operand {
    if !b.floatClass.isNaN { return a }
    if !a.floatClass.isNaN { return b }
    // Of a signaling and a quiet one, the quiet one.
    if a.floatClass != b.floatClass { return a.floatClass == .quietNaN ? a : b }
    // Of two of a kind, the one with the larger significand; then the positive one.
    if a.value.significand != b.value.significand { return a.value.significand > b.value.significand ? a : b }
    return a.isNegative ? b : a
  }
}
