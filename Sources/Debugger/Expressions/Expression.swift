import GuestImages
import IA32
import Reports

/// Reads and computes expressions: 64-bit numbers that wrap, C's operators and precedence.
///
///     binary   = unary { operator unary }, by C's precedence:
///                || && | ^ & == != < <= > >= << >> + - * / %
///     unary    = ("-" | "~" | "!" | "*") unary | number | name | "(" binary ")"
struct Expression {
  private let session: DebuggerSession
  private var scanner: ExpressionScanner
  private var token: ExpressionToken
  private var depth = 0
  /// Above 0, values do not matter: memory is not read.
  private var skipped = 0
  private let knownNames: Set<String>
  /// Parentheses and signs inside each other at most.
  private static let maxDepth = 64

  /// - Throws: `ShellError` when the first piece means nothing.
  /// - Parameter checkedNames: nil to compute; else the text is only looked at: memory is not read, values mean nothing, and these
  ///   names are known besides those that are known now.
  init(_ text: String, _ session: DebuggerSession, checkedNames: Set<String>? = nil) throws(ShellError) {
    self.session = session
    knownNames = checkedNames ?? []
    skipped = checkedNames == nil ? 0 : 1
    scanner = ExpressionScanner(text)
    token = try scanner.next()
  }

  var isAtEnd: Bool { token.kind == .end }

  /// The value of the next expression in the text, which goes as far as operators join it.
  mutating func next() throws(ShellError) -> UInt64 { try binary(1) }

  private mutating func advance() throws(ShellError) { token = try scanner.next() }

  private func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }

  /// C's precedence: what binds tighter has a higher number.
  private static let precedence: [String: Int] = [
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7, "<<": 8,
    ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
  ]

  /// Operands joined by operators of this precedence and above.
  private mutating func binary(_ lowest: Int) throws(ShellError) -> UInt64 {
    var value = try unary()
    while case .symbol(let symbol) = token.kind, let precedence = Self.precedence[symbol],
      precedence >= lowest
    {
      try advance()
      let place = token.position
      // The right side of && and || counts only if the left one does not decide.
      let isDecided = symbol == "&&" && value == 0 || symbol == "||" && value != 0
      if isDecided { skipped += 1 }
      let other = try binary(precedence + 1)
      if isDecided { skipped -= 1 }
      value = try apply(symbol, value, other, at: place)
    }
    return value
  }

  private func apply(_ symbol: String, _ a: UInt64, _ b: UInt64, at place: Int) throws(ShellError) -> UInt64 {
    switch symbol {
    case "||": return a != 0 || b != 0 ? 1 : 0
    case "&&": return a != 0 && b != 0 ? 1 : 0
    case "|": return a | b
    case "^": return a ^ b
    case "&": return a & b
    case "==": return a == b ? 1 : 0
    case "!=": return a != b ? 1 : 0
    case "<": return a < b ? 1 : 0
    case "<=": return a <= b ? 1 : 0
    case ">": return a > b ? 1 : 0
    case ">=": return a >= b ? 1 : 0
    case "<<": return b > 63 ? 0 : a << b
    case ">>": return b > 63 ? 0 : a >> b
    case "+": return a &+ b
    case "-": return a &- b
    case "*": return a &* b
    default:
      guard b != 0 else {
        if skipped > 0 { return 0 }
        throw scanner.error("division by 0", at: place)
      }
      return symbol == "/" ? a / b : a % b
    }
  }

  private mutating func unary() throws(ShellError) -> UInt64 {
    depth += 1
    defer { depth -= 1 }
    let start = token.position
    guard depth <= Self.maxDepth else { throw scanner.error("this is nested too deeply", at: start) }
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
      let value = try binary(1)
      guard isSymbol(")") else { throw scanner.error("expected ')'", at: token.position) }
      try advance()
      return value
    case .symbol("-"):
      try advance()
      return try 0 &- unary()
    case .symbol("~"):
      try advance()
      return try ~unary()
    case .symbol("!"):
      try advance()
      return try unary() == 0 ? 1 : 0
    case .symbol("*"):
      try advance()
      return try load(unary(), at: start)
    case .symbol(let symbol):
      throw scanner.error("expected a number, a register or a symbol instead of '\(symbol)'", at: start)
    case .end: throw scanner.error("expected a number, a register or a symbol", at: start)
    }
  }

  private func value(of name: String) throws(ShellError) -> UInt64? {
    if knownNames.contains(name) { return 0 }
    if name.hasPrefix("$") {
      let bare = String(name.dropFirst())
      if let value = try session.value(ofVariable: bare) { return value }
      if let value = try session.value(ofRegister: bare) { return value }
      return session.names.address(of: name)
    }
    if let value = try session.value(ofLocal: name) { return value }
    if let address = session.names.address(of: name) { return address }
    return try session.value(ofRegister: name)
  }

  private func load(_ value: UInt64, at position: Int) throws(ShellError) -> UInt64 {
    if skipped > 0 { return 0 }
    guard let linear = DebuggerSession.linear(value) else {
      throw scanner.error("0x\(String(value, radix: 16)) is not a 32-bit linear address", at: position)
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

  /// Looks whether `text` is one expression whose names are all known, without reading memory.
  /// - Parameter addresses: where it is going to be computed: the variables there are known.
  /// - Throws: `ShellError` with the place of the mistake.
  func checkNames(in text: String, at addresses: [UInt32]) throws(ShellError) {
    var names: Set<String> = []
    if let information = debugInformation {
      for address in addresses.map(linked) {
        let context = FrameContext(general: [UInt32?](repeating: nil, count: 8), address: address) { _ in nil
        }
        names.formUnion(information.variables(at: address, context).map(\.name))
      }
    }
    var expression = try Expression(text, self, checkedNames: names)
    _ = try expression.next()
    guard expression.isAtEnd else { throw ShellError("'\(text)' is more than one expression") }
  }

  /// The cycle that `text` names.
  /// - Throws: `ShellError` for a negative one, which a difference may give.
  func evaluateCycle(_ text: String) throws(ShellError) -> UInt64 {
    try Self.cycle(try evaluate(text), text)
  }

  static func cycle(_ value: UInt64, _ text: String) throws(ShellError) -> UInt64 {
    guard value <= UInt64(Int64.max) else {
      let number = Int64(bitPattern: value)
      throw ShellError("'\(text)' is \(number) as a cycle: the first cycle is 0")
    }
    return value
  }

  /// The linear address that `text` names.
  public func evaluateLinear(_ text: String) throws(ShellError) -> UInt32 {
    let value = try evaluate(text)
    guard let linear = Self.linear(value) else {
      throw ShellError("0x\(String(value, radix: 16)) is not a 32-bit linear address")
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
