import IA32
import Reports

/// Reads and computes expressions: 64-bit numbers that wrap, C's operators and precedence.
///
///     or       = and { "|" and }
///     and      = shift { "&" shift }
///     shift    = sum { ("<<" | ">>") sum }
///     sum      = product { ("+" | "-") product }
///     product  = unary { ("*" | "/") unary }
///     unary    = ("-" | "~" | "*") unary | number | name | "(" or ")"
struct Expression {
  private let session: DebuggerSession
  private var scanner: ExpressionScanner
  private var token: ExpressionToken
  private var depth = 0
  /// Parentheses and signs inside each other.
  private static let deepest = 64

  /// - Throws: `ShellError` when the first piece means nothing.
  init(_ text: String, _ session: DebuggerSession) throws(ShellError) {
    self.session = session
    scanner = ExpressionScanner(text)
    token = try scanner.next()
  }

  var isAtEnd: Bool { token.kind == .end }

  /// The value of the next expression in the text, which goes as far as operators join it.
  mutating func next() throws(ShellError) -> UInt64 { try or() }

  private mutating func advance() throws(ShellError) { token = try scanner.next() }

  private func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }

  private mutating func or() throws(ShellError) -> UInt64 {
    var value = try and()
    while isSymbol("|") {
      try advance()
      value |= try and()
    }
    return value
  }

  private mutating func and() throws(ShellError) -> UInt64 {
    var value = try shift()
    while isSymbol("&") {
      try advance()
      value &= try shift()
    }
    return value
  }

  private mutating func shift() throws(ShellError) -> UInt64 {
    var value = try sum()
    while isSymbol("<<") || isSymbol(">>") {
      let isLeft = isSymbol("<<")
      try advance()
      let amount = try sum()
      value = amount > 63 ? 0 : isLeft ? value << amount : value >> amount
    }
    return value
  }

  private mutating func sum() throws(ShellError) -> UInt64 {
    var value = try product()
    while isSymbol("+") || isSymbol("-") {
      let isPlus = isSymbol("+")
      try advance()
      let other = try product()
      value = isPlus ? value &+ other : value &- other
    }
    return value
  }

  private mutating func product() throws(ShellError) -> UInt64 {
    var value = try unary()
    while isSymbol("*") || isSymbol("/") {
      let isTimes = isSymbol("*")
      try advance()
      let place = token.position
      let other = try unary()
      if isTimes {
        value = value &* other
      } else {
        guard other != 0 else { throw scanner.error("division by 0", at: place) }
        value /= other
      }
    }
    return value
  }

  private mutating func unary() throws(ShellError) -> UInt64 {
    depth += 1
    defer { depth -= 1 }
    let start = token.position
    guard depth <= Self.deepest else { throw scanner.error("this is nested too deeply", at: start) }
    switch token.kind {
    case .number(let value):
      try advance()
      return value
    case .name(let name):
      guard let value = try value(of: name) else {
        throw scanner.error(session.names.complaint(about: name), at: start)
      }
      try advance()
      return value
    case .symbol("("):
      try advance()
      let value = try or()
      guard isSymbol(")") else { throw scanner.error("expected ')'", at: token.position) }
      try advance()
      return value
    case .symbol("-"):
      try advance()
      return try 0 &- unary()
    case .symbol("~"):
      try advance()
      return try ~unary()
    case .symbol("*"):
      try advance()
      return try load(unary(), at: start)
    case .symbol(let symbol):
      throw scanner.error("expected a number, a register or a symbol instead of '\(symbol)'", at: start)
    case .end: throw scanner.error("expected a number, a register or a symbol", at: start)
    }
  }

  private func value(of name: String) throws(ShellError) -> UInt64? {
    if name.hasPrefix("$") {
      let bare = String(name.dropFirst())
      if let value = try session.value(ofVariable: bare) { return value }
      if let value = session.value(ofRegister: bare) { return value }
      return session.names.address(of: name)
    }
    return session.names.address(of: name) ?? session.value(ofRegister: name)
  }

  private func load(_ value: UInt64, at position: Int) throws(ShellError) -> UInt64 {
    guard let linear = DebuggerSession.linear(value) else {
      throw scanner.error("0x\(String(value, radix: 16)) is no linear address of 32 bits", at: position)
    }
    do throws(ShellError) {
      return UInt64(try MemoryView(session.machine, .processor).load32(linear))
    } catch {
      throw scanner.error(error.message, at: position)
    }
  }
}

extension DebuggerSession {
  /// The value of `text`, all of it one expression.
  /// - Throws: `ShellError` with the place of the mistake.
  public func evaluate(_ text: String) throws(ShellError) -> UInt64 {
    var expression = try Expression(text, self)
    let value = try expression.next()
    guard expression.isAtEnd else { throw ShellError("'\(text)' is more than one expression") }
    return value
  }

  /// Expressions with nothing but spaces between them, at most `limit` of them.
  func evaluateAll(_ text: String, atMost limit: Int) throws(ShellError) -> [UInt64] {
    var expression = try Expression(text, self)
    var values: [UInt64] = []
    while !expression.isAtEnd {
      guard values.count < limit else {
        throw ShellError("'\(text)' is more than \(limit == 1 ? "one expression" : "\(limit) expressions")")
      }
      values.append(try expression.next())
    }
    return values
  }

  /// The linear address that `text` names.
  public func evaluateLinear(_ text: String) throws(ShellError) -> UInt32 {
    let value = try evaluate(text)
    guard let linear = Self.linear(value) else {
      throw ShellError("0x\(String(value, radix: 16)) is no linear address of 32 bits")
    }
    return linear
  }

  /// `value` as a linear address: 32 bits, or a negative number that fits into them.
  static func linear(_ value: UInt64) -> UInt32? {
    if let linear = UInt32(exactly: value) { return linear }
    let signed = Int64(bitPattern: value)
    return signed < 0 ? Int32(exactly: signed).map { UInt32(bitPattern: $0) } : nil
  }
}
