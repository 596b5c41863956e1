/// MXCSR: control and status of SSE and SSE2. SDM vol. 1, 10.2.3.
public struct SSEControl: RawRepresentable, Equatable, Sendable {
  public var rawValue: UInt32

  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// After a reset: everything masked, nearest, no flag set.
  public static let initial = SSEControl(rawValue: 0x1f80)

  /// The six flags, in the same places as the x87's.
  public var flags: X87Flags { X87Flags(rawValue: UInt16(truncatingIfNeeded: rawValue & 0x3f)) }
  /// The masks, in the places of the flags that they mask.
  public var masks: X87Flags { X87Flags(rawValue: UInt16(truncatingIfNeeded: rawValue >> 7 & 0x3f)) }
  /// RC, bits 14 and 13.
  public var rounding: RoundingMode { RoundingMode(rawValue: UInt8(truncatingIfNeeded: rawValue >> 13 & 3))! }
  /// DAZ: denormal operands count as zeros of their sign, and nothing is told of them.
  public var denormalsAreZeros: Bool { rawValue & 1 << 6 != 0 }
  /// FZ: tiny results become zeros while underflow is masked.
  public var flushesToZero: Bool { rawValue & 1 << 15 != 0 && masks.contains(.underflow) }

  /// Which of these exceptions are not masked: then nothing is written, and #XM or #UD follows.
  public func unmasked(_ flags: X87Flags) -> X87Flags { flags.subtracting(masks).intersection(.exceptions) }
}

/// The 128 bits of an XMM register.
public struct XMMValue: Hashable, Sendable {
  /// Bits 0-63.
  public var low: UInt64
  /// Bits 64-127.
  public var high: UInt64

  /// A value from its two halves.
  @inlinable
  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// All bits clear.
  public static let zero = XMMValue(low: 0, high: 0)

  /// The four elements of 32 bits, 0 the lowest.
  public subscript(single index: Int) -> UInt32 {
    get { UInt32(truncatingIfNeeded: (index < 2 ? low : high) >> UInt64(32 * (index & 1))) }
    set {
      let shift = UInt64(32 * (index & 1))
      let mask: UInt64 = 0xffff_ffff << shift
      if index < 2 {
        low = low & ~mask | UInt64(newValue) << shift
      } else {
        high = high & ~mask | UInt64(newValue) << shift
      }
    }
  }

  /// The two elements of 64 bits.
  public subscript(double index: Int) -> UInt64 {
    get { index == 0 ? low : high }
    set { if index == 0 { low = newValue } else { high = newValue } }
  }
}
