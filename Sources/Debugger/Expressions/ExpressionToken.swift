import Reports

/// A piece of an expression with the place where it begins.
struct ExpressionToken {
  enum Kind: Equatable {
    case number(UInt64)
    /// A name, with `$` in front if there was one; quoted ones without their quotes.
    case name(String)
    /// An operator or parenthesis.
    case symbol(String)
    case end
  }

  var kind: Kind
  /// Counted in characters from 0.
  var position: Int
}

/// Cuts an expression into pieces.
struct ExpressionScanner {
  private let characters: [Character]
  private var position = 0

  init(_ text: String) { characters = Array(text) }

  /// The text, for messages.
  var text: String { String(characters) }

  /// An error at a character, in one line.
  func error(_ message: String, at position: Int) -> ShellError {
    if position >= characters.count { return ShellError("\(message), at the end of '\(text)'") }
    return ShellError("\(message), at character \(position + 1) of '\(text)'")
  }

  /// The next piece.
  mutating func next() throws(ShellError) -> ExpressionToken {
    while position < characters.count, characters[position] == " " { position += 1 }
    let start = position
    guard start < characters.count else { return ExpressionToken(kind: .end, position: start) }
    let first = characters[start]
    if first.isASCII && first.isNumber { return try number(from: start) }
    if first == "'" { return try quoted(from: start) }
    if SymbolNames.isNameCharacter(first) {
      while position < characters.count, SymbolNames.isNameCharacter(characters[position]) { position += 1 }
      return ExpressionToken(kind: .name(String(characters[start..<position])), position: start)
    }
    for length in [2, 1] where start + length <= characters.count {
      let symbol = String(characters[start..<start + length])
      if Self.symbols.contains(symbol) {
        position = start + length
        return ExpressionToken(kind: .symbol(symbol), position: start)
      }
    }
    throw error("'\(first)' means nothing here", at: start)
  }

  private static let symbols: Set<String> = [
    "<<", ">>", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "%", "^", "+", "-", "*", "/", "&", "|",
    "~", "(", ")",
  ]

  private mutating func number(from start: Int) throws(ShellError) -> ExpressionToken {
    while position < characters.count, SymbolNames.isNameCharacter(characters[position]) { position += 1 }
    let text = String(characters[start..<position])
    let value: UInt64?
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      value = UInt64(text.dropFirst(2), radix: 16)
    } else if text.count > 1 && text.hasPrefix("0") {
      // Our own output writes addresses with leading zeros; read as octal or decimal they would be silently wrong.
      throw error("a number that begins with 0 is not clear: write 0x\(text) or leave the 0 out", at: start)
    } else {
      value = UInt64(text)
    }
    guard let value else {
      let isHexadecimal = text.allSatisfy(\.isHexDigit)
      throw error(
        isHexadecimal && UInt64(text, radix: 16) != nil
          ? "'\(text)' is not a decimal number: write 0x\(text)" : "'\(text)' is not a number of 64 bits",
        at: start
      )
    }
    return ExpressionToken(kind: .number(value), position: start)
  }

  private mutating func quoted(from start: Int) throws(ShellError) -> ExpressionToken {
    position += 1
    while position < characters.count, characters[position] != "'" { position += 1 }
    guard position < characters.count else { throw error("the quoted name does not end", at: start) }
    position += 1
    return ExpressionToken(
      kind: .name(String(characters[start + 1..<position - 1])), position: start)
  }
}
