/// The registers by which a command is given. ATA/ATAPI-6 (T13/1410D), 7: of those for addresses and counts, what was written before
/// the last write is kept for 48-bit commands (6.20).
struct ATATaskFile: Sendable, Equatable, Codable {
  var features: UInt8 = 0
  var count: UInt8 = 1
  var low: UInt8 = 1
  var middle: UInt8 = 0
  var high: UInt8 = 0
  var device: UInt8 = 0
  var previousCount: UInt8 = 0
  var previousLow: UInt8 = 0
  var previousMiddle: UInt8 = 0
  var previousHigh: UInt8 = 0

  mutating func writeCount(_ value: UInt8) { (previousCount, count) = (count, value) }
  mutating func writeLow(_ value: UInt8) { (previousLow, low) = (low, value) }
  mutating func writeMiddle(_ value: UInt8) { (previousMiddle, middle) = (middle, value) }
  mutating func writeHigh(_ value: UInt8) { (previousHigh, high) = (high, value) }

  /// Device 1 is selected, which is not there.
  var selectsSecond: Bool { device & 0x10 != 0 }

  /// How many sectors a command moves.
  func sectors(is48Bit: Bool) -> Int {
    guard is48Bit else { return count == 0 ? 256 : Int(count) }
    let wide = Int(previousCount) << 8 | Int(count)
    return wide == 0 ? 65536 : wide
  }

  /// The first sector; nil for a cylinder, head and sector that the geometry has not.
  func sector(is48Bit: Bool, _ geometry: ATAGeometry) -> UInt64? {
    let bytes = UInt64(high) << 16 | UInt64(middle) << 8 | UInt64(low)
    if is48Bit {
      return UInt64(previousHigh) << 40 | UInt64(previousMiddle) << 32 | UInt64(previousLow) << 24 | bytes
    }
    if device & 0x40 != 0 { return UInt64(device & 15) << 24 | bytes }
    return geometry.sector(
      cylinder: UInt64(high) << 8 | UInt64(middle), head: UInt64(device & 15), sector: UInt64(low))
  }
}

/// How sectors are addressed by cylinder, head and sector: a convention, since the disk has neither.
struct ATAGeometry: Sendable, Equatable, Codable {
  var heads: UInt64 = 16
  var sectors: UInt64 = 63

  func sector(cylinder: UInt64, head: UInt64, sector: UInt64) -> UInt64? {
    guard head < heads, sector >= 1, sector <= sectors else { return nil }
    return (cylinder * heads + head) * sectors + sector - 1
  }

  func cylinders(of count: UInt64) -> UInt64 { min(count / max(1, heads * sectors), 16383) }
}
