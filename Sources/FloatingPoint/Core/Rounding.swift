/// A binary format that results are rounded to.
struct FloatFormat {
  /// Bits of significand, the leading one included.
  var precision: Int
  /// The least and the greatest exponent of a normal number, without bias.
  var leastExponent: Int
  var greatestExponent: Int
  /// What is added to or taken from the exponent of a result whose underflow or overflow is not masked.
  var biasAdjustment: Int

  static let single = FloatFormat(
    precision: 24, leastExponent: -126, greatestExponent: 127, biasAdjustment: 192)
  static let double = FloatFormat(
    precision: 53, leastExponent: -1022, greatestExponent: 1023, biasAdjustment: 1536)
  /// The 80-bit format with a significand as long as the precision control says: the exponent stays 15 bits wide.
  static func extended(_ precision: Int) -> FloatFormat {
    FloatFormat(precision: precision, leastExponent: -16382, greatestExponent: 16383, biasAdjustment: 24576)
  }
}

/// A number that was rounded to a format.
struct RoundedNumber {
  var isNegative: Bool
  /// For a denormal, the format's least exponent.
  var exponent: Int
  /// As in `Unrounded`: bit 63 is clear in a denormal, and in zero.
  var significand: UInt64
  var isInfinity = false
  var flags: X87Flags
}

/// What becomes of a significand that is cut to fewer bits.
struct RoundedSignificand {
  var significand: UInt64
  /// The increment went out above: the significand is 1.0 and the exponent one more.
  var hasCarried: Bool
  var isInexact: Bool
  /// The magnitude grew.
  var isRoundedUp: Bool

  @inline(__always)
  init(_ bits: UInt64, extra: UInt64, precision: Int, mode: RoundingMode, isNegative: Bool) {
    let unit: UInt64 = 1 << UInt64(64 - precision)
    let kept = bits & ~(unit &- 1)
    // The dropped bits, moved to the top, and one sticky bit.
    let dropped: UInt64 = precision == 64 ? extra : bits << UInt64(precision) | (extra != 0 ? 1 : 0)
    isInexact = dropped != 0
    isRoundedUp =
      switch mode {
      case .nearestEven: dropped > 1 << 63 || (dropped == 1 << 63 && bits & unit != 0)
      case .down: isInexact && isNegative
      case .up: isInexact && !isNegative
      case .towardZero: false
      }
    if isRoundedUp {
      (significand, hasCarried) = kept.addingReportingOverflow(unit)
      if hasCarried { significand = 1 << 63 }
    } else {
      significand = kept
      hasCarried = false
    }
  }
}

extension Unrounded {
  /// Rounds to a format, with the answers to overflow and underflow that the masks ask for. Tininess is detected after
  /// rounding. SDM vol. 1, 4.9.1.4 to 4.9.1.6.
  func rounded(to format: FloatFormat, _ mode: RoundingMode, masks: X87Flags) -> RoundedNumber {
    let rounded = RoundedSignificand(
      significand, extra: extra, precision: format.precision, mode: mode, isNegative: isNegative)
    let newExponent = exponent + (rounded.hasCarried ? 1 : 0)
    var result = RoundedNumber(
      isNegative: isNegative, exponent: newExponent, significand: rounded.significand,
      flags: rounded.isInexact ? .precision : [])
    if rounded.isRoundedUp { result.flags.insert(.c1) }
    if newExponent > format.greatestExponent {
      overflow(&result, format, mode, masks)
    } else if newExponent < format.leastExponent {
      underflow(&result, format, mode, masks)
    } else if exponent < format.leastExponent {
      // Not tiny, because rounding carried it to the least normal number; as a denormal it rounds there, too, but whether
      // that is inexact and upwards is decided by the bits of the denormal.
      denormalize(&result, format, mode)
      result.flags.remove(.underflow)
    }
    return result
  }

  private func overflow(
    _ result: inout RoundedNumber, _ format: FloatFormat, _ mode: RoundingMode, _ masks: X87Flags
  ) {
    result.flags.insert(.overflow)
    guard masks.contains(.overflow) else {
      result.exponent -= format.biasAdjustment
      // Only FSCALE and conversions to narrower formats get this far.
      if result.exponent > format.greatestExponent { result.isInfinity = true }
      return
    }
    let goesToInfinity =
      switch mode {
      case .nearestEven: true
      case .down: isNegative
      case .up: !isNegative
      case .towardZero: false
      }
    result.flags = goesToInfinity ? [.overflow, .precision, .c1] : [.overflow, .precision]
    if goesToInfinity {
      result.isInfinity = true
    } else {
      result.exponent = format.greatestExponent
      result.significand = ~0 << UInt64(64 - format.precision)
    }
  }

  private func underflow(
    _ result: inout RoundedNumber, _ format: FloatFormat, _ mode: RoundingMode, _ masks: X87Flags
  ) {
    guard masks.contains(.underflow) else {
      result.flags.insert(.underflow)
      result.exponent += format.biasAdjustment
      if result.exponent < format.leastExponent {
        result.exponent = format.leastExponent
        result.significand = 0
      }
      return
    }
    denormalize(&result, format, mode)
  }

  /// Shifts to the least exponent and rounds there; an inexact result has underflowed.
  private func denormalize(_ result: inout RoundedNumber, _ format: FloatFormat, _ mode: RoundingMode) {
    let distance = format.leastExponent - exponent
    let bits = UInt128(significand) << 64 | UInt128(extra)
    var shifted: UInt128 = 1
    if distance < 128 {
      shifted = bits >> UInt128(distance)
      if shifted << UInt128(distance) != bits { shifted |= 1 }
    }
    let rounded = RoundedSignificand(
      UInt64(truncatingIfNeeded: shifted >> 64), extra: UInt64(truncatingIfNeeded: shifted),
      precision: format.precision, mode: mode, isNegative: isNegative)
    result.exponent = format.leastExponent
    result.significand = rounded.significand
    result.flags = rounded.isInexact ? [.underflow, .precision] : []
    if rounded.isRoundedUp { result.flags.insert(.c1) }
  }
}

extension RoundedNumber {
  /// The bits in the 80-bit format.
  var extended: ExtendedFloat {
    if isInfinity { return .infinity(negative: isNegative) }
    let biased = significand >> 63 != 0 ? exponent + 16383 : 0
    return ExtendedFloat(negative: isNegative, biased: biased, significand: significand)
  }

  /// The bits in the 64-bit format.
  var double: UInt64 {
    let sign: UInt64 = isNegative ? 1 << 63 : 0
    if isInfinity { return sign | 0x7ff << 52 }
    let biased = significand >> 63 != 0 ? UInt64(truncatingIfNeeded: exponent + 1023) : 0
    return sign | biased << 52 | (significand >> 11 & ((1 << 52) - 1))
  }

  /// The bits in the 32-bit format.
  var single: UInt32 {
    let sign: UInt32 = isNegative ? 1 << 31 : 0
    if isInfinity { return sign | 0xff << 23 }
    let biased = significand >> 63 != 0 ? UInt32(truncatingIfNeeded: exponent + 127) : 0
    return sign | biased << 23 | (UInt32(truncatingIfNeeded: significand >> 40) & ((1 << 23) - 1))
  }
}
