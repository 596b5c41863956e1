import GuestImages
import IA32
import Reports

/// Where `list` is.
struct SourceListing {
  var file: String
  /// The first line that has not been shown, counted from 1.
  var next: Int
}

/// Symbols and source lines.
enum SourceCommands {
  static let all: [Command] = [
    Command(
      ["info line"], .look, "the source line of an address or a function; the addresses of a line",
      usage: "info line [ADDR|FUNCTION|FILE:LINE]", example: "info line $eip",
      completion: .expression, action: line),
    Command(
      ["info symbol"], .look, "the symbol that an address lies in", usage: "info symbol ADDR",
      example: "info symbol $eip", completion: .expression, action: symbol),
    Command(
      ["list", "l"], .look, "source lines around an address, a function, a line; again: the next ones",
      usage: "list [ADDR|FUNCTION|FILE:LINE]", example: "list $eip", completion: .expression, action: list),
  ]

  private static func address(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> UInt32
  {
    arguments.isEmpty ? session.nextInstruction : try session.evaluateLinear(arguments.text)
  }

  static func line(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let addresses =
      arguments.isEmpty ? [session.nextInstruction] : try session.locate(arguments.text).addresses
    let places = addresses.map {
      NamedPlace(session, $0, whatIsMissing: "line", isMissing: session.place($0) == nil)
    }
    if places.count == 1 { return Answer(places[0]) }
    return Answer(NamedPlaces(places: places))
  }

  static func symbol(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectSomething()
    let linear = try address(session, arguments)
    let symbol = session.places.symbol(at: linear, isPaged: session.isPaged)
    return Answer(NamedPlace(session, linear, whatIsMissing: "symbol", isMissing: symbol == nil))
  }

  /// The line that `list` is to show.
  private static func listed(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> LineTable.Place
  {
    let linear: UInt32
    if arguments.isEmpty {
      linear = try session.frame().inside
    } else {
      // A function's declaration says better where it is than its first instruction.
      if let place = session.functions(named: arguments.text).compactMap(\.place).first { return place }
      let found = try session.locate(arguments.text)
      if let place = found.line { return place }
      linear = found.addresses[0]
    }
    guard let place = session.place(linear) else {
      throw ShellError("no source line is known for \(session.describe(linear))")
    }
    return place
  }

  static func list(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    var start: Int
    let file: String
    var marked: Int?
    if arguments.isEmpty, let listing = session.listing {
      (file, start) = (listing.file, listing.next)
    } else {
      let place = try listed(session, arguments)
      (file, start, marked) = (place.file, max(1, place.line - 4), place.line)
    }
    guard let lines = session.source(file) else {
      throw ShellError(
        "\(file)\(marked.map { ":\($0)" } ?? "") can't be read: start the shell in the folder that the image was built from"
      )
    }
    guard start <= lines.count else { throw ShellError("\(file) ends at line \(lines.count)") }
    let end = min(lines.count, start + 9)
    session.listing = SourceListing(file: file, next: end + 1)
    let shown = (start...end).map {
      SourceLines.Line(number: $0, text: lines[$0 - 1], isMarked: $0 == marked)
    }
    return Answer(SourceLines(file: file, shown: shown), next: "list")
  }
}

extension DebuggerSession {
  /// The source line of the code at `linear`.
  func place(_ linear: UInt32) -> LineTable.Place? { places.line(at: linear, isPaged: isPaged) }

  private static let maxSources = 64

  /// The lines of a source file; nil if it can't be read.
  func source(_ file: String) -> [String]? {
    if let known = sources[file] { return known }
    guard let lines = readSource(file) else { return nil }
    if sources.count >= Self.maxSources { sources = [:] }
    sources[file] = lines
    return lines
  }

  /// Such as "75      reset_tables();": the text of the line of the code at `linear`; nil if it can't be read.
  func sourceLine(at linear: UInt32) -> String? {
    guard let place = place(linear), let lines = source(place.file), place.line <= lines.count else {
      return nil
    }
    return String(place.line).padded(to: 6) + "  " + lines[place.line - 1]
  }
}

private struct NamedPlace: Report {
  let linear: UInt32
  let text: String
  let symbol: String?
  let place: LineTable.Place?
  let whatIsMissing: String
  let isMissing: Bool

  init(_ session: DebuggerSession, _ linear: UInt32, whatIsMissing: String, isMissing: Bool) {
    self.linear = linear
    text = session.describe(linear)
    symbol = session.places.symbol(at: linear, isPaged: session.isPaged)
    place = session.place(linear)
    self.whatIsMissing = whatIsMissing
    self.isMissing = isMissing
  }

  var lines: [String] { [isMissing ? "\(text): no \(whatIsMissing) is known" : text] }

  var json: JSONValue {
    .object([
      .init("linear", .linear(linear)), .init("symbol", .optional(symbol)),
      .init("file", .optional(place?.file)),
      .init("line", place.map { .number(UInt64(max(0, $0.line))) } ?? .null),
    ])
  }
}

private struct NamedPlaces: Report {
  let places: [NamedPlace]

  var lines: [String] { places.flatMap(\.lines) }
  var json: JSONValue { .array(places.map(\.json)) }
}

private struct SourceLines: Report {
  struct Line {
    var number: Int
    var text: String
    var isMarked: Bool
  }

  let file: String
  let shown: [Line]

  var lines: [String] {
    [file]
      + shown.map { "\($0.isMarked ? ">" : " ") \(String($0.number).padded(to: 5)) \($0.text)".trimmedRight }
  }

  var json: JSONValue {
    .object([
      .init("file", .string(file)),
      .init(
        "lines",
        .array(
          shown.map {
            .object([.init("number", .number(UInt64($0.number))), .init("text", .string($0.text))])
          })),
    ])
  }
}
