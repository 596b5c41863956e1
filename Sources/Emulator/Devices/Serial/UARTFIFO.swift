/// A character in a receiver, with what went wrong while it arrived.
struct UARTCharacter: Sendable, Hashable, Codable {
  var value: UInt8
  /// The line status bits that go with it: parity, framing, break.
  var errors: UInt8 = 0
}

/// One of a 16550's two buffers: 16 characters, or one while the FIFOs are off.
struct UARTFIFO: Sendable, Hashable, Codable {
  private(set) var characters: [UARTCharacter] = []
  var capacity = 1

  var isEmpty: Bool { characters.isEmpty }
  var isFull: Bool { characters.count >= capacity }
  var count: Int { characters.count }
  /// The character that is read next.
  var first: UARTCharacter? { characters.first }

  mutating func append(_ character: UARTCharacter) {
    characters.append(character)
  }

  mutating func removeFirst() -> UARTCharacter? {
    characters.isEmpty ? nil : characters.removeFirst()
  }

  /// Puts a character in place of the newest.
  mutating func replaceLast(_ character: UARTCharacter) {
    if !characters.isEmpty { characters.removeLast() }
    characters.append(character)
  }

  /// Takes the next character's errors away, once they have been reported.
  mutating func clearFirstErrors() {
    if !characters.isEmpty { characters[0].errors = 0 }
  }

  /// Whether a character in the buffer arrived with an error.
  var hasErrors: Bool { characters.contains { $0.errors != 0 } }

  mutating func removeAll() {
    characters.removeAll(keepingCapacity: true)
  }
}
