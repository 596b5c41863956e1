/// Bit scans, bit tests and BSWAP. SDM vol. 2.
///
/// The flags that the manual leaves undefined stay, as on P6 processors.
extension LazyFlags {
  // MARK: Scans

  /// BSF: the index of the lowest set bit. For a source of zero ZF is set and nothing comes back: the destination,
  /// undefined in the manual, keeps its value.
  @inline(__always)
  mutating func bitScanForward<W: OperandWord>(_ source: W) -> W? {
    replace(zero: source == 0)
    return source == 0 ? nil : W(truncatingIfNeeded: source.trailingZeroBitCount)
  }

  /// BSR: the index of the highest set bit. For a source of zero ZF is set and nothing comes back: the destination,
  /// undefined in the manual, keeps its value.
  @inline(__always)
  mutating func bitScanReverse<W: OperandWord>(_ source: W) -> W? {
    replace(zero: source == 0)
    return source == 0 ? nil : W(truncatingIfNeeded: W.bitWidth &- 1 &- source.leadingZeroBitCount)
  }

  // MARK: Tests

  // The index counts modulo the operand's width. The memory forms with a register index address the word that holds
  // the bit first: the index, signed and divided by the width, counts words from the operand.

  /// BT: CF becomes bit `index` of `a`.
  @inline(__always)
  mutating func bitTest<W: OperandWord>(_ a: W, at index: W) {
    replace(carry: a & 1 &<< index != 0)
  }

  /// BTS: CF becomes the bit, then the bit is set.
  @inline(__always)
  mutating func bitTestAndSet<W: OperandWord>(_ a: W, at index: W) -> W {
    bitTest(a, at: index)
    return a | 1 &<< index
  }

  /// BTR: CF becomes the bit, then the bit is cleared.
  @inline(__always)
  mutating func bitTestAndReset<W: OperandWord>(_ a: W, at index: W) -> W {
    bitTest(a, at: index)
    return a & ~(1 &<< index)
  }

  /// BTC: CF becomes the bit, then the bit is complemented.
  @inline(__always)
  mutating func bitTestAndComplement<W: OperandWord>(_ a: W, at index: W) -> W {
    bitTest(a, at: index)
    return a ^ 1 &<< index
  }

  // MARK: BSWAP

  /// BSWAP: the bytes in opposite order; no flags. For 16 bits the manual leaves the result undefined, and processors
  /// give zero: they swap the 32 bits of a zero-extended operand and keep the low half.
  @inline(__always)
  static func byteSwap<W: OperandWord>(_ a: W) -> W {
    W(truncatingIfNeeded: UInt32(truncatingIfNeeded: a).byteSwapped)
  }
}
