import IA32

/// A JSON value whose members keep the order in which they were put: the same answer gives the same bytes.
public enum JSONValue: Hashable, Sendable {
  /// A name and what it stands for.
  public struct Member: Hashable, Sendable {
    /// The name.
    public var name: String
    /// What it stands for.
    public var value: JSONValue

    /// A name and what it stands for.
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  case null
  case bool(Bool)
  /// A count or a cycle. Addresses and entries are strings, because many readers lose bits beyond the 53rd.
  case number(UInt64)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// An address, a register or an entry: a string such as "0x00100000".
  public static func hex(_ value: UInt64, digits: Int) -> JSONValue {
    .string("0x" + hexadecimal(value, digits: digits))
  }

  /// A linear address, 8 digits.
  public static func linear(_ address: UInt32) -> JSONValue { hex(UInt64(address), digits: 8) }
  /// A physical address, 9 digits.
  public static func physical(_ address: UInt64) -> JSONValue { hex(address, digits: 9) }
  /// A paging-structure entry, 16 digits.
  public static func entry(_ value: UInt64) -> JSONValue { hex(value, digits: 16) }

  /// `value`, or null where there is none.
  public static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

  /// The same with the members of every object in alphabetical order.
  public var sorted: JSONValue {
    switch self {
    case .array(let values): .array(values.map(\.sorted))
    case .object(let members):
      .object(
        members.map { Member($0.name, $0.value.sorted) }.sorted {
          $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        })
    default: self
    }
  }

  /// One line, without spaces.
  public var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += String(value)
    case .string(let value): text += JSONText.quote(value)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        text += JSONText.quote(member.name)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }
}
