import Reports

/// Commands made of commands, and what is shown at every stop.
enum ScriptCommands {
  static let all: [Command] = [
    Command(
      ["source"], .shell, "execute the commands of a file; one that fails ends it", usage: "source FILE",
      example: "source docs/sessions/walk.pw", action: source),
    Command(
      ["define"], .shell,
      "make a command of the lines that follow, up to 'end'; $arg0, $arg1, ... are its arguments",
      usage: "define NAME", example: "define look", action: define),
    Command(
      ["info defined"], .shell, "the commands that 'define' made", usage: "info defined",
      example: "info defined", action: listDefined),
    Command(
      ["display"], .look, "show an expression at every stop; /i and /s show memory as 'x' does",
      usage: "display[/FORMAT] [EXPRESSION]", example: "display/x $eax", completion: .expression,
      takesFormat: true, action: display),
    Command(
      ["undisplay"], .look, "stop showing an expression, or all", usage: "undisplay [N]",
      example: "undisplay 1", action: undisplay),
    Command(
      ["info display"], .look, "what is shown at every stop", usage: "info display", example: "info display",
      action: listDisplays),
  ]

  private static let maxDisplays = 64

  private static func source(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer
  {
    try arguments.expectSomething()
    guard let lines = session.readSource(arguments.text) else {
      throw ShellError("'\(arguments.text)' can't be read")
    }
    try session.queue.push(
      lines.enumerated().map { index, line in
        .init(
          text: DebuggerSession.words(line).joined(separator: " "), place: "\(arguments.text):\(index + 1)")
      })
    return .nothing
  }

  private static func define(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer
  {
    let name = arguments.text
    guard arguments.words.count == 1, !name.contains("/"), !name.hasPrefix("-"), !name.hasPrefix("#") else {
      throw ShellError("'\(name)' is not a name for a command: expected one word")
    }
    let isTaken = session.commands.commands.contains {
      $0.names.contains { $0.split(separator: " ").first.map(String.init) == name }
    }
    // The body is read all the same, so that its lines are not taken for commands.
    let body = try session.takeBody()
    guard !isTaken else { throw ShellError("'\(name)' is a command of the shell already") }
    session.defined[name] = body
    return .nothing
  }

  private static func listDefined(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectNothing()
    var table = Table([.init("name"), .init("lines")], empty: "nothing is defined: 'help define' tells how")
    for (name, body) in session.defined.sorted(by: { $0.key < $1.key }) {
      table.rows.append([
        .text(name), .init(body.joined(separator: "; "), .array(body.map { .string($0) })),
      ])
    }
    return Answer(table)
  }

  // MARK: Displays

  private static func display(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer
  {
    guard !arguments.isEmpty else { return Answer(session.shownDisplays()) }
    guard session.displays.count < maxDisplays else {
      throw ShellError("\(maxDisplays) expressions are shown already: 'undisplay N' removes one")
    }
    let format = try arguments.format.map { text throws(ShellError) in try ExamineFormat(text) }
    let examines = format.map { [.instruction, .string].contains($0.style) || $0.count > 1 } ?? false
    let suffix = arguments.format.map { "/\($0)" } ?? ""
    let display = Display(
      number: session.nextDisplay, expression: arguments.text,
      command: "\(examines ? "x" : "print")\(suffix) \(arguments.text)", isMemory: examines)
    // What can't be shown now is refused now.
    let report = ShownDisplays(rows: [(display, try session.answer(to: display.command).answer.lines)])
    session.nextDisplay += 1
    session.displays.append(display)
    return Answer(report)
  }

  private static func undisplay(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    if arguments.isEmpty {
      session.displays = []
      return .nothing
    }
    guard arguments.words.count == 1, let number = Int(arguments.text),
      let index = session.displays.firstIndex(where: { $0.number == number })
    else { throw ShellError("nothing is shown as number '\(arguments.text)': 'info display' lists them") }
    session.displays.remove(at: index)
    return .nothing
  }

  private static func listDisplays(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectNothing()
    var table = Table(
      [.init("number", "#", right: true), .init("command")],
      empty: "nothing is shown at stops: 'display EXPRESSION' adds something")
    for display in session.displays { table.rows.append([.number(display.number), .text(display.command)]) }
    return Answer(table)
  }
}

/// Something that is shown at every stop.
struct Display: Hashable {
  var number: Int
  var expression: String
  /// The command that shows it.
  var command: String
  /// It shows memory, in lines of its own.
  var isMemory: Bool
}

/// What the displays show where the guest stands.
struct ShownDisplays: Report {
  var rows: [(display: Display, lines: [String])]

  var lines: [String] {
    rows.flatMap { display, lines in
      display.isMemory
        ? ["\(display.number): \(display.command)"] + lines
        : ["\(display.number): \(display.expression) = " + lines.joined(separator: " ")]
    }
  }

  var json: JSONValue {
    .array(
      rows.map { display, lines in
        .object([
          .init("number", .number(UInt64(display.number))), .init("expression", .string(display.expression)),
          .init("lines", .array(lines.map { .string($0) })),
        ])
      })
  }
}

extension DebuggerSession {
  /// What the displays show now. Showing them leaves `$_`, `$va` and `$pa` alone.
  func shownDisplays() -> ShownDisplays {
    let kept = variables
    defer { variables = kept }
    return ShownDisplays(
      rows: displays.map { display in
        do throws(ShellError) {
          return (display, try answer(to: display.command).answer.lines)
        } catch {
          return (display, [error.message])
        }
      })
  }
}
