/// A number other than zero, exact enough to be rounded to any format of up to 64 bits in any mode.
///
/// Its value is 2^exponent times significand / 2^63, and a little more: `extra` holds the next 64 bits, of which the last
/// is set when anything at all follows.
struct Unrounded {
  var isNegative: Bool
  /// The leading bit's weight as a power of two.
  var exponent: Int
  /// Bit 63 is set.
  var significand: UInt64
  var extra: UInt64
}

/// Exact sums, products, quotients and roots. The operands' own `extra` must be 0.
extension Unrounded {
  /// a + b; nil when the sum is zero.
  static func sum(_ a: Unrounded, _ b: Unrounded) -> Unrounded? {
    let aIsLarger = a.exponent > b.exponent || (a.exponent == b.exponent && a.significand >= b.significand)
    let large = aIsLarger ? a : b
    let small = aIsLarger ? b : a
    // One bit of room above for the carry, 62 below; what falls out below stays as a sticky bit.
    let high = UInt128(large.significand) << 62
    var low = UInt128(small.significand) << 62
    let distance = large.exponent - small.exponent
    if distance > 126 {
      low = 1
    } else if distance > 0 {
      let kept = low >> UInt128(distance)
      low = kept << UInt128(distance) == low ? kept : kept | 1
    }
    let total = a.isNegative == b.isNegative ? high &+ low : high &- low
    if total == 0 { return nil }
    return Unrounded(isNegative: large.isNegative, topBitWeight: large.exponent + 2, bits: total)
  }

  static func product(_ a: Unrounded, _ b: Unrounded) -> Unrounded {
    Unrounded(
      isNegative: a.isNegative != b.isNegative, topBitWeight: a.exponent + b.exponent + 1,
      bits: UInt128(a.significand) &* UInt128(b.significand))
  }

  static func quotient(_ a: Unrounded, _ b: Unrounded) -> Unrounded {
    let divisor = b.significand
    let fits = a.significand < divisor
    // The high half is below the divisor, so that the quotient has 64 bits, and its leading bit is set.
    let (quotient, remainder) = divisor.dividingFullWidth(
      fits ? (a.significand, 0) : (a.significand >> 1, a.significand << 63))
    return Unrounded(
      isNegative: a.isNegative != b.isNegative, exponent: a.exponent - b.exponent - (fits ? 1 : 0),
      significand: quotient, extra: extraBits(remainder, of: divisor))
  }

  /// How a remainder compares with half the divisor, as the bits that follow the quotient.
  private static func extraBits(_ remainder: UInt64, of divisor: UInt64) -> UInt64 {
    if remainder == 0 { return 0 }
    let rest = divisor &- remainder
    if remainder == rest { return 1 << 63 }
    return remainder > rest ? 1 << 63 | 1 : 1
  }

  /// The square root of this positive number.
  var squareRoot: Unrounded {
    let isOdd = exponent & 1 != 0
    let radicand = UInt128(significand) << (isOdd ? 64 : 63)
    // Digit by digit: `root` squared never exceeds the radicand.
    var root: UInt128 = 0
    var remainder: UInt128 = 0
    for step in 0..<64 {
      remainder = remainder << 2 | (radicand >> UInt128(126 - 2 * step) & 3)
      let trial = root << 2 | 1
      root <<= 1
      if remainder >= trial {
        remainder &-= trial
        root |= 1
      }
    }
    // (root + 1/2)^2 = root^2 + root + 1/4, so the next bit is set when the remainder exceeds the root. Never a tie.
    let extra: UInt64 = remainder == 0 ? 0 : remainder > root ? 1 << 63 | 1 : 1
    return Unrounded(isNegative: false, exponent: exponent >> 1, significand: UInt64(root), extra: extra)
  }

  /// A number from 128 bits, not all of them zero, of which bit 127 weighs 2^topBitWeight.
  init(isNegative: Bool, topBitWeight: Int, bits: UInt128) {
    let leading = bits.leadingZeroBitCount
    let normalized = bits << UInt128(leading)
    self.init(
      isNegative: isNegative, exponent: topBitWeight - leading,
      significand: UInt64(truncatingIfNeeded: normalized >> 64), extra: UInt64(truncatingIfNeeded: normalized)
    )
  }

  /// The value of an integer other than zero.
  init(integer value: Int64) {
    let magnitude = value.magnitude
    let leading = magnitude.leadingZeroBitCount
    self.init(
      isNegative: value < 0, exponent: 63 - leading, significand: magnitude << UInt64(leading), extra: 0)
  }
}
