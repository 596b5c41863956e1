import Reports

/// Executes lines of text in a session.
public final class Shell {
  /// What became of a line.
  public enum Outcome: Hashable, Sendable {
    /// Lines to print, without line ends.
    case done([String])
    /// One line that says why not.
    case failed(String)

    fileprivate func after(_ lines: [String]) -> Outcome {
      switch self {
      case .done(let more): .done(lines + more)
      case .failed(let message): .done(lines + [message])
      }
    }
  }

  public let session: DebuggerSession
  /// What an empty line stands for.
  private var last = ""
  /// Lines longer than this many bytes are refused.
  static let longestLine = 4096

  public init(_ session: DebuggerSession) {
    self.session = session
    session.perform = { [unowned self] line in
      switch self.execute(line, repeats: false) {
      case .done(let lines): lines
      case .failed(let message): [message]
      }
    }
  }

  /// - Parameter repeats: whether an empty line stands for the last command again, as it does for people.
  public func execute(_ line: String, repeats: Bool = true) -> Outcome {
    guard line.utf8.count <= Self.longestLine else {
      return .failed("the line has more than \(Self.longestLine) bytes")
    }
    let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }.map(
      String.init)
    if words.isEmpty {
      guard repeats, !last.isEmpty else { return .done([]) }
      return execute(last, repeats: false)
    }
    if words[0].hasPrefix("#") { return .done([]) }
    do throws(ShellError) {
      last = words.joined(separator: " ")
      let lines = try perform(words)
      // A line that was given inside an access, and waited for its end.
      guard let line = session.stepping.takeWaiting() else { return .done(lines) }
      return execute(line, repeats: false).after(lines)
    } catch {
      return .failed(error.message)
    }
  }

  private func perform(_ line: [String]) throws(ShellError) -> [String] {
    var words = line
    var isJSON = false
    if let index = words.firstIndex(of: "--json") {
      words.remove(at: index)
      isJSON = true
    }
    guard let first = words.first else {
      throw ShellError("--json alone is no command: put it behind one that shows something")
    }
    // A format belongs to the first word: "x/4xw".
    var format: String?
    if let slash = first.firstIndex(of: "/") {
      format = String(first[first.index(after: slash)...])
      words[0] = String(first[..<slash])
    }
    let (command, length) = try session.commands.find(words)
    if let format, !command.takesFormat {
      throw ShellError("'\(command.name)' takes no format such as '/\(format)': expected \(command.usage)")
    }
    let arguments = Arguments(
      format: format, words: Array(words.dropFirst(length)), usage: command.usage, isJSON: isJSON)
    let answer = try command.action(session, arguments)
    if let next = answer.next { last = next + (isJSON ? " --json" : "") }
    return isJSON ? [answer.json.text] : answer.lines
  }
}
