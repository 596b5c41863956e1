import Reports

/// help and quit.
enum ShellCommands {
  static let all: [Command] = [
    Command(
      ["help", "h", "?"], .shell, "list the commands, or tell about one", usage: "help [GROUP|COMMAND]",
      example: "help walk", completion: .command, action: help),
    Command(
      ["quit", "q", "exit"], .shell, "end the session", usage: "quit", example: "quit", action: quit),
  ]

  static func quit(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    session.wantsToQuit = true
    return .nothing
  }

  static func help(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let table = session.commands
    if arguments.isEmpty { return Answer(GroupHelp(table: table)) }
    if let group = CommandGroup(rawValue: arguments.text), !table.commands(in: group).isEmpty {
      return Answer(CommandListing(commands: table.commands(in: group)))
    }
    // A word that several names begin with, such as "info", gets all of them.
    let beginning = arguments.text + " "
    let begun = table.commands.filter { $0.names.contains { $0.hasPrefix(beginning) } }
    if begun.count > 1 { return Answer(CommandListing(commands: begun)) }
    return Answer(CommandHelp(command: try table.find(arguments.words).command))
  }
}

/// The groups and their commands.
private struct GroupHelp: Report {
  let table: CommandTable

  private var groups: [CommandGroup] {
    CommandGroup.allCases.filter { !table.commands(in: $0).isEmpty }
  }

  var lines: [String] {
    groups.flatMap { group in
      [
        group.rawValue.padded(to: 9) + group.summary,
        "         " + table.commands(in: group).map(\.name).joined(separator: ", "),
      ]
    } + [
      "'help GROUP' and 'help COMMAND' tell more. Commands can be cut short; --json behind one gives JSON; an empty line repeats."
    ]
  }

  var json: JSONValue {
    .object(
      groups.map { group in
        .init(group.rawValue, .array(table.commands(in: group).map { .string($0.name) }))
      })
  }
}

private struct CommandListing: Report {
  let commands: [Command]

  var lines: [String] {
    let width = (commands.map(\.usage.count).max() ?? 0) + 2
    return commands.map { $0.usage.padded(to: width) + $0.summary }
  }

  var json: JSONValue { .array(commands.map { CommandHelp(command: $0).json }) }
}

private struct CommandHelp: Report {
  let command: Command

  var lines: [String] {
    var lines = ["\(command.usage)", "  \(command.summary)", "  example: \(command.example)"]
    let aliases = command.names.dropFirst()
    if !aliases.isEmpty { lines.append("  also: \(aliases.joined(separator: ", "))") }
    return lines
  }

  var json: JSONValue {
    .object([
      .init("name", .string(command.name)), .init("group", .string(command.group.rawValue)),
      .init("summary", .string(command.summary)), .init("usage", .string(command.usage)),
      .init("example", .string(command.example)),
      .init("aliases", .array(command.names.dropFirst().map { .string($0) })),
    ])
  }
}
