/// Makes a `StateValue` of any value that can be encoded.
enum StateEncoder {
  /// - Throws: what the value's own encoding throws.
  static func encode(_ value: some Encodable) throws -> StateValue {
    let place = Place()
    try place.put(value)
    return place.value
  }
}

/// Where a value goes: filled once, by a container or a single value.
private final class Place {
  enum Contents {
    case value(StateValue)
    case list([Place])
    case record([(name: String, place: Place)])
  }

  var contents = Contents.value(.none)

  var value: StateValue {
    switch contents {
    case .value(let value): value
    case .list(let places): .list(places.map(\.value))
    case .record(let fields):
      .record(fields.map { StateValue.Field(name: $0.name, value: $0.place.value) })
    }
  }

  /// Lists of numbers go as one value.
  func put(_ value: some Encodable) throws {
    switch value {
    case let bytes as [UInt8]: contents = .value(.bytes(bytes))
    case let numbers as [UInt64]: contents = .value(.numbers(numbers))
    case let numbers as [UInt32]: contents = .value(.numbers(numbers.map(UInt64.init)))
    default: try value.encode(to: PlaceEncoder(place: self))
    }
  }

  func put(number: some FixedWidthInteger) {
    contents = .value(number < 0 ? .negative(Int64(number)) : .natural(UInt64(number)))
  }

  func addElement() -> Place {
    let place = Place()
    guard case .list(var places) = contents else {
      contents = .list([place])
      return place
    }
    // Taken out meanwhile, so that the list is not copied.
    contents = .value(.none)
    places.append(place)
    contents = .list(places)
    return place
  }

  func addField(_ name: String) -> Place {
    let place = Place()
    guard case .record(var fields) = contents else {
      contents = .record([(name, place)])
      return place
    }
    contents = .value(.none)
    fields.append((name, place))
    contents = .record(fields)
    return place
  }
}

private struct PlaceEncoder: Encoder {
  let place: Place
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .record = place.contents {} else { place.contents = .record([]) }
    return KeyedEncodingContainer(Fields<Key>(place: place))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .list = place.contents {} else { place.contents = .list([]) }
    return Elements(place: place)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { Single(place: place) }
}

private struct Fields<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let place: Place
  var codingPath: [any CodingKey] { [] }

  private func field(_ key: Key) -> Place { place.addField(key.stringValue) }
  private func encoder(_ key: String) -> PlaceEncoder { PlaceEncoder(place: place.addField(key)) }

  func encodeNil(forKey key: Key) { _ = field(key) }
  func encode(_ value: Bool, forKey key: Key) { field(key).contents = .value(.flag(value)) }
  func encode(_ value: String, forKey key: Key) { field(key).contents = .value(.text(value)) }
  func encode(_ value: Double, forKey key: Key) { field(key).put(number: value.bitPattern) }
  func encode(_ value: Float, forKey key: Key) { field(key).put(number: value.bitPattern) }
  func encode(_ value: Int, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: Int8, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: Int16, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: Int32, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: Int64, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: UInt, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: UInt8, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: UInt16, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: UInt32, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: UInt64, forKey key: Key) { field(key).put(number: value) }
  func encode(_ value: some Encodable, forKey key: Key) throws { try field(key).put(value) }

  func nestedContainer<Nested>(
    keyedBy keyType: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> { encoder(key.stringValue).container(keyedBy: keyType) }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder(key.stringValue).unkeyedContainer()
  }
  func superEncoder() -> any Encoder { encoder("super") }
  func superEncoder(forKey key: Key) -> any Encoder { encoder(key.stringValue) }
}

private struct Elements: UnkeyedEncodingContainer {
  let place: Place
  private(set) var count = 0
  var codingPath: [any CodingKey] { [] }

  private mutating func element() -> Place {
    count += 1
    return place.addElement()
  }

  mutating func encodeNil() { _ = element() }
  mutating func encode(_ value: Bool) { element().contents = .value(.flag(value)) }
  mutating func encode(_ value: String) { element().contents = .value(.text(value)) }
  mutating func encode(_ value: Double) { element().put(number: value.bitPattern) }
  mutating func encode(_ value: Float) { element().put(number: value.bitPattern) }
  mutating func encode(_ value: Int) { element().put(number: value) }
  mutating func encode(_ value: Int8) { element().put(number: value) }
  mutating func encode(_ value: Int16) { element().put(number: value) }
  mutating func encode(_ value: Int32) { element().put(number: value) }
  mutating func encode(_ value: Int64) { element().put(number: value) }
  mutating func encode(_ value: UInt) { element().put(number: value) }
  mutating func encode(_ value: UInt8) { element().put(number: value) }
  mutating func encode(_ value: UInt16) { element().put(number: value) }
  mutating func encode(_ value: UInt32) { element().put(number: value) }
  mutating func encode(_ value: UInt64) { element().put(number: value) }
  mutating func encode(_ value: some Encodable) throws { try element().put(value) }

  mutating func nestedContainer<Nested>(keyedBy keyType: Nested.Type) -> KeyedEncodingContainer<Nested> {
    PlaceEncoder(place: element()).container(keyedBy: keyType)
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    PlaceEncoder(place: element()).unkeyedContainer()
  }
  mutating func superEncoder() -> any Encoder { PlaceEncoder(place: element()) }
}

private struct Single: SingleValueEncodingContainer {
  let place: Place
  var codingPath: [any CodingKey] { [] }

  func encodeNil() { place.contents = .value(.none) }
  func encode(_ value: Bool) { place.contents = .value(.flag(value)) }
  func encode(_ value: String) { place.contents = .value(.text(value)) }
  func encode(_ value: Double) { place.put(number: value.bitPattern) }
  func encode(_ value: Float) { place.put(number: value.bitPattern) }
  func encode(_ value: Int) { place.put(number: value) }
  func encode(_ value: Int8) { place.put(number: value) }
  func encode(_ value: Int16) { place.put(number: value) }
  func encode(_ value: Int32) { place.put(number: value) }
  func encode(_ value: Int64) { place.put(number: value) }
  func encode(_ value: UInt) { place.put(number: value) }
  func encode(_ value: UInt8) { place.put(number: value) }
  func encode(_ value: UInt16) { place.put(number: value) }
  func encode(_ value: UInt32) { place.put(number: value) }
  func encode(_ value: UInt64) { place.put(number: value) }
  func encode(_ value: some Encodable) throws { try place.put(value) }
}
