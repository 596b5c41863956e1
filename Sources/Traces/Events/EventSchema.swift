import Emulator
import IA32

/// What the fields of each kind of event are called, what they mean, and how they are written. Text, NDJSON, comparisons and the
/// specification go by this one table.
public struct EventField: Sendable {
  /// How the number is written.
  public enum Form: Sendable {
    case decimal
    /// Hexadecimal with at least so many digits.
    case hexadecimal(Int)
    /// One word for each value from 0 on.
    case word([String])
    /// One letter for each bit from the lowest on, or "-".
    case flags(String)
    /// A character between quotes if it is a printable one, or else two hexadecimal digits.
    case character
  }

  /// Which addresses a number stands for: they move when a guest is built anew.
  public enum Meaning: Sendable {
    case other
    case linear
    case physical
  }

  public let name: String
  public let form: Form
  public let meaning: Meaning

  init(_ name: String, _ form: Form, _ meaning: Meaning = .other) {
    self.name = name
    self.form = form
    self.meaning = meaning
  }

  static func linear(_ name: String) -> EventField { EventField(name, .hexadecimal(8), .linear) }
  static func physical(_ name: String) -> EventField { EventField(name, .hexadecimal(9), .physical) }
}

public enum EventSchema {
  static let accesses = EventField.Form.word([
    "read", "write", "fetch", "user-read", "user-write", "user-fetch",
  ])

  private static let tlb = [
    EventField("array", .word(TLBArrayName.allCases.map { $0.rawValue.replacing(" ", with: "-") })),
    EventField("set", .decimal), EventField("way", .decimal), .linear("linear"), .physical("frame"),
    // Writable, user, global, no-execute, dirty.
    EventField("rights", .flags("wugnd")),
  ]

  private static let bus = [
    EventField("bytes", .decimal), EventField("access", .word(["read", "write"])),
    EventField("value", .hexadecimal(2)),
  ]

  /// The fields of each kind, by the number of its bit in `EventKinds`.
  public static let fields: [[EventField]] = [
    [EventField("length", .decimal), EventField("cpl", .decimal)],
    [
      .linear("linear"), .physical("physical"), EventField("bytes", .decimal), EventField("access", accesses),
    ],
    [
      .linear("linear"), EventField("access", accesses), EventField("pdpte", .hexadecimal(16)),
      .physical("pde-at"), EventField("pde", .hexadecimal(16)), .physical("pte-at"),
      EventField("pte", .hexadecimal(16)), EventField("set-bits-in", .word(["none", "pde", "leaf", "both"])),
      EventField("fault", .hexadecimal(4)), .physical("frame"), EventField("page", .word(["4K", "large"])),
    ],
    tlb, tlb,
    [
      EventField("by", .word(["invlpg", "cr3", "everything"])), .linear("linear"),
      EventField("cr3", .hexadecimal(8)), EventField("keeps-global", .word(["no", "yes"])),
    ],
    [
      .physical("at"), EventField("old", .hexadecimal(16)), EventField("new", .hexadecimal(16)),
      EventField("writer", .word(["instruction", "walker", "device", "outside"])), .linear("linear"),
    ],
    [
      EventField("vector", .word((0..<32).map { ExceptionVector(rawValue: $0)?.mnemonic ?? "\($0)" })),
      EventField("error", .hexadecimal(4)), .linear("linear"),
    ],
    [EventField("vector", .decimal), EventField("source", .word(["hardware", "software"]))],
    [EventField("address", .hexadecimal(9))] + bus,
    [EventField("port", .hexadecimal(4))] + bus,
    [
      EventField("register", .word(["cr3", "tr"])), EventField("old", .hexadecimal(8)),
      EventField("new", .hexadecimal(8)),
    ],
    [
      EventField("register", .word(["cr0", "cr4", "efer", "cpl"])), EventField("old", .hexadecimal(8)),
      EventField("new", .hexadecimal(8)),
    ],
    [EventField("port", .word(["serial", "debug"])), EventField("byte", .character)],
  ]

  /// The fields that every event of a kind has; the others may be absent.
  static let alwaysPresent: [UInt16] = fields.indices.map { kind in
    switch kind {
    case 2: 0b11
    case 5: 0b1
    case 7: 0b11
    case 11: 0b101
    default: UInt16(1) << UInt16(fields[kind].count) - 1
    }
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

  /// The number that `text` stands for; nil if it stands for none.
  func value(_ text: Substring) -> UInt64? {
    switch form {
    case .decimal: return UInt64(text)
    case .hexadecimal: return UInt64(text, radix: 16)
    case .word(let words): return words.firstIndex(of: String(text)).map { UInt64($0) } ?? UInt64(text)
    case .flags(let letters):
      guard text.count == letters.count else { return nil }
      var value: UInt64 = 0
      for (bit, pair) in zip(text, letters).enumerated() {
        if pair.0 == pair.1 { value |= 1 << UInt64(bit) } else if pair.0 != "-" { return nil }
      }
      return value
    case .character:
      let bytes = Array(text.utf8)
      if bytes.count == 3, bytes[0] == 0x27, bytes[2] == 0x27 { return UInt64(bytes[1]) }
      return UInt64(text, radix: 16)
    }
  }
}
