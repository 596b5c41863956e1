/// Text that may hold anything, as it may be shown on a terminal: names in images, lines of files, a guest's bytes.
enum PlainText {
  /// `line` with control characters, and those that change the direction of text, spelled out: "\x1b", "\u{202e}". Tabs stay.
  static func of(_ line: String) -> String {
    guard line.unicodeScalars.contains(where: isHarmful) else { return line }
    var result = ""
    for scalar in line.unicodeScalars {
      guard isHarmful(scalar) else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      result += scalar.value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
    }
    return result
  }

  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09: false
    case 0x20..<0x7f: false
    case 0..<0x20, 0x7f..<0xa0: true
    // Directional marks, line and paragraph separators.
    case 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }
}

extension DebuggerSession {
  /// Prints lines at once.
  func tell(_ lines: [String]) { emit(lines.map(PlainText.of)) }
}
