/// SplitMix64: the tests' random numbers, the same stream from the same seed on every host. The seed belongs into every failure's
/// message.
public struct SeededGenerator: RandomNumberGenerator {
  @usableFromInline var state: UInt64

  @inlinable public init(seed: UInt64) { state = seed }

  @inlinable public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  @inlinable public mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
  @inlinable public mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
  @inlinable public mutating func flag() -> Bool { next() & 1 != 0 }
  @inlinable public mutating func below(_ bound: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: next() % UInt64(bound))
  }
}
