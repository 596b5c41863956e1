/// Multiplications. SDM vol. 2, "MUL" and "IMUL".
///
/// CF and OF say together that the product does not fit the low half. The manual leaves SF, ZF, AF and PF undefined;
/// P6 processors keep them.
extension LazyFlags {
  /// MUL: the unsigned product in two halves. CF and OF: the high half is not zero.
  @inline(__always)
  mutating func multiply<W: OperandWord>(_ a: W, _ b: W) -> (low: W, high: W) {
    let product = UInt64(truncatingIfNeeded: a) &* UInt64(truncatingIfNeeded: b)
    let high = W(truncatingIfNeeded: product &>> UInt64(W.bitWidth))
    replace(carry: high != 0, overflow: high != 0)
    return (W(truncatingIfNeeded: product), high)
  }

  /// IMUL with one operand: the signed product in two halves. CF and OF: the high half is more than the low half's
  /// sign.
  @inline(__always)
  mutating func multiplySigned<W: OperandWord>(_ a: W, _ b: W) -> (low: W, high: W) {
    let product = a.signExtended64 &* b.signExtended64
    let low = W(truncatingIfNeeded: product)
    let high = W(truncatingIfNeeded: product &>> UInt64(W.bitWidth))
    let overflow = high != low.signFill
    replace(carry: overflow, overflow: overflow)
    return (low, high)
  }

  /// IMUL with two or three operands: the low half of the signed product. CF and OF: it was truncated.
  @inline(__always)
  mutating func multiplyTruncating<W: OperandWord>(_ a: W, _ b: W) -> W { multiplySigned(a, b).low }
}

extension OperandWord {
  /// The sign in every bit: what CWD and CDQ put into DX and EDX.
  @inline(__always) var signFill: Self { Self(truncatingIfNeeded: signExtended64 &>> 32) }
}
