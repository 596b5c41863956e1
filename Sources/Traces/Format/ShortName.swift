/// Names of functions as traces have them: a demangled Swift name without the types of its parameters, its specialisation and the
/// file that it is private in. C's names stay as they are.
enum ShortName {
  /// Longer names are cut off.
  static let maxLength = 256

  /// One line without blanks at its ends; empty for a name that has nothing to show.
  static func of(_ name: String) -> String {
    let text = PrintableText.escaped(
      String(String.UnicodeScalarView(withoutTypes(name).unicodeScalars.prefix(maxLength))))
    return text.split(separator: " ").joined(separator: " ")
  }

  private static func withoutTypes(_ name: String) -> String {
    var text = name[...]
    // Such as "generic specialization <Guest.Processor> of ".
    while let range = text.firstRange(of: "> of "), text.contains("specialization") {
      text = text[range.upperBound...]
    }
    if text.hasPrefix("merged ") { text = text.dropFirst(7) }
    let plain = withoutFile(String(text))
    guard let open = plain.firstIndex(of: "("), open != plain.startIndex, !plain.contains("closure #") else {
      return plain
    }
    return String(plain[..<open])
  }

  /// "Kernel.(vunmap in _4FA1E229)(Address)" is "Kernel.vunmap(Address)".
  private static func withoutFile(_ name: String) -> String {
    var text = name
    while let middle = text.firstRange(of: " in _"), let open = text[..<middle.lowerBound].lastIndex(of: "("),
      let close = text[middle.upperBound...].firstIndex(of: ")")
    {
      text =
        String(text[..<open]) + text[text.index(after: open)..<middle.lowerBound]
        + text[text.index(after: close)...]
    }
    return text
  }
}
