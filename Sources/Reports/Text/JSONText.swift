import HostFiles

/// Strings of JSON, RFC 8259, 7.
public enum JSONText {
  /// `text` between double quotes, with what JSON wants escaped, and what a terminal would obey. A byte of a name that is not UTF-8
  /// is the text \\xNN. RFC 8259, 7.
  public static func quote(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where PlainText.isHarmful(scalar):
        if let byte = HostName.byte(scalar) {
          result += "\\\\x" + String(byte, radix: 16)
        } else {
          // None of them lies beyond U+FFFF.
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
