import IA32

/// Packed integers, 64 bits at a time: what an MMX instruction does, and what its like for XMM registers does to each half.
/// SDM vol. 2B.
enum PackedLanes {
  /// Applies a function to pairs of lanes.
  @inline(__always)
  private static func map<Lane: FixedWidthInteger>(
    _ a: UInt64, _ b: UInt64, as _: Lane.Type, _ function: (Lane, Lane) -> Lane
  ) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      let value = function(Lane(truncatingIfNeeded: a &>> shift), Lane(truncatingIfNeeded: b &>> shift))
      result |= UInt64(truncatingIfNeeded: Lane.Magnitude(truncatingIfNeeded: value)) &<< shift
      shift &+= UInt64(Lane.bitWidth)
    }
    return result
  }

  /// Sums, differences, products, comparisons, extremes, averages, logic: what needs no lane but its own.
  static func combine(_ operation: PackedIntegerOperation, _ a: UInt64, _ b: UInt64) -> UInt64 {
    switch operation {
    case .paddb: map(a, b, as: UInt8.self, &+)
    case .paddw: map(a, b, as: UInt16.self, &+)
    case .paddd: map(a, b, as: UInt32.self, &+)
    case .paddq: a &+ b
    case .psubb: map(a, b, as: UInt8.self, &-)
    case .psubw: map(a, b, as: UInt16.self, &-)
    case .psubd: map(a, b, as: UInt32.self, &-)
    case .psubq: a &- b
    case .paddsb: map(a, b, as: Int8.self) { Int8(clamping: Int32($0) &+ Int32($1)) }
    case .paddsw: map(a, b, as: Int16.self) { Int16(clamping: Int32($0) &+ Int32($1)) }
    case .paddusb: map(a, b, as: UInt8.self) { UInt8(clamping: Int32($0) &+ Int32($1)) }
    case .paddusw: map(a, b, as: UInt16.self) { UInt16(clamping: Int32($0) &+ Int32($1)) }
    case .psubsb: map(a, b, as: Int8.self) { Int8(clamping: Int32($0) &- Int32($1)) }
    case .psubsw: map(a, b, as: Int16.self) { Int16(clamping: Int32($0) &- Int32($1)) }
    case .psubusb: map(a, b, as: UInt8.self) { UInt8(clamping: Int32($0) &- Int32($1)) }
    case .psubusw: map(a, b, as: UInt16.self) { UInt16(clamping: Int32($0) &- Int32($1)) }
    case .pmullw: map(a, b, as: UInt16.self, &*)
    case .pmulhw: map(a, b, as: Int16.self) { Int16(truncatingIfNeeded: (Int32($0) &* Int32($1)) &>> 16) }
    case .pmulhuw:
      map(a, b, as: UInt16.self) { UInt16(truncatingIfNeeded: (UInt32($0) &* UInt32($1)) &>> 16) }
    case .pmuludq: (a & 0xffff_ffff) &* (b & 0xffff_ffff)
    case .pmaddwd: map(a, b, as: UInt32.self, sumOfProducts)
    case .psadbw: sumOfDifferences(a, b)
    case .pavgb:
      map(a, b, as: UInt8.self) { UInt8(truncatingIfNeeded: (UInt32($0) &+ UInt32($1) &+ 1) &>> 1) }
    case .pavgw:
      map(a, b, as: UInt16.self) { UInt16(truncatingIfNeeded: (UInt32($0) &+ UInt32($1) &+ 1) &>> 1) }
    case .pmaxub: map(a, b, as: UInt8.self) { max($0, $1) }
    case .pmaxsw: map(a, b, as: Int16.self) { max($0, $1) }
    case .pminub: map(a, b, as: UInt8.self) { min($0, $1) }
    case .pminsw: map(a, b, as: Int16.self) { min($0, $1) }
    case .pcmpeqb: map(a, b, as: UInt8.self) { $0 == $1 ? .max : 0 }
    case .pcmpeqw: map(a, b, as: UInt16.self) { $0 == $1 ? .max : 0 }
    case .pcmpeqd: map(a, b, as: UInt32.self) { $0 == $1 ? .max : 0 }
    case .pcmpgtb: map(a, b, as: Int8.self) { $0 > $1 ? -1 : 0 }
    case .pcmpgtw: map(a, b, as: Int16.self) { $0 > $1 ? -1 : 0 }
    case .pcmpgtd: map(a, b, as: Int32.self) { $0 > $1 ? -1 : 0 }
    case .pand: a & b
    case .pandn: ~a & b
    case .por: a | b
    default: a ^ b
    }
  }

  /// Two signed products of words, and their sum, which overflows only where all four words are 8000h.
  private static func sumOfProducts(_ a: UInt32, _ b: UInt32) -> UInt32 {
    func word(_ value: UInt32) -> Int32 { Int32(Int16(truncatingIfNeeded: value)) }
    return UInt32(bitPattern: word(a) &* word(b) &+ word(a &>> 16) &* word(b &>> 16))
  }

  private static func sumOfDifferences(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var sum: UInt64 = 0
    for shift in stride(from: 0 as UInt64, to: 64, by: 8) {
      let (one, other) = (a >> shift & 0xff, b >> shift & 0xff)
      sum &+= one > other ? one &- other : other &- one
    }
    return sum
  }

  // MARK: Shifts

  /// A shift of every lane by the same number of bits: what is shifted out is lost, whatever the count.
  static func shift(_ operation: PackedIntegerOperation, _ a: UInt64, by count: UInt64) -> UInt64 {
    let count = Int(clamping: count)
    return switch operation {
    case .psllw: map(a, 0, as: UInt16.self) { value, _ in value << count }
    case .pslld: map(a, 0, as: UInt32.self) { value, _ in value << count }
    case .psllq: a << count
    case .psrlw: map(a, 0, as: UInt16.self) { value, _ in value >> count }
    case .psrld: map(a, 0, as: UInt32.self) { value, _ in value >> count }
    case .psrlq: a >> count
    case .psraw: map(a, 0, as: Int16.self) { value, _ in value >> count }
    default: map(a, 0, as: Int32.self) { value, _ in value >> count }
    }
  }

  // MARK: Packing and unpacking

  /// The lanes at half their width, saturated: 32 bits.
  static func pack(_ operation: PackedIntegerOperation, _ a: UInt64) -> UInt64 {
    switch operation {
    case .packsswb: narrow(a, from: Int16.self, to: Int8.self)
    case .packssdw: narrow(a, from: Int32.self, to: Int16.self)
    default: narrow(a, from: Int16.self, to: UInt8.self)
    }
  }

  private static func narrow<Wide: FixedWidthInteger, Narrow: FixedWidthInteger>(
    _ a: UInt64, from _: Wide.Type, to _: Narrow.Type
  ) -> UInt64 {
    var result: UInt64 = 0
    for lane in 0..<UInt64(64 / Wide.bitWidth) {
      let value = Narrow(clamping: Wide(truncatingIfNeeded: a >> (lane * UInt64(Wide.bitWidth))))
      result |=
        UInt64(truncatingIfNeeded: Narrow.Magnitude(truncatingIfNeeded: value))
        << (lane * UInt64(Narrow.bitWidth))
    }
    return result
  }

  /// Lanes of `bits` bits from the low halves of `a` and `b`, in turn.
  static func interleave(_ a: UInt64, _ b: UInt64, bits: UInt64) -> UInt64 {
    let mask: UInt64 = 1 << bits - 1
    var result: UInt64 = 0
    for lane in 0..<32 / bits {
      let pair = a >> (lane * bits) & mask | (b >> (lane * bits) & mask) << bits
      result |= pair << (lane * bits * 2)
    }
    return result
  }

  /// The four words of `a` in the order that four fields of two bits give.
  static func shuffleWords(_ a: UInt64, _ order: UInt32) -> UInt64 {
    var result: UInt64 = 0
    for lane in 0..<4 as Range<UInt64> {
      let source = UInt64(order >> UInt32(2 * lane) & 3)
      result |= (a >> (16 * source) & 0xffff) << (16 * lane)
    }
    return result
  }

  /// The highest bits of the eight bytes.
  static func signs(_ a: UInt64) -> UInt32 {
    (0..<8).reduce(0) { $0 | UInt32(truncatingIfNeeded: a >> UInt64(8 * $1 + 7) & 1) << UInt32($1) }
  }
}
