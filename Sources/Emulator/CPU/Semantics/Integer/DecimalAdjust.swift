import IA32

/// Decimal adjustments of AL and AX. SDM vol. 2, "DAA", "DAS", "AAA", "AAS", "AAM", "AAD".
///
/// Of the flags that the manual leaves undefined, OF stays after DAA, DAS, AAA and AAS as on P6 processors; SF, ZF
/// and PF after AAA and AAS are those of the new AL.
extension LazyFlags {
  /// DAA: AL after the addition of two packed decimal bytes.
  mutating func decimalAdjustAfterAddition(al: UInt8) -> UInt8 {
    let lowAdjust = al & 0xf > 9 || adjust
    let highAdjust = al > 0x99 || carry
    let adjusted = al &+ (lowAdjust ? 6 : 0) &+ (highAdjust ? 0x60 : 0)
    setDecimal(adjusted, carry: highAdjust, adjust: lowAdjust)
    return adjusted
  }

  /// DAS: AL after the subtraction of two packed decimal bytes.
  mutating func decimalAdjustAfterSubtraction(al: UInt8) -> UInt8 {
    let lowAdjust = al & 0xf > 9 || adjust
    let highAdjust = al > 0x99 || carry
    let adjusted = al &- (lowAdjust ? 6 : 0) &- (highAdjust ? 0x60 : 0)
    // Unlike DAA's carry, the low digit's borrow can be the only one.
    setDecimal(adjusted, carry: highAdjust || lowAdjust && al < 6, adjust: lowAdjust)
    return adjusted
  }

  /// AAA: AX after the addition of two unpacked decimal digits.
  ///
  /// The carry out of AL + 6 goes on into AH, as the manual's `AX + 106H` says for these processors.
  mutating func asciiAdjustAfterAddition(ax: UInt16) -> UInt16 {
    let adjusting = ax & 0xf > 9 || adjust
    let adjusted = (adjusting ? ax &+ 0x106 : ax) & 0xff0f
    setDecimal(UInt8(truncatingIfNeeded: adjusted), carry: adjusting, adjust: adjusting)
    return adjusted
  }

  /// AAS: AX after the subtraction of two unpacked decimal digits.
  ///
  /// The borrow out of AL - 6 goes on into AH, as the manual's `AX - 6` says.
  mutating func asciiAdjustAfterSubtraction(ax: UInt16) -> UInt16 {
    let adjusting = ax & 0xf > 9 || adjust
    let adjusted = (adjusting ? ax &- 0x106 : ax) & 0xff0f
    setDecimal(UInt8(truncatingIfNeeded: adjusted), carry: adjusting, adjust: adjusting)
    return adjusted
  }

  /// AAM: AX from AL split into digits of `base` (10 in the mnemonic without operand).
  ///
  /// CF, OF and AF, undefined in the manual, are cleared as on P6 processors.
  /// - Throws: #DE when the base is zero.
  mutating func asciiAdjustAfterMultiplication(al: UInt8, base: UInt8) throws(GuestFault) -> UInt16 {
    guard base != 0 else { throw GuestFault(.divideError) }
    let (tens, units) = al.quotientAndRemainder(dividingBy: base)
    setLogic(units)
    return UInt16(tens) << 8 | UInt16(units)
  }

  /// AAD: AX from the digits of `base` in AH and AL; AH becomes zero.
  ///
  /// CF, OF and AF, undefined in the manual, are those of the 8-bit addition as on P6 processors.
  mutating func asciiAdjustBeforeDivision(ax: UInt16, base: UInt8) -> UInt16 {
    let tens = UInt8(truncatingIfNeeded: ax >> 8) &* base
    return UInt16(add(UInt8(truncatingIfNeeded: ax), tens))
  }

  /// SF, ZF and PF from `al`; CF and AF given; OF kept.
  private mutating func setDecimal(_ al: UInt8, carry: Bool, adjust: Bool) {
    let overflow = overflow
    result = al.signExtended64
    carries = adjust ? 8 : 0
    replace(carry: carry, overflow: overflow)
  }
}
