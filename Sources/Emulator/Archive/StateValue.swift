/// A part of a machine's state as plain data, in a form that says of itself what it is: what snapshots in files are made of.
enum StateValue: Equatable, Sendable {
  /// A named part of a record.
  struct Field: Equatable, Sendable {
    var name: String
    var value: StateValue
  }

  case none
  case flag(Bool)
  case natural(UInt64)
  /// Below zero.
  case negative(Int64)
  case text(String)
  case bytes([UInt8])
  case numbers([UInt64])
  case list([StateValue])
  case record([Field])

  /// The field of that name; nil in anything but a record that has it.
  subscript(name: String) -> StateValue? {
    guard case .record(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }
}

/// Why bytes are no machine's state.
struct StateError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, to be read behind what it is wrong with.
  var description: String

  init(_ description: String) { self.description = description }
}

extension StateValue {
  private enum Tag {
    static let none: UInt8 = 0
    static let off: UInt8 = 1
    static let on: UInt8 = 2
    static let natural: UInt8 = 3
    static let negative: UInt8 = 4
    static let text: UInt8 = 5
    static let bytes: UInt8 = 6
    static let numbers: UInt8 = 7
    static let list: UInt8 = 8
    static let record: UInt8 = 9
  }

  /// Deeper than any state goes.
  private static let maxDepth = 40

  // MARK: Writing

  /// The value as bytes: a tag, then what it takes. Names of fields are written once and numbered.
  var encoded: [UInt8] {
    var bytes: [UInt8] = []
    var names: [String: UInt64] = [:]
    write(to: &bytes, &names)
    return bytes
  }

  private func write(to bytes: inout [UInt8], _ names: inout [String: UInt64]) {
    switch self {
    case .none: bytes.append(Tag.none)
    case .flag(let flag): bytes.append(flag ? Tag.on : Tag.off)
    case .natural(let number):
      bytes.append(Tag.natural)
      Self.put(number, to: &bytes)
    case .negative(let number):
      bytes.append(Tag.negative)
      Self.put(UInt64(bitPattern: ~number), to: &bytes)
    case .text(let text):
      bytes.append(Tag.text)
      Self.put(Array(text.utf8), to: &bytes)
    case .bytes(let contents):
      bytes.append(Tag.bytes)
      Self.put(contents, to: &bytes)
    case .numbers(let numbers):
      bytes.append(Tag.numbers)
      Self.put(UInt64(numbers.count), to: &bytes)
      for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
    case .list(let values):
      bytes.append(Tag.list)
      Self.put(UInt64(values.count), to: &bytes)
      for value in values { value.write(to: &bytes, &names) }
    case .record(let fields):
      bytes.append(Tag.record)
      Self.put(UInt64(fields.count), to: &bytes)
      for field in fields {
        if let number = names[field.name] {
          Self.put(number, to: &bytes)
        } else {
          Self.put(UInt64(names.count), to: &bytes)
          names[field.name] = UInt64(names.count)
          Self.put(Array(field.name.utf8), to: &bytes)
        }
        field.value.write(to: &bytes, &names)
      }
    }
  }

  private static func put(_ contents: [UInt8], to bytes: inout [UInt8]) {
    put(UInt64(contents.count), to: &bytes)
    bytes += contents
  }

  /// Seven bits a byte, the low ones first.
  private static func put(_ number: UInt64, to bytes: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  // MARK: Reading

  /// The value that `encoded` gave `bytes` of.
  ///
  /// - Throws: `StateError` for bytes that it never gives.
  init(decoding bytes: [UInt8]) throws(StateError) {
    var source = Source(bytes: bytes)
    self = try source.value(depth: 0)
    guard source.position == bytes.count else { throw StateError("goes on behind its end") }
  }

  private struct Source {
    let bytes: [UInt8]
    var position = 0
    var names: [String] = []

    mutating func value(depth: Int) throws(StateError) -> StateValue {
      guard depth < StateValue.maxDepth else { throw StateError("is nested too deeply") }
      switch try byte() {
      case Tag.none: return .none
      case Tag.off: return .flag(false)
      case Tag.on: return .flag(true)
      case Tag.natural: return .natural(try number())
      case Tag.negative:
        let number = ~Int64(bitPattern: try number())
        guard number < 0 else { throw StateError("has a number that no one writes") }
        return .negative(number)
      case Tag.text: return .text(String(decoding: try block(), as: UTF8.self))
      case Tag.bytes: return .bytes(Array(try block()))
      case Tag.numbers:
        let contents = try take(try count(of: 8) * 8)
        return contents.withUnsafeBytes { raw in
          .numbers(
            (0..<raw.count / 8).map {
              UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
            })
        }
      case Tag.list:
        var values: [StateValue] = []
        for _ in 0..<(try count(of: 1)) { values.append(try value(depth: depth + 1)) }
        return .list(values)
      case Tag.record:
        var fields: [Field] = []
        for _ in 0..<(try count(of: 2)) {
          fields.append(Field(name: try name(), value: try value(depth: depth + 1)))
        }
        return .record(fields)
      default: throw StateError("has a value of no known kind")
      }
    }

    private mutating func name() throws(StateError) -> String {
      let index = try number()
      if index == UInt64(names.count) {
        names.append(String(decoding: try block(), as: UTF8.self))
      }
      guard index < UInt64(names.count) else { throw StateError("names a field by an unknown number") }
      return names[Int(index)]
    }

    private mutating func block() throws(StateError) -> ArraySlice<UInt8> { try take(try count(of: 1)) }

    private mutating func take(_ count: Int) throws(StateError) -> ArraySlice<UInt8> {
      guard count <= bytes.count - position else { throw StateError("ends too early") }
      defer { position += count }
      return bytes[position..<position + count]
    }

    /// How many things of at least `size` bytes follow.
    private mutating func count(of size: Int) throws(StateError) -> Int {
      let count = try number()
      guard count <= UInt64((bytes.count - position) / size) else { throw StateError("ends too early") }
      return Int(count)
    }

    private mutating func byte() throws(StateError) -> UInt8 {
      guard position < bytes.count else { throw StateError("ends too early") }
      defer { position += 1 }
      return bytes[position]
    }

    private mutating func number() throws(StateError) -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 64, by: 7) {
        let byte = try byte()
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return value }
      }
      throw StateError("has a number without an end")
    }
  }
}
