/// Values that go between memory and registers. Precision control does not apply. SDM vol. 1, 8.3.1 and 4.8.
extension X87Portable {
  /// FLD m32: exact, but a signaling NaN is invalid and a denormal is told.
  public static func load(single bits: UInt32) -> X87Outcome<ExtendedFloat> { load(X87Operand(single: bits)) }

  /// FLD m64.
  public static func load(double bits: UInt64) -> X87Outcome<ExtendedFloat> { load(X87Operand(double: bits)) }

  private static func load(_ operand: X87Operand) -> X87Outcome<ExtendedFloat> {
    X87NaN.outcome(operand) ?? X87Outcome(operand.value, operand.denormalFlag)
  }

  /// FST m32. A denormal source is no exception here.
  public static func storeSingle(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<UInt32> {
    let sign: UInt32 = a.isNegative ? 1 << 31 : 0
    switch a.floatClass {
    case .unsupported: return X87Outcome(0xffc0_0000, .invalid)
    case .signalingNaN, .quietNaN:
      let fraction = UInt32(truncatingIfNeeded: a.significand >> 40) & 0x7f_ffff
      return X87Outcome(sign | 0x7fc0_0000 | fraction, a.floatClass == .signalingNaN ? .invalid : [])
    case .infinity: return X87Outcome(sign | 0x7f80_0000)
    case .zero: return X87Outcome(sign)
    case .normal, .denormal:
      let rounded = a.unrounded.rounded(to: .single, control.rounding, masks: control.masks)
      return X87Outcome(rounded.single, storedFlags(rounded.flags, control))
    }
  }

  /// FST m64.
  public static func storeDouble(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<UInt64> {
    let sign: UInt64 = a.isNegative ? 1 << 63 : 0
    switch a.floatClass {
    case .unsupported: return X87Outcome(0xfff8_0000_0000_0000, .invalid)
    case .signalingNaN, .quietNaN:
      let fraction = a.significand >> 11 & 0xf_ffff_ffff_ffff
      return X87Outcome(
        sign | 0x7ff8_0000_0000_0000 | fraction, a.floatClass == .signalingNaN ? .invalid : [])
    case .infinity: return X87Outcome(sign | 0x7ff0_0000_0000_0000)
    case .zero: return X87Outcome(sign)
    case .normal, .denormal:
      let rounded = a.unrounded.rounded(to: .double, control.rounding, masks: control.masks)
      return X87Outcome(rounded.double, storedFlags(rounded.flags, control))
    }
  }

  /// When an overflow or underflow keeps the result out of memory, nothing has been rounded.
  private static func storedFlags(_ flags: X87Flags, _ control: X87Control) -> X87Flags {
    control.unmasked(flags).isDisjoint(with: [.overflow, .underflow])
      ? flags : flags.subtracting([.precision, .c1])
  }

  /// FILD: exact.
  public static func load(integer value: Int64) -> ExtendedFloat { X87Operand(integer: value).value }

  /// FIST and FISTP: the integer of 16, 32 or 64 bits, or the integer indefinite (the most negative one).
  public static func storeInteger(_ a: ExtendedFloat, bits: Int, _ control: X87Control) -> X87Outcome<Int64> {
    let indefinite = X87Outcome(Int64.min >> Int64(64 - bits), X87Flags.invalid)
    guard let (magnitude, flags) = integer(a, control.rounding) else { return indefinite }
    let limit: UInt64 = 1 << UInt64(bits - 1)
    guard magnitude < limit || (magnitude == limit && a.isNegative) else { return indefinite }
    let value = Int64(bitPattern: a.isNegative ? 0 &- magnitude : magnitude)
    return X87Outcome(value, flags)
  }

  /// Rounds to an integer below 2^64; nil when it is not below, or no number.
  static func integer(_ a: ExtendedFloat, _ mode: RoundingMode) -> (magnitude: UInt64, flags: X87Flags)? {
    switch a.floatClass {
    case .zero: return (0, [])
    case .normal, .denormal: break
    default: return nil
    }
    let number = a.unrounded
    if number.exponent > 63 { return nil }
    let distance = 63 - number.exponent
    var whole: UInt64 = 0
    var rest: UInt64 = 1
    if distance == 0 {
      (whole, rest) = (number.significand, 0)
    } else if distance < 64 {
      whole = number.significand >> UInt64(distance)
      rest = number.significand << UInt64(64 - distance)
    } else if distance == 64 {
      rest = number.significand
    }
    let rounded = RoundedSignificand(whole, extra: rest, precision: 64, mode: mode, isNegative: a.isNegative)
    if rounded.hasCarried { return nil }
    var flags: X87Flags = rounded.isInexact ? .precision : []
    if rounded.isRoundedUp { flags.insert(.c1) }
    return (rounded.significand, flags)
  }

  /// FRNDINT. A number from 2^63 on is an integer already.
  public static func roundToInteger(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    let operand = X87Operand(a)
    if let outcome = X87NaN.outcome(operand) { return outcome }
    return afterDenormal(operand, operand, control) {
      if operand.isZero || operand.isInfinity || a.biasedExponent >= 16383 + 63 { return X87Outcome(a) }
      guard let (magnitude, flags) = integer(a, control.rounding), magnitude != 0 else {
        return X87Outcome(.zero(negative: a.isNegative), .precision)
      }
      let leading = magnitude.leadingZeroBitCount
      return X87Outcome(
        ExtendedFloat(
          negative: a.isNegative, biased: 16383 + 63 - leading, significand: magnitude << UInt64(leading)),
        flags)
    }
  }
}

/// Eighteen decimal digits and a sign in ten bytes. SDM vol. 1, 4.7.
public struct PackedDecimal: Equatable, Sendable {
  /// Two digits a byte, the least significant first: bytes 0 to 7.
  public var low: UInt64
  /// Bytes 8 and 9: two digits, and the sign in the highest bit.
  public var high: UInt16

  public init(low: UInt64, high: UInt16) {
    self.low = low
    self.high = high
  }

  /// What FBSTP stores for a number that does not fit.
  static let indefinite = PackedDecimal(low: 0xc000_0000_0000_0000, high: 0xffff)
}

extension X87Portable {
  /// FBLD: exact. Digits above nine are undefined in the manual; here they count as their value, as processors do.
  public static func load(decimal: PackedDecimal) -> ExtendedFloat {
    var magnitude: UInt64 = 0
    for shift in stride(from: UInt64(4), through: 0, by: -4) {
      magnitude = magnitude &* 10 &+ UInt64(decimal.high) >> shift & 15
    }
    for shift in stride(from: UInt64(60), through: 0, by: -4) {
      magnitude = magnitude &* 10 &+ decimal.low >> shift & 15
    }
    let isNegative = decimal.high & 0x8000 != 0
    guard magnitude != 0 else { return .zero(negative: isNegative) }
    let leading = magnitude.leadingZeroBitCount
    return ExtendedFloat(
      negative: isNegative, biased: 16383 + 63 - leading, significand: magnitude << UInt64(leading))
  }

  /// FBSTP: the integer that the rounding control gives, if it has no more than 18 digits.
  public static func storeDecimal(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<PackedDecimal> {
    guard let (magnitude, flags) = integer(a, control.rounding), magnitude < 1_000_000_000_000_000_000 else {
      return X87Outcome(.indefinite, .invalid)
    }
    var digits = UInt128(0)
    var rest = magnitude
    for position in 0..<18 {
      digits |= UInt128(rest % 10) << UInt128(4 * position)
      rest /= 10
    }
    let high = UInt16(truncatingIfNeeded: digits >> 64) | (a.isNegative ? 0x8000 : 0)
    return X87Outcome(PackedDecimal(low: UInt64(truncatingIfNeeded: digits), high: high), flags)
  }
}
