import Reports

/// All commands, and finding the one that was meant.
public struct CommandTable: Sendable {
  /// All commands, in the order in which `help` lists them.
  public let commands: [Command]
  /// Every name of every command, cut into words, with the command's index.
  private let names: [(words: [String], index: Int)]

  /// A table of these commands.
  public init(_ commands: [Command]) {
    self.commands = commands
    names = commands.enumerated().flatMap { index, command in
      command.names.map { ($0.split(separator: " ").map(String.init), index) }
    }
  }

  /// The commands of the shell. A group's file lists its own.
  public static let standard = CommandTable(
    RunCommands.all + WalkingCommands.all + StopCommands.all + HistoryCommands.all + LookCommands.all
      + HardwareCommands.all
      + SourceCommands.all + PagingCommands.all + TableCommands.all
      + CheckCommands.all + KernelCommands.all + TraceCommands.all + ChangeCommands.all + FrameCommands.all
      + FindCommand.all + DescriptorCommands.all
      + ScriptCommands.all + ShellCommands.all)

  /// The commands of `group`.
  public func commands(in group: CommandGroup) -> [Command] { commands.filter { $0.group == group } }

  /// The command that the first of `words` name, and how many words that took. Each word may be cut short as long as only
  /// one name begins so; a whole name is always meant.
  /// - Throws: `ShellError` when there is none, or several.
  public func find(_ words: [String]) throws(ShellError) -> (command: Command, length: Int) {
    var candidates = names
    var length = 0
    var chosen: Command?
    while length < words.count {
      let word = words[length]
      let longer = candidates.filter { $0.words.count > length }
      let exact = longer.filter { $0.words[length] == word }
      let matching = exact.isEmpty ? longer.filter { $0.words[length].hasPrefix(word) } : exact
      if matching.isEmpty {
        if let chosen { return (chosen, length) }
        throw unknown(words, length, among: longer)
      }
      try checkAmbiguity(matching, words, length)
      length += 1
      let complete = matching.filter { $0.words.count == length }
      // Of several names here all belong to one command, or one is a whole word of the line.
      chosen = complete.first.map { commands[$0.index] }
      candidates = matching
      if candidates.allSatisfy({ $0.words.count == length }) { break }
    }
    guard let chosen else { throw incomplete(words, candidates, length) }
    return (chosen, length)
  }

  private func checkAmbiguity(
    _ matching: [(words: [String], index: Int)], _ words: [String], _ length: Int
  ) throws(ShellError) {
    let found = Set(matching.map { $0.words[length] })
    guard found.count > 1, Set(matching.map(\.index)).count > 1 else { return }
    let texts = matching.map { $0.words[...length].joined(separator: " ") }
    throw ShellError(
      "'\(words[...length].joined(separator: " "))' can mean \(Self.alternatives(texts))")
  }

  private func unknown(
    _ words: [String], _ length: Int, among names: [(words: [String], index: Int)]
  ) -> ShellError {
    let word = words[length]
    let before = words[..<length].map { $0 + " " }.joined()
    let near = EditDistance.nearest(to: word, among: names.map { $0.words[length] })
    let beginning = "unknown command '\(before)\(word)'"
    if let near { return ShellError(beginning + ": did you mean '\(before)\(near)'?") }
    if length > 0 {
      return ShellError(beginning + ": expected \(Self.alternatives(names.map { $0.words[length] }))")
    }
    return ShellError(beginning + ": 'help' lists them")
  }

  private func incomplete(
    _ words: [String], _ candidates: [(words: [String], index: Int)], _ length: Int
  ) -> ShellError {
    let next = candidates.filter { $0.words.count > length }.map { $0.words[length] }
    return ShellError("'\(words.joined(separator: " "))' needs \(Self.alternatives(next)) behind it")
  }

  /// "a, b or c", each once, in alphabetical order.
  static func alternatives(_ texts: [String]) -> String {
    let sorted = Set(texts).sorted()
    guard let last = sorted.last else { return "nothing" }
    if sorted.count == 1 { return last }
    return sorted.dropLast().joined(separator: ", ") + " or " + last
  }
}
