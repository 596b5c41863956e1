import ArgumentParser
import Reports

/// The words of the command line, before the argument parser sees them.
enum CommandLineWords {
  /// The arguments without the program's name.
  ///
  /// - Throws: `ValidationError` for one that is not UTF-8: a path that was repaired would lead to another file.
  static func arguments() throws -> [String] {
    try (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      guard let word = CommandLine.unsafeArgv[index] else { return nil }
      if let text = String(validatingCString: word) { return text }
      let shown = String(cString: word).unicodeScalars.map { $0 == "\u{fffd}" ? "?" : Character($0) }
      throw ValidationError(
        "the argument '\(String(shown))' is not UTF-8; expected file names in UTF-8: rename the file, or give it a link with another name"
      )
    }
  }

  /// Names the subcommand that was probably meant where one is mistyped.
  ///
  /// - Throws: `ValidationError` with a sentence.
  static func checkSubcommands(_ arguments: [String]) throws {
    var words = arguments[...]
    if words.first == "help" { words.removeFirst() }
    var command: any ParsableCommand.Type = Pagewalk.self
    while !command.configuration.subcommands.isEmpty, let word = words.popFirst(), !word.hasPrefix("-") {
      let subcommands = command.configuration.subcommands
      let names = subcommands.map { $0.configuration.commandName ?? "" }
      if let index = names.firstIndex(of: word) {
        command = subcommands[index]
      } else if word == "help" {
        continue
      } else {
        let start = command == Pagewalk.self ? "" : (command.configuration.commandName ?? "") + " "
        if let near = EditDistance.nearest(to: word, among: names) {
          throw ValidationError("there is no subcommand '\(start)\(word)': did you mean '\(start)\(near)'?")
        }
        throw ValidationError(
          "there is no subcommand '\(start)\(word)'; expected \(names.joined(separator: ", "))")
      }
    }
  }
}
