import HostFiles

/// Text that may hold anything, as it may be shown on a terminal: names in images, lines of files, a guest's bytes.
public enum PlainText {
  /// `line` with control characters, those that change the direction of text, and bytes of names that are not UTF-8 spelled
  /// out: "\x1b", "\u{202e}", "\xff". Tabs stay.
  public static func of(_ line: String) -> String {
    guard line.unicodeScalars.contains(where: isHarmful) else { return line }
    var result = ""
    for scalar in line.unicodeScalars {
      guard isHarmful(scalar) else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let value = HostName.byte(scalar).map(UInt32.init) ?? scalar.value
      let digits = String(value, radix: 16)
      result += value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
    }
    return result
  }

  /// The same of a text with line ends, which stay.
  public static func ofLines(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0 != "\n" && isHarmful($0) }) else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { of(String($0)) }
      .joined(separator: "\n")
  }

  /// Whether a terminal obeys `scalar`, or it is a byte that is not UTF-8.
  public static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09: false
    case 0x20..<0x7f: false
    case 0..<0x20, 0x7f..<0xa0: true
    // Directional marks, line and paragraph separators.
    case 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: HostName.byte(scalar) != nil
    }
  }
}
