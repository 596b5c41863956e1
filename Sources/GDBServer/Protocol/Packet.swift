/// Packets as bytes on the wire. GDB manual, appendix E.1.
enum Packet {
  /// `payload` between `$` and its checksum, with the bytes escaped that would end or split it.
  static func framed(_ payload: [UInt8]) -> [UInt8] {
    var wire: [UInt8] = [UInt8(ascii: "$")]
    wire.reserveCapacity(payload.count + 8)
    var sum: UInt8 = 0
    func put(_ byte: UInt8) {
      wire.append(byte)
      sum &+= byte
    }
    for byte in payload {
      // `*` too: in an answer it would say that the byte before it repeats.
      if byte == UInt8(ascii: "$") || byte == UInt8(ascii: "#") || byte == UInt8(ascii: "}")
        || byte == UInt8(ascii: "*")
      {
        put(UInt8(ascii: "}"))
        put(byte ^ 0x20)
      } else {
        put(byte)
      }
    }
    wire.append(UInt8(ascii: "#"))
    HexText.append(sum, to: &wire)
    return wire
  }
}

/// Numbers and bytes in the protocol's hexadecimal.
enum HexText {
  /// The value of a hexadecimal digit in either case; nil for any other byte.
  static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Appends a byte as two digits.
  static func append(_ byte: UInt8, to text: inout [UInt8]) {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }

  /// Bytes as pairs of digits.
  static func encoded(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes { append(byte, to: &text) }
    return text
  }

  /// The bytes that pairs of digits stand for; nil where something else than pairs of digits is.
  static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    var high: UInt8?
    for character in text {
      guard let value = digit(character) else { return nil }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }

  /// The low `bytes` bytes of `value` in the target's order, the lowest first, as pairs of digits.
  static func littleEndian(_ value: UInt128, bytes: Int) -> [UInt8] {
    encoded((0..<bytes).map { UInt8(truncatingIfNeeded: value >> UInt128(8 * $0)) })
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
