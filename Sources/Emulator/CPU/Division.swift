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
    let dividend = doubleWord(high: high, low: low)
    let (quotient, remainder) = dividend.quotientAndRemainder(
      dividingBy: W.Double(truncatingIfNeeded: divisor))
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
    let dividendSign = high.signFill
    let quotientSign = dividendSign ^ divisor.signFill
    let dividend = doubleWord(high: high, low: low)
    let (quotient, remainder) = (dividendSign == 0 ? dividend : 0 &- dividend)
      .quotientAndRemainder(
        dividingBy: W.Double(truncatingIfNeeded: divisor.signFill == 0 ? divisor : 0 &- divisor))
    // 2^(n-1) - 1 is the greatest quotient, -2^(n-1) the least.
    let limit = W.max &>> 1 &+ (quotientSign & 1)
    guard quotient <= W.Double(truncatingIfNeeded: limit) else { throw GuestFault(.divideError) }
    let magnitudes = (W(truncatingIfNeeded: quotient), W(truncatingIfNeeded: remainder))
    return (
      quotientSign == 0 ? magnitudes.0 : 0 &- magnitudes.0,
      dividendSign == 0 ? magnitudes.1 : 0 &- magnitudes.1
    )
  }

  @inline(__always)
  private static func doubleWord<W: OperandWord>(high: W, low: W) -> W.Double {
    W.Double(truncatingIfNeeded: high) &<< W.Double(truncatingIfNeeded: W.bitWidth)
      | W.Double(truncatingIfNeeded: low)
  }
}
