import Reports

/// Text that came with a file and goes into a trace or to a terminal: one line, and nothing that a terminal obeys.
public enum PrintableText {
  /// `text` with control characters as \n and \xNN, those that change the direction of text as \u{NNNN}, and \ as \\. What is escaped already must not come here again.
  public static func escaped(_ text: String) -> String {
    guard !text.unicodeScalars.allSatisfy({ !isControl($0) && !PlainText.isHarmful($0) && $0 != "\\" }) else {
      return text
    }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where PlainText.isHarmful(scalar) && scalar != "\t": result += PlainText.of(String(scalar))
      case _ where isControl(scalar):
        let digits = String(scalar.value, radix: 16)
        result += "\\x" + (digits.count < 2 ? "0" : "") + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// What is said of a place, such as "flush_one+0x4 (tlb.c:12)"; nil where nothing is known. Parentheses in a file's name are \x28
  /// and \x29, so that a text trace's reader finds where the line begins.
  ///
  /// - Parameters:
  ///   - symbol: printable.
  ///   - line: printable, such as "tlb.c:12".
  public static func place(symbol: String?, line: String?) -> String? {
    let line = line.map { "(" + $0.replacing("(", with: "\\x28").replacing(")", with: "\\x29") + ")" }
    let parts = [symbol, line].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: " ")
  }

  /// The beginning of a text out of a file that may hold anything, to be named in a message.
  static func excerpt(_ text: some StringProtocol) -> String { escaped(String(text.prefix(80))) }

  /// Whether there is nothing in `text` that a terminal obeys: what traces hold has been escaped.
  package static func isPrintable(_ text: some StringProtocol) -> Bool {
    text.unicodeScalars.allSatisfy { !isControl($0) }
  }

  /// C0 and C1 controls, DEL, and the separators that end a line for some.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028
      || scalar.value == 0x2029
  }
}
