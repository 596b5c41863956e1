import IA32

/// The six arithmetic flags, kept as the last result and its vector of carries and computed only when read.
///
/// `result` is the result sign-extended to 64 bits: ZF is "its low half is zero", SF its top bit, PF the parity of its
/// low byte. `carries` holds, bit for bit, the carry (or borrow) out of each position: CF is bit 31, OF is bits 31
/// and 30 differing, AF is bit 3. Results of 8 and 16 bits are sign-extended, and their carries shifted up with AF
/// left in place. Two stores write it; no flag costs a branch.
///
/// For combinations that no result gives (POPF can set ZF and SF together) byte 4 of `result` may differ from byte 7:
/// it flips PF, which is the parity of bytes 0, 4 and 7 together.
struct LazyFlags: Equatable, Codable {
  var result: UInt64 = 1
  var carries: UInt32 = 0

  init() {}

  /// The flags of EFLAGS image `value`.
  init(arithmeticFlags value: UInt32) {
    let flags = EFLAGS(rawValue: value)
    result = flags.contains(.zero) ? 0 : 1
    if flags.contains(.sign) { result |= 1 << 63 }
    // One bit in byte 4 flips the parity; bit 63 has flipped it once, a low byte of 1 once.
    if parity != flags.contains(.parity) { result ^= 1 << 32 }
    let carry: UInt32 = flags.contains(.carry) ? 0xc000_0000 : 0
    carries = carry ^ (flags.contains(.overflow) ? 0x4000_0000 : 0) | (flags.contains(.adjust) ? 8 : 0)
  }

  @inline(__always) var carry: Bool { Int32(bitPattern: carries) < 0 }
  @inline(__always) var carryBit: UInt32 { carries >> 31 }
  @inline(__always) var zero: Bool { UInt32(truncatingIfNeeded: result) == 0 }
  @inline(__always) var sign: Bool { Int64(bitPattern: result) < 0 }
  @inline(__always) var overflow: Bool { Int32(bitPattern: carries ^ carries << 1) < 0 }
  @inline(__always) var adjust: Bool { carries & 8 != 0 }
  @inline(__always) var parity: Bool {
    ((result ^ result >> 32 ^ result >> 56) & 0xff).nonzeroBitCount & 1 == 0
  }

  /// The six flags in their places in EFLAGS.
  var arithmeticFlags: UInt32 {
    var value: UInt32 = carryBit
    if parity { value |= EFLAGS.parity.rawValue }
    if adjust { value |= EFLAGS.adjust.rawValue }
    if zero { value |= EFLAGS.zero.rawValue }
    if sign { value |= EFLAGS.sign.rawValue }
    if overflow { value |= EFLAGS.overflow.rawValue }
    return value
  }

  /// The condition `tttn` of Jcc, SETcc and CMOVcc. SDM vol. 2D, table B-10.
  @inline(__always)
  func condition(_ tttn: UInt8) -> Bool {
    let holds: Bool =
      switch tttn >> 1 & 7 {
      case 0: overflow
      case 1: carry
      case 2: zero
      case 3: carry || zero
      case 4: sign
      case 5: parity
      case 6: sign != overflow
      default: zero || sign != overflow
      }
    return holds != (tttn & 1 != 0)
  }

  // MARK: What the arithmetic instructions store

  /// A result of `W`'s width with a vector of carries of that width.
  @inline(__always)
  mutating func set<W: OperandWord>(_ value: W, carries vector: W) {
    result = value.signExtended64
    carries = vector.carryVector
  }

  /// AND, OR, XOR, TEST: CF and OF are cleared; AF is undefined and cleared here.
  @inline(__always)
  mutating func setLogic<W: OperandWord>(_ value: W) {
    result = value.signExtended64
    carries = 0
  }

  /// A shift's result: SF, ZF and PF from `value`; CF and OF given as 0 or 1, OF taken for a count of 1 only.
  ///
  /// What the manual leaves undefined stays as on P6 processors, which keep AF, and OF for counts above 1
  /// (sandpile.org, "undefined integer FLAGS behavior").
  @inline(__always)
  mutating func setShifted<W: OperandWord>(_ value: W, carry: UInt32, overflow: UInt32, count: UInt32) {
    result = value.signExtended64
    setRotated(carry: carry, overflow: overflow, count: count)
  }

  /// A rotate's flags: CF and OF given as 0 or 1, OF taken for a count of 1 only; the others kept.
  ///
  /// For counts above 1 the manual leaves OF undefined; P6 processors keep it.
  @inline(__always)
  mutating func setRotated(carry: UInt32, overflow: UInt32, count: UInt32) {
    let overflowBit = count == 1 ? overflow << 30 : (carries ^ carries >> 1) & 0x4000_0000
    carries = carries & 8 | (carry << 31 | carry << 30) ^ overflowBit
  }

  /// CF and OF replaced, the others kept: multiplications.
  @inline(__always)
  mutating func replace(carry: Bool, overflow: Bool) {
    carries = carries & 8 | (carry ? 0xc000_0000 : 0) ^ (overflow ? 0x4000_0000 : 0)
  }

  /// CF replaced, the others kept: CMC, STC, CLC, the BT family.
  @inline(__always)
  mutating func replace(carry: Bool) { replace(carry: carry, overflow: overflow) }

  /// ZF replaced, the others kept: ARPL, LAR, LSL, VERR, CMPXCHG8B, BSF.
  @inline(__always)
  mutating func replace(zero: Bool) {
    let odd: UInt64 = parity ? 0 : 1
    let signBit = result & 1 << 63
    let low: UInt64 = zero ? 0 : 1
    // Byte 0 is `low`, byte 7 the sign: byte 4 makes the parity of the three what it was.
    result = signBit | (odd ^ signBit >> 63 ^ low) << 32 | low
  }
}

/// An operand of 8, 16 or 32 bits.
protocol OperandWord: FixedWidthInteger, UnsignedInteger, Sendable {
  associatedtype Signed: FixedWidthInteger & SignedInteger
  /// The value as `LazyFlags.result` wants it.
  var signExtended64: UInt64 { get }
  /// A vector of carries of this width as `LazyFlags.carries` wants it.
  var carryVector: UInt32 { get }
}

extension UInt8: OperandWord {
  typealias Signed = Int8
  @inline(__always) var signExtended64: UInt64 { UInt64(bitPattern: Int64(Int8(bitPattern: self))) }
  @inline(__always) var carryVector: UInt32 { UInt32(self) << 24 | UInt32(self) & 8 }
}

extension UInt16: OperandWord {
  typealias Signed = Int16
  @inline(__always) var signExtended64: UInt64 { UInt64(bitPattern: Int64(Int16(bitPattern: self))) }
  @inline(__always) var carryVector: UInt32 { UInt32(self) << 16 | UInt32(self) & 8 }
}

extension UInt32: OperandWord {
  typealias Signed = Int32
  @inline(__always) var signExtended64: UInt64 { UInt64(bitPattern: Int64(Int32(bitPattern: self))) }
  @inline(__always) var carryVector: UInt32 { self }
}
