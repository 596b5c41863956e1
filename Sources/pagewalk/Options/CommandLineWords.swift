import ArgumentParser
import HostFiles
import Reports

/// The words of the command line, before the argument parser sees them.
enum CommandLineWords {
  /// The arguments without the program's name; bytes that are not UTF-8 as `HostName` spells them.
  static func arguments() -> [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      CommandLine.unsafeArgv[index].map { HostName.string(cString: $0) }
    }
  }

  /// `--web` and `--web PORT` as the parser wants them: what follows `--web` is its port if it is a number.
  static func withPorts(_ arguments: [String]) -> [String] {
    var words: [String] = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if word == "--" { return words + [word] + rest }
      guard word == "--web" else {
        words.append(word)
        continue
      }
      let isPort =
        rest.first.map { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } } ?? false
      words.append("--web=" + (isPort ? rest.removeFirst() : "0"))
    }
    return words
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
