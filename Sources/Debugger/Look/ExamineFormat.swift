import Reports

/// What stands behind the slash of `x`: a count, a format letter, a unit letter.
struct ExamineFormat: Hashable {
  enum Style: Character {
    case hexadecimal = "x"
    case decimal = "d"
    case unsigned = "u"
    case octal = "o"
    case binary = "t"
    case character = "c"
    case string = "s"
    case instruction = "i"
  }

  var count = 1
  var style = Style.hexadecimal
  /// Bytes of a unit: 1, 2, 4 or 8.
  var unit = 4

  /// Units that one command shows at most.
  static let maxUnits = 4096

  init() {}

  /// - Throws: `ShellError` with the letter that means nothing.
  init(_ text: String) throws(ShellError) {
    var digits = ""
    var hasUnit = false
    for character in text {
      if character.isASCII, character.isNumber, digits.count < 9 {
        digits.append(character)
      } else if let style = Style(rawValue: character) {
        self.style = style
        if style == .character, !hasUnit { unit = 1 }
      } else if let unit = Self.units[character] {
        self.unit = unit
        hasUnit = true
      } else {
        throw ShellError(
          "the format '/\(text)' is not understood: expected a count, one of x d u o t c s i, and one of b h w g"
        )
      }
    }
    if !digits.isEmpty {
      guard let count = Int(digits), (1...Self.maxUnits).contains(count) else {
        throw ShellError("the count \(digits) is out of range: from 1 to \(Self.maxUnits)")
      }
      self.count = count
    }
  }

  private static let units: [Character: Int] = ["b": 1, "h": 2, "w": 4, "g": 8]

  /// Units on a line.
  var perLine: Int {
    switch unit {
    case 1: style == .binary ? 4 : 8
    case 2: style == .binary ? 4 : 8
    case 4: style == .binary ? 2 : 4
    default: style == .binary ? 1 : 2
    }
  }

  /// A unit as text.
  func text(_ value: UInt64) -> String {
    let bits = UInt64(unit) * 8
    switch style {
    case .hexadecimal, .string, .instruction:
      let digits = String(value, radix: 16)
      return "0x" + String(repeating: "0", count: max(0, unit * 2 - digits.count)) + digits
    case .unsigned: return String(value)
    case .decimal:
      let signed = Int64(bitPattern: value << (64 - bits)) >> Int64(64 - bits)
      return String(signed)
    case .octal: return "0" + String(value, radix: 8)
    case .binary:
      let digits = String(value, radix: 2)
      return String(repeating: "0", count: max(0, unit * 8 - digits.count)) + digits
    case .character:
      let byte = UInt8(truncatingIfNeeded: value)
      return "\(byte) \(Self.quoted(byte))"
    }
  }

  static func quoted(_ byte: UInt8) -> String {
    switch byte {
    case 0x0a: "'\\n'"
    case 0x0d: "'\\r'"
    case 0x09: "'\\t'"
    case 0x20...0x7e: "'\(Character(UnicodeScalar(byte)))'"
    default: "'\\\(String(repeating: "0", count: byte < 8 ? 2 : byte < 64 ? 1 : 0))\(String(byte, radix: 8))'"
    }
  }
}
