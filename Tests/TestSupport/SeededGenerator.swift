/// SplitMix64 (Steele, Lea and Flood 2014): the tests' random numbers, the same stream from the same seed on every host. The
/// seed belongs into every failure's message.
public struct SeededGenerator: RandomNumberGenerator {
  @usableFromInline var state: UInt64

  /// The stream of `seed`.
  @inlinable public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  @inlinable public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Any byte.
  @inlinable public mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
  /// Any 32 bits.
  @inlinable public mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
  /// True half of the time.
  @inlinable public mutating func flag() -> Bool { next() & 1 != 0 }
  /// True once in `count` times.
  @inlinable public mutating func oneIn(_ count: UInt64) -> Bool { next() % count == 0 }
  /// A number from 0 to `bound` - 1, in 32 bits.
  @inlinable public mutating func below(_ bound: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: next() % UInt64(bound))
  }
  /// A number from 0 to `bound` - 1, in 64 bits.
  @inlinable public mutating func number(below bound: UInt64) -> UInt64 { next() % bound }
}
