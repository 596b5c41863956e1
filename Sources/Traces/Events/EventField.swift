import IA32

/// What a field of an event is called, what it means, and how it is written.
public struct EventField: Sendable {
  /// How the number is written.
  public enum Form: Sendable {
    case decimal
    /// Hexadecimal with at least this many digits.
    case hexadecimal(Int)
    /// One word for each value from 0 on.
    case word([String])
    /// One letter for each bit from the lowest on, or "-".
    case flags(String)
    /// A character between quotes if it is a printable one, or else two hexadecimal digits.
    case character
  }

  /// What the number stands for: much of it moves when a guest is built anew.
  public enum Meaning: Sendable {
    /// A number that is the same in every build.
    case other
    /// A linear address.
    case linear
    /// The first linear address of a page.
    case linearPage
    /// A physical address in memory.
    case physical
    /// A paging-structure entry: its frame is a physical address.
    case entry
    /// A value of CR3: the table's physical address and two flags.
    case cr3
    /// A device's physical address, or its port.
    case device
    /// Where in a TLB array: it follows from the address of the page, and of those that compete with it.
    case slot
  }

  /// As traces spell it.
  public let name: String
  /// How its value is written.
  public let form: Form
  /// What its value stands for.
  public let meaning: Meaning
  /// Whether an event of the kind may come without it.
  public let isOptional: Bool

  init(_ name: String, _ form: Form, _ meaning: Meaning = .other, isOptional: Bool = false) {
    self.name = name
    self.form = form
    self.meaning = meaning
    self.isOptional = isOptional
  }

  static func linear(_ name: String, _ meaning: Meaning = .linear, isOptional: Bool = false) -> EventField {
    EventField(name, .hexadecimal(8), meaning, isOptional: isOptional)
  }
  static func physical(_ name: String, isOptional: Bool = false) -> EventField {
    EventField(name, .hexadecimal(9), .physical, isOptional: isOptional)
  }
  static func entry(_ name: String, isOptional: Bool = false) -> EventField {
    EventField(name, .hexadecimal(16), .entry, isOptional: isOptional)
  }
}

extension EventField {
  /// `value` as text.
  public func text(_ value: UInt64) -> String {
    switch form {
    case .decimal: String(value)
    case .hexadecimal(let digits): hexadecimal(value, digits: digits)
    case .word(let words): value < UInt64(words.count) ? words[Int(value)] : String(value)
    case .flags(let letters):
      String(letters.enumerated().map { value >> UInt64($0.offset) & 1 != 0 ? $0.element : "-" })
    case .character:
      (0x21...0x7e).contains(value)
        ? "'\(Character(UnicodeScalar(UInt8(value))))'" : hexadecimal(value, digits: 2)
    }
  }
}
