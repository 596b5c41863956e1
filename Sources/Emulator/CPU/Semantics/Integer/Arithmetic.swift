/// Addition, subtraction, logic: the instructions that programs are made of, as functions from operands to result
/// and flags. SDM vol. 2.
extension LazyFlags {
  /// ADD.
  @inline(__always)
  mutating func add<W: OperandWord>(_ a: W, _ b: W) -> W {
    let sum = a &+ b
    set(sum, carries: a & b | (a | b) & ~sum)
    return sum
  }

  /// ADC: CF comes in.
  @inline(__always)
  mutating func addWithCarry<W: OperandWord>(_ a: W, _ b: W) -> W {
    let sum = a &+ b &+ W(truncatingIfNeeded: carryBit)
    set(sum, carries: a & b | (a | b) & ~sum)
    return sum
  }

  /// SUB and CMP.
  @inline(__always)
  mutating func subtract<W: OperandWord>(_ a: W, _ b: W) -> W {
    let difference = a &- b
    set(difference, carries: ~a & b | (~a | b) & difference)
    return difference
  }

  /// SBB: CF is the borrow that comes in.
  @inline(__always)
  mutating func subtractWithBorrow<W: OperandWord>(_ a: W, _ b: W) -> W {
    let difference = a &- b &- W(truncatingIfNeeded: carryBit)
    set(difference, carries: ~a & b | (~a | b) & difference)
    return difference
  }

  @inline(__always)
  mutating func and<W: OperandWord>(_ a: W, _ b: W) -> W {
    setLogic(a & b)
    return a & b
  }

  @inline(__always)
  mutating func or<W: OperandWord>(_ a: W, _ b: W) -> W {
    setLogic(a | b)
    return a | b
  }

  @inline(__always)
  mutating func exclusiveOr<W: OperandWord>(_ a: W, _ b: W) -> W {
    setLogic(a ^ b)
    return a ^ b
  }

  /// INC: like ADD 1, but CF stays.
  @inline(__always)
  mutating func increment<W: OperandWord>(_ a: W) -> W {
    let keptCarry = UInt32(bitPattern: Int32(bitPattern: carries) >> 31) & 0xc000_0000
    let sum = a &+ 1
    let topBit = W(1) << W(W.bitWidth - 1)
    result = sum.signExtended64
    carries = keptCarry ^ (sum == topBit ? 0x4000_0000 : 0) | (sum & 0xf == 0 ? 8 : 0)
    return sum
  }

  /// DEC: like SUB 1, but CF stays.
  @inline(__always)
  mutating func decrement<W: OperandWord>(_ a: W) -> W {
    let keptCarry = UInt32(bitPattern: Int32(bitPattern: carries) >> 31) & 0xc000_0000
    let difference = a &- 1
    let topBit = W(1) << W(W.bitWidth - 1)
    result = difference.signExtended64
    carries = keptCarry ^ (a == topBit ? 0x4000_0000 : 0) | (a & 0xf == 0 ? 8 : 0)
    return difference
  }

  /// NEG: 0 - a.
  @inline(__always)
  mutating func negate<W: OperandWord>(_ a: W) -> W { subtract(0, a) }
}
