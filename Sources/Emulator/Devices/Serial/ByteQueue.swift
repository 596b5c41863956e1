/// Bytes that wait in a line.
struct ByteQueue: Sendable, Equatable {
  private var bytes: ArraySlice<UInt8> = []

  var isEmpty: Bool { bytes.isEmpty }

  mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// The one that came first.
  mutating func popFirst() -> UInt8? { bytes.popFirst() }
}

extension ByteQueue: Codable {
  init(from decoder: any Swift.Decoder) throws {
    bytes = try decoder.singleValueContainer().decode([UInt8].self)[...]
  }

  func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Array(bytes))
  }
}

extension ByteQueue: CustomReflectable {
  var customMirror: Mirror { Mirror(reflecting: Array(bytes)) }
}
