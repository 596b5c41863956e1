/// Just enough of protocol buffers to write messages: https://protobuf.dev/programming-guides/encoding
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  /// uint32, uint64, int64 of 0 and above, enum, bool.
  mutating func add(_ field: UInt64, varint value: UInt64) {
    put(field << 3)
    put(value)
  }

  mutating func add(_ field: UInt64, fixed64 value: UInt64) {
    put(field << 3 | 1)
    bytes.append(little: value)
  }

  mutating func add(_ field: UInt64, string: String) { add(field, bytes: Array(string.utf8)) }

  mutating func add(_ field: UInt64, message: ProtobufMessage) { add(field, bytes: message.bytes) }

  private mutating func add(_ field: UInt64, bytes content: [UInt8]) {
    put(field << 3 | 2)
    put(UInt64(content.count))
    bytes += content
  }

  private mutating func put(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}
