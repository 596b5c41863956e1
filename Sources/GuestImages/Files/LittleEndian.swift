// Little-endian fields in byte collections: the formats here are the guest's, whatever the host is.

extension RandomAccessCollection where Element == UInt8, Index == Int {
  /// The 32-bit value at `offset` from the start, or nil if it isn't wholly inside.
  func doubleword(at offset: Int) -> UInt32? {
    guard offset >= 0, offset <= count - 4 else { return nil }
    let start = startIndex + offset
    return UInt32(self[start]) | UInt32(self[start + 1]) << 8 | UInt32(self[start + 2]) << 16
      | UInt32(self[start + 3]) << 24
  }
}

extension [UInt8] {
  /// Appends `value`, low byte first.
  mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Overwrites four bytes at `offset` with `value`, low byte first.
  mutating func replaceDoubleword(at offset: Int, with value: UInt32) {
    for byte in 0..<4 { self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(byte))) }
  }
}
