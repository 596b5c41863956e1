/// A format of SSE's elements, by the integer that holds its bits.
protocol SSEElement: FixedWidthInteger & UnsignedInteger & Sendable {
  static var format: FloatFormat { get }
  /// Bits of fraction, without the leading one.
  static var fractionBits: Self { get }
  /// The element of a rounded number.
  init(_ rounded: RoundedNumber)
}

extension UInt32: SSEElement {
  static var format: FloatFormat { .single }
  static var fractionBits: UInt32 { 23 }
  init(_ rounded: RoundedNumber) { self = rounded.single }
}

extension UInt64: SSEElement {
  static var format: FloatFormat { .double }
  static var fractionBits: UInt64 { 52 }
  init(_ rounded: RoundedNumber) { self = rounded.double }
}

extension SSEElement {
  private static var fractionMask: Self { (1 << fractionBits) - 1 }
  private static var signBit: Self { 1 << (Self(bitWidth) - 1) }
  private static var greatestExponent: Self { signBit >> fractionBits - 1 }

  var isNegative: Bool { self & Self.signBit != 0 }
  private var fraction: Self { self & Self.fractionMask }
  private var biased: Self { (self & ~Self.signBit) >> Self.fractionBits }

  static func zero(negative: Bool) -> Self { negative ? signBit : 0 }
  static func infinity(negative: Bool) -> Self { zero(negative: negative) | greatestExponent << fractionBits }
  /// The QNaN that a masked invalid operation gives. SDM vol. 1, table 4-3.
  static var indefinite: Self { signBit | greatestExponent << fractionBits | 1 << (fractionBits - 1) }
  /// The NaN with its quiet bit set.
  var quieted: Self { self | 1 << (Self.fractionBits - 1) }

  var floatClass: FloatClass {
    if biased == Self.greatestExponent {
      if fraction == 0 { return .infinity }
      return fraction >> (Self.fractionBits - 1) != 0 ? .quietNaN : .signalingNaN
    }
    if biased != 0 { return .normal }
    return fraction == 0 ? .zero : .denormal
  }

  /// The value of a finite number other than zero.
  var unrounded: Unrounded {
    let shift = UInt64(63 - Self.fractionBits)
    let bits = UInt64(fraction) << shift | (biased == 0 ? 0 : 1 << 63)
    let leading = bits.leadingZeroBitCount
    return Unrounded(
      isNegative: isNegative, exponent: Int(Swift.max(biased, 1)) - (1 - Self.format.leastExponent) - leading,
      significand: bits << UInt64(leading), extra: 0)
  }
}

/// An operand as MXCSR lets an instruction see it.
struct SSEOperand<Element: SSEElement> {
  let bits: Element
  let floatClass: FloatClass

  init(_ bits: Element, _ control: SSEControl) {
    let found = bits.floatClass
    if found == .denormal && control.denormalsAreZeros {
      self.bits = .zero(negative: bits.isNegative)
      floatClass = .zero
    } else {
      self.bits = bits
      floatClass = found
    }
  }

  var isNegative: Bool { bits.isNegative }
  var isZero: Bool { floatClass == .zero }
  var isInfinity: Bool { floatClass == .infinity }
  var isNaN: Bool { floatClass.isNaN }
  var denormalFlag: X87Flags { floatClass == .denormal ? .denormal : [] }
  var unrounded: Unrounded { bits.unrounded }
}

/// What an element becomes, and the exceptions that its operation found.
typealias SSEOutcome<Element> = (value: Element, flags: X87Flags)

extension SSEElement {
  /// Rounds a number to this format under MXCSR. C1 is not told.
  static func rounded(_ number: Unrounded, _ control: SSEControl) -> SSEOutcome<Self> {
    if control.flushesToZero {
      let rounded = RoundedSignificand(
        number.significand, extra: number.extra, precision: format.precision, mode: control.rounding,
        isNegative: number.isNegative)
      if number.exponent + (rounded.hasCarried ? 1 : 0) < format.leastExponent {
        return (.zero(negative: number.isNegative), [.underflow, .precision])
      }
    }
    let result = number.rounded(to: format, control.rounding, masks: control.masks)
    return (Self(result), result.flags.subtracting(.c1))
  }
}
