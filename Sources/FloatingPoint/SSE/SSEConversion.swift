/// Conversions between the formats and to and from integers of 32 bits. SDM vol. 1, 11.4.1.6, 11.4.4.
extension SSEPortable {
  /// CVTSI2SS and one element of CVTDQ2PS or CVTPI2PS.
  public static func single(from value: Int32, _ control: SSEControl) -> (value: UInt32, flags: X87Flags) {
    value == 0 ? (0, []) : UInt32.rounded(Unrounded(integer: Int64(value)), control)
  }

  /// CVTSI2SD and one element of CVTDQ2PD or CVTPI2PD: exact.
  public static func double(from value: Int32) -> UInt64 {
    value == 0 ? 0 : UInt64.rounded(Unrounded(integer: Int64(value)), .initial).value
  }

  /// CVTSS2SD and one element of CVTPS2PD: exact.
  public static func double(fromSingle bits: UInt32, _ control: SSEControl) -> (
    value: UInt64, flags: X87Flags
  ) {
    let operand = SSEOperand(bits, control)
    let sign = UInt64(bits >> 31) << 63
    switch operand.floatClass {
    case .zero: return (sign, [])
    case .infinity: return (.infinity(negative: bits.isNegative), [])
    case .quietNaN, .signalingNaN, .unsupported:
      let fraction = UInt64(bits & 0x7f_ffff) << 29
      return (sign | 0x7ff8 << 48 | fraction, operand.floatClass == .signalingNaN ? .invalid : [])
    case .normal, .denormal:
      return (UInt64.rounded(operand.unrounded, .initial).value, operand.denormalFlag)
    }
  }

  /// CVTSD2SS and one element of CVTPD2PS.
  public static func single(fromDouble bits: UInt64, _ control: SSEControl) -> (
    value: UInt32, flags: X87Flags
  ) {
    let operand = SSEOperand(bits, control)
    let sign = UInt32(truncatingIfNeeded: bits >> 63) << 31
    switch operand.floatClass {
    case .zero: return (sign, [])
    case .infinity: return (.infinity(negative: bits.isNegative), [])
    case .quietNaN, .signalingNaN, .unsupported:
      let fraction = UInt32(truncatingIfNeeded: bits >> 29) & 0x7f_ffff
      return (sign | 0x7fc0_0000 | fraction, operand.floatClass == .signalingNaN ? .invalid : [])
    case .normal, .denormal:
      let outcome = UInt32.rounded(operand.unrounded, control)
      return (outcome.value, outcome.flags.union(operand.denormalFlag))
    }
  }

  /// CVTSS2SI, CVTTSS2SI and one element of CVTPS2DQ, CVTTPS2DQ, CVTPS2PI and CVTTPS2PI. What does not fit becomes the
  /// integer indefinite, 80000000h.
  /// - Parameter truncates: the forms with TT: toward zero, whatever MXCSR says.
  public static func integer(
    fromSingle bits: UInt32, truncates: Bool, _ control: SSEControl
  ) -> (value: Int32, flags: X87Flags) {
    integer(SSEOperand(bits, control), truncates, control)
  }

  /// CVTSD2SI and its kin.
  public static func integer(
    fromDouble bits: UInt64, truncates: Bool, _ control: SSEControl
  ) -> (value: Int32, flags: X87Flags) {
    integer(SSEOperand(bits, control), truncates, control)
  }

  private static func integer<Element: SSEElement>(
    _ operand: SSEOperand<Element>, _ truncates: Bool, _ control: SSEControl
  ) -> (value: Int32, flags: X87Flags) {
    switch operand.floatClass {
    case .zero: return (0, [])
    case .normal, .denormal: break
    default: return (.min, .invalid)
    }
    let number = operand.unrounded
    let value = ExtendedFloat(
      negative: number.isNegative, biased: number.exponent + 16383, significand: number.significand)
    guard let (magnitude, flags) = X87Portable.integer(value, truncates ? .towardZero : control.rounding),
      let result = Int32(
        exactly: number.isNegative ? -Int64(magnitude & 0xffff_ffff) : Int64(magnitude & 0xffff_ffff)),
      magnitude <= 0xffff_ffff
    else { return (.min, .invalid) }
    return (result, flags.subtracting(.c1))
  }
}
