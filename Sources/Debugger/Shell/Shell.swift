import Reports

/// Executes lines of text in a session, and what they leave to be done.
public final class Shell {
  /// What became of a line.
  public enum Outcome: Hashable, Sendable {
    /// Lines to print, without line ends.
    case done([String])
    /// One line that says why not.
    case failed(String)
  }

  /// The session that the lines are executed in.
  public let session: DebuggerSession
  /// What an empty line stands for.
  private var last = ""
  /// Lines longer than this many bytes are refused.
  static let maxLineBytes = 4096
  /// More lines than this many are printed before all is done.
  private static let maxKeptLines = 500

  /// A shell over `session`.
  public init(_ session: DebuggerSession) {
    self.session = session
    session.perform = { [unowned self] line in
      switch self.execute(line, repeats: false) {
      case .done(let lines): lines
      case .failed(let message): [message]
      }
    }
  }

  /// Executes a line, and all that follows from it: the lines of a file, of a defined command, of a stop.
  /// - Parameter repeats: whether an empty line stands for the last command again, as it does for people.
  public func execute(_ line: String, repeats: Bool = true) -> Outcome {
    guard line.utf8.count <= Self.maxLineBytes else {
      return .failed("the line has more than \(Self.maxLineBytes) bytes")
    }
    var text = DebuggerSession.words(line).joined(separator: " ")
    if text.isEmpty {
      guard repeats, !last.isEmpty else { return .done([]) }
      text = last
    }
    if text.hasPrefix("#") { return .done([]) }
    last = text
    let depth = session.queue.depth
    var lines: [String] = []
    do throws(ShellError) {
      try perform(text, &lines, isTyped: true)
      // A line that was given inside an access, and waited for its end.
      if let line = session.stepping.takeWaiting() { try perform(line, &lines, isTyped: false) }
      try drain(to: depth, &lines)
    } catch {
      session.queue.cut(to: depth)
      if !lines.isEmpty { session.emit(lines) }
      return .failed(PlainText.of(error.message))
    }
    return .done(lines)
  }

  /// Executes the lines that wait: the commands of stops that were hit by a run that no line of this shell began.
  public func executeWaiting() -> Outcome {
    var lines: [String] = []
    do throws(ShellError) {
      try drain(to: 0, &lines)
    } catch {
      session.queue.cut(to: 0)
      if !lines.isEmpty { session.emit(lines) }
      return .failed(PlainText.of(error.message))
    }
    return .done(lines)
  }

  private func perform(_ line: String, _ lines: inout [String], isTyped: Bool) throws(ShellError) {
    let (answer, isJSON) = try session.answer(to: line)
    if isTyped, let next = answer.next { last = next + (isJSON ? " --json" : "") }
    lines += (isJSON ? [answer.json.text] : answer.lines).map(PlainText.of)
  }

  /// Executes the lines that wait above `depth`.
  private func drain(to depth: Int, _ lines: inout [String]) throws(ShellError) {
    while !session.wantsToQuit, let line = session.queue.next(above: depth) {
      // Ctrl-C ends lists of commands too.
      guard !session.console.isInterrupted else {
        session.queue.cut(to: depth)
        return
      }
      do throws(ShellError) {
        if !line.text.isEmpty, !line.text.hasPrefix("#") { try perform(line.text, &lines, isTyped: false) }
        if let waiting = session.stepping.takeWaiting() { try perform(waiting, &lines, isTyped: false) }
      } catch {
        throw ShellError((line.place.map { "\($0): " } ?? "") + error.message)
      }
      if lines.count > Self.maxKeptLines {
        session.emit(lines)
        lines = []
      }
    }
  }
}
