import IA32

/// Divisions. SDM vol. 2, "DIV" and "IDIV".
///
/// The manual leaves all six flags undefined; P6 processors keep them, so these functions know no flags.
extension LazyFlags {
  /// DIV: the dividend `high:low` by `divisor`.
  /// - Throws: #DE when the divisor is zero or the quotient has more than `W`'s bits.
  @inline(__always)
  static func divide<W: OperandWord>(
    high: W, low: W, by divisor: W
  ) throws(GuestFault) -> (quotient: W, remainder: W) {
    // The quotient fits exactly when the high half is below the divisor; no high half is below zero.
    guard high < divisor else { throw GuestFault(.divideError) }
    let (quotient, remainder) = dividend(high: high, low: low)
      .quotientAndRemainder(dividingBy: UInt64(truncatingIfNeeded: divisor))
    return (W(truncatingIfNeeded: quotient), W(truncatingIfNeeded: remainder))
  }

  /// IDIV: the dividend `high:low` by `divisor`, truncating toward zero; the remainder has the dividend's sign.
  /// - Throws: #DE when the divisor is zero or the quotient is outside `W`'s signed range, such as that of the most
  ///   negative dividend by -1.
  @inline(__always)
  static func divideSigned<W: OperandWord>(
    high: W, low: W, by divisor: W
  ) throws(GuestFault) -> (quotient: W, remainder: W) {
    guard divisor != 0 else { throw GuestFault(.divideError) }
    // Magnitudes are divided, since the host's own signed division traps where the guest's faults.
    let dividendSign = UInt64(bitPattern: Int64(bitPattern: high.signExtended64) &>> 63)
    let divisorSign = UInt64(bitPattern: Int64(bitPattern: divisor.signExtended64) &>> 63)
    let quotientSign = dividendSign ^ divisorSign
    let unused = UInt64(64 - 2 * W.bitWidth)
    let dividend = Int64(bitPattern: Self.dividend(high: high, low: low) &<< unused) &>> Int64(unused)
    let (quotient, remainder) = dividend.magnitude
      .quotientAndRemainder(dividingBy: Int64(bitPattern: divisor.signExtended64).magnitude)
    // 2^(n-1) - 1 is the greatest quotient, -2^(n-1) the least.
    let limit = UInt64(1) &<< UInt64(W.bitWidth - 1) &- (~quotientSign & 1)
    guard quotient <= limit else { throw GuestFault(.divideError) }
    // x ^ -1 - (-1) is -x.
    return (
      W(truncatingIfNeeded: quotient ^ quotientSign &- quotientSign),
      W(truncatingIfNeeded: remainder ^ dividendSign &- dividendSign)
    )
  }

  @inline(__always)
  private static func dividend<W: OperandWord>(high: W, low: W) -> UInt64 {
    UInt64(truncatingIfNeeded: high) &<< UInt64(W.bitWidth) | UInt64(truncatingIfNeeded: low)
  }
}
