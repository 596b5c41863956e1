/// Makes a value again of the `StateValue` that it was encoded as.
struct StateDecoder: Decoder {
  private let value: StateValue
  /// Where in the whole state it stands, for messages.
  private let path: String
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  fileprivate init(_ value: StateValue, path: String) {
    self.value = value
    self.path = path
  }

  /// - Parameter path: what the value is, for messages.
  /// - Throws: `StateError` for a value that no `T` was encoded as.
  static func decode<T: Decodable>(_ type: T.Type, from value: StateValue, path: String) throws -> T {
    let decoder = StateDecoder(value, path: path)
    switch (type, value) {
    case (is [UInt8].Type, .bytes(let bytes)): return try decoder.cast(bytes)
    case (is [UInt64].Type, .numbers(let numbers)): return try decoder.cast(numbers)
    case (is [UInt32].Type, .numbers(let numbers)):
      return try decoder.cast(
        try numbers.map { number in
          guard let small = UInt32(exactly: number) else { throw decoder.mismatch("a list of doublewords") }
          return small
        })
    default: return try T(from: decoder)
    }
  }

  private func cast<T>(_ value: some Any) throws -> T {
    guard let value = value as? T else { throw mismatch("a \(T.self)") }
    return value
  }

  fileprivate func mismatch(_ expected: String) -> StateError { StateError("\(path) is not \(expected)") }

  fileprivate func number<N: FixedWidthInteger>(_: N.Type) throws -> N {
    let number: N? =
      switch value {
      case .natural(let number): N(exactly: number)
      case .negative(let number): N(exactly: number)
      default: nil
      }
    guard let number else { throw mismatch("a number that fits \(N.self)") }
    return number
  }

  fileprivate var flag: Bool {
    get throws {
      guard case .flag(let flag) = value else { throw mismatch("yes or no") }
      return flag
    }
  }

  fileprivate var text: String {
    get throws {
      guard case .text(let text) = value else { throw mismatch("a text") }
      return text
    }
  }

  fileprivate var isNone: Bool { value == .none }

  fileprivate var names: [String] {
    guard case .record(let fields) = value else { return [] }
    return fields.map(\.name)
  }

  fileprivate func field(_ name: String) throws -> StateDecoder {
    guard let field = value[name] else { throw StateError("\(path) has no \(name)") }
    return StateDecoder(field, path: "\(path).\(name)")
  }

  fileprivate func optionalField(_ name: String) -> StateDecoder? {
    value[name].map { StateDecoder($0, path: "\(path).\(name)") }
  }

  fileprivate var elements: [StateDecoder] {
    get throws {
      let values: [StateValue]
      switch value {
      case .list(let list): values = list
      case .numbers(let numbers): values = numbers.map { .natural($0) }
      case .bytes(let bytes): values = bytes.map { .natural(UInt64($0)) }
      default: throw mismatch("a list")
      }
      return values.enumerated().map { StateDecoder($0.element, path: "\(path)[\($0.offset)]") }
    }
  }

  fileprivate func decode<T: Decodable>(_ type: T.Type) throws -> T {
    try Self.decode(type, from: value, path: path)
  }

  // MARK: Decoder

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .record = value else { throw mismatch("a record") }
    return KeyedDecodingContainer(FieldReader<Key>(decoder: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { ElementReader(elements: try elements) }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleReader(decoder: self) }
}

private struct FieldReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: StateDecoder
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { decoder.names.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { decoder.optionalField(key.stringValue) != nil }

  private func field(_ key: Key) throws -> StateDecoder { try decoder.field(key.stringValue) }

  func decodeNil(forKey key: Key) throws -> Bool { try field(key).isNone }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try field(key).flag }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try field(key).text }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
    Double(bitPattern: try field(key).number(UInt64.self))
  }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
    Float(bitPattern: try field(key).number(UInt32.self))
  }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try field(key).number(type) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try field(key).number(type) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try field(key).number(type) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try field(key).number(type) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try field(key).number(type) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try field(key).number(type) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try field(key).number(type) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try field(key).number(type) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try field(key).number(type) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try field(key).number(type) }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try field(key).decode(type) }

  func nestedContainer<Nested>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { try field(key).container(keyedBy: type) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try field(key).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder { try decoder.field("super") }
  func superDecoder(forKey key: Key) throws -> any Decoder { try field(key) }
}

private struct ElementReader: UnkeyedDecodingContainer {
  let elements: [StateDecoder]
  private(set) var currentIndex = 0
  var codingPath: [any CodingKey] { [] }
  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex >= elements.count }

  init(elements: [StateDecoder]) { self.elements = elements }

  private mutating func next() throws -> StateDecoder {
    guard !isAtEnd else { throw StateError("a list is too short") }
    defer { currentIndex += 1 }
    return elements[currentIndex]
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, elements[currentIndex].isNone else { return false }
    currentIndex += 1
    return true
  }
  mutating func decode(_ type: Bool.Type) throws -> Bool { try next().flag }
  mutating func decode(_ type: String.Type) throws -> String { try next().text }
  mutating func decode(_ type: Double.Type) throws -> Double {
    Double(bitPattern: try next().number(UInt64.self))
  }
  mutating func decode(_ type: Float.Type) throws -> Float {
    Float(bitPattern: try next().number(UInt32.self))
  }
  mutating func decode(_ type: Int.Type) throws -> Int { try next().number(type) }
  mutating func decode(_ type: Int8.Type) throws -> Int8 { try next().number(type) }
  mutating func decode(_ type: Int16.Type) throws -> Int16 { try next().number(type) }
  mutating func decode(_ type: Int32.Type) throws -> Int32 { try next().number(type) }
  mutating func decode(_ type: Int64.Type) throws -> Int64 { try next().number(type) }
  mutating func decode(_ type: UInt.Type) throws -> UInt { try next().number(type) }
  mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next().number(type) }
  mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next().number(type) }
  mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next().number(type) }
  mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next().number(type) }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().decode(type) }

  mutating func nestedContainer<Nested>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> { try next().container(keyedBy: type) }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next().unkeyedContainer()
  }
  mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct SingleReader: SingleValueDecodingContainer {
  let decoder: StateDecoder
  var codingPath: [any CodingKey] { [] }

  func decodeNil() -> Bool { decoder.isNone }
  func decode(_ type: Bool.Type) throws -> Bool { try decoder.flag }
  func decode(_ type: String.Type) throws -> String { try decoder.text }
  func decode(_ type: Double.Type) throws -> Double { Double(bitPattern: try decoder.number(UInt64.self)) }
  func decode(_ type: Float.Type) throws -> Float { Float(bitPattern: try decoder.number(UInt32.self)) }
  func decode(_ type: Int.Type) throws -> Int { try decoder.number(type) }
  func decode(_ type: Int8.Type) throws -> Int8 { try decoder.number(type) }
  func decode(_ type: Int16.Type) throws -> Int16 { try decoder.number(type) }
  func decode(_ type: Int32.Type) throws -> Int32 { try decoder.number(type) }
  func decode(_ type: Int64.Type) throws -> Int64 { try decoder.number(type) }
  func decode(_ type: UInt.Type) throws -> UInt { try decoder.number(type) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try decoder.number(type) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try decoder.number(type) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try decoder.number(type) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try decoder.number(type) }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}
