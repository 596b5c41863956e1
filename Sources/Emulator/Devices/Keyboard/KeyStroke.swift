/// A key that goes down or up.
struct KeyStroke: Sendable, Equatable, Codable {
  /// The highest code of a key.
  static let maxCode: UInt8 = 0x58

  /// The key's code of set 1 when it goes down, 01h to 58h.
  var code: UInt8
  /// A key of the enhanced keyboard, with E0h before its code.
  var isExtended = false
  var isRelease = false

  /// What the keyboard sends for it in scan code set 1 or 2.
  func bytes(inSet set: UInt8) -> [UInt8] {
    let prefix: [UInt8] = isExtended ? [0xE0] : []
    if set == 1 { return prefix + [isRelease ? code | 0x80 : code] }
    return prefix + (isRelease ? [0xF0] : []) + [ScanCodes.set2[Int(code)]]
  }

  // MARK: Typing

  /// The keys of a US keyboard that type these characters: ASCII as terminals send it. Control characters are typed with Ctrl, the
  /// cursor keys' sequences (ESC [ A and the like) are those keys, and what no key types is left out.
  static func strokes(typing characters: [UInt8]) -> [KeyStroke] {
    var strokes: [KeyStroke] = []
    var rest = characters[...]
    while let character = rest.popFirst() {
      if character == 0x1B, rest.first == UInt8(ascii: "["),
        let code = rest.dropFirst().first.flatMap({ cursorKeys[$0] })
      {
        rest = rest.dropFirst(2)
        strokes += press(code, extended: true)
      } else if let key = Key(character) {
        strokes += key.strokes
      }
    }
    return strokes
  }

  private static let cursorKeys: [UInt8: UInt8] = [
    UInt8(ascii: "A"): 0x48, UInt8(ascii: "B"): 0x50, UInt8(ascii: "C"): 0x4D, UInt8(ascii: "D"): 0x4B,
    UInt8(ascii: "H"): 0x47, UInt8(ascii: "F"): 0x4F,
  ]

  fileprivate static func press(_ code: UInt8, extended: Bool = false) -> [KeyStroke] {
    [
      KeyStroke(code: code, isExtended: extended),
      KeyStroke(code: code, isExtended: extended, isRelease: true),
    ]
  }
}

/// A key with the one that is held meanwhile.
private struct Key {
  var code: UInt8
  var held: UInt8?

  static let leftShift: UInt8 = 0x2A
  static let leftControl: UInt8 = 0x1D

  /// The keys of the four rows by their codes of set 1, from 02h, 10h, 1Eh and 2Bh on, without and with Shift.
  private static let rows: [(first: UInt8, plain: String, shifted: String)] = [
    (0x02, "1234567890-=", "!@#$%^&*()_+"), (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1E, "asdfghjkl;'`", "ASDFGHJKL:\"~"), (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"), (0x39, " ", ""),
  ]

  private static let byCharacter: [UInt8: Key] = {
    var keys: [UInt8: Key] = [
      0x08: Key(code: 0x0E), 0x7F: Key(code: 0x0E), 0x09: Key(code: 0x0F), 0x0A: Key(code: 0x1C),
      0x0D: Key(code: 0x1C),
      0x1B: Key(code: 0x01),
    ]
    for row in rows {
      for (index, character) in row.plain.utf8.enumerated() {
        keys[character] = Key(code: row.first + UInt8(index))
      }
      for (index, character) in row.shifted.utf8.enumerated() {
        keys[character] = Key(code: row.first + UInt8(index), held: leftShift)
      }
    }
    return keys
  }()

  private init(code: UInt8, held: UInt8? = nil) {
    self.code = code
    self.held = held
  }

  /// nil for a character that no key types.
  init?(_ character: UInt8) {
    if let key = Self.byCharacter[character] {
      self = key
      return
    }
    // Ctrl with a letter, or with [ \ ].
    guard (0x01...0x1D).contains(character),
      let key = Self.byCharacter[character <= 0x1A ? character | 0x60 : character | 0x40]
    else { return nil }
    code = key.code
    held = Self.leftControl
  }

  var strokes: [KeyStroke] {
    guard let held else { return KeyStroke.press(code) }
    return [KeyStroke(code: held)] + KeyStroke.press(code) + [KeyStroke(code: held, isRelease: true)]
  }
}
