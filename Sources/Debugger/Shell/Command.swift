import Reports

/// What a command is about, and the order in which `help` lists them.
public enum CommandGroup: String, CaseIterable, Sendable {
  case run, look, paging, stops, history, check, kernel, trace, shell

  /// One line for `help`.
  public var summary: String {
    switch self {
    case .run: "let the guest go on, or go a step"
    case .look: "registers, memory, code, source"
    case .paging: "page tables, TLB, faults"
    case .stops: "where and when the guest stops"
    case .history: "the past: who wrote what"
    case .check: "look for mistakes in tables and TLB"
    case .kernel: "the mini-kernel's structures"
    case .trace: "record what happens"
    case .shell: "the shell itself"
    }
  }
}

/// What the words after a command can be completed to.
public enum CompletionKind: Sendable {
  case nothing
  /// Registers, session variables and symbols.
  case expression
  /// Commands and groups.
  case command
  /// One of these.
  case words([String])
}

/// A command of the shell, as data.
public struct Command: Sendable {
  /// What a command does.
  /// - Throws: `ShellError` with the message to show.
  public typealias Action = @Sendable (DebuggerSession, Arguments) throws(ShellError) -> Answer

  /// The first is the canonical one. A name may have several words, such as "info tlb".
  public let names: [String]
  /// The group that `help` lists it in.
  public let group: CommandGroup
  /// One line, without a full stop.
  public let summary: String
  /// Such as "walk VA [r|w|x] [-u]".
  public let usage: String
  /// A line to try.
  public let example: String
  /// What its arguments are completed to.
  public let completion: CompletionKind
  /// Whether a format may stand behind the name: "x/4xw".
  public let takesFormat: Bool
  let action: Action

  /// A command; the parameters are its properties.
  public init(
    _ names: [String], _ group: CommandGroup, _ summary: String, usage: String, example: String,
    completion: CompletionKind = .nothing, takesFormat: Bool = false, action: @escaping Action
  ) {
    self.names = names
    self.group = group
    self.summary = summary
    self.usage = usage
    self.example = example
    self.completion = completion
    self.takesFormat = takesFormat
    self.action = action
  }

  /// The name that help uses: the first.
  public var name: String { names[0] }
}
