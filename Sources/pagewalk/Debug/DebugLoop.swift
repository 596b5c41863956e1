import Debugger
import Reports
import WebServer

/// Lines of commands from scripts and standard input to a shell, and its answers to standard output.
struct DebugLoop {
  private let session: DebuggerSession
  private let shell: Shell
  private let source: CommandSource
  /// A page that is served beside the shell; nil for none.
  private let desk: PageDesk?
  /// Called before something is printed: the guest may be in the middle of a line.
  private let beginLine: () -> Void

  init(
    _ session: DebuggerSession, scripts: [(file: String, text: String)] = [], desk: PageDesk? = nil,
    beginLine: @escaping () -> Void
  ) {
    self.session = session
    self.desk = desk
    let shell = Shell(session)
    self.shell = shell
    desk?.executeWaiting = {
      switch shell.executeWaiting() {
      case .done(let lines): Self.print(lines)
      case .failed(let message): StandardError.write("\(message)\n")
      }
    }
    self.beginLine = beginLine
    let source = CommandSource(scripts: scripts, session: session, beginLine: beginLine)
    self.source = source
    session.nextLine = { prompt in
      // In the middle of a command: a page may look on, and nothing else.
      desk?.isHeld = true
      defer { desk?.isHeld = false }
      return source.next(prompt: prompt)
    }
    session.emit = { lines in
      beginLine()
      Self.print(lines)
    }
  }

  /// Executes lines until they end, or `quit`.
  /// - Returns: the exit status: 2 when a script's line failed, which ends the session, or a line of a pipe, which does not.
  func run() -> Int32 {
    var status = ExitStatus.success
    if source.isTerminal { Self.print(["Pagewalk's debugger: 'help' lists the commands, 'quit' ends it."]) }
    while !session.wantsToQuit {
      guard let line = source.next(prompt: "(pw) ") else {
        beginLine()
        if source.isTerminal { Self.print([""]) }
        break
      }
      let place = source.place
      guard let failure = execute(line, repeats: place == nil) else { continue }
      if let place {
        StandardError.write(PlainText.ofLines("pagewalk: \(place): \(failure)\n"))
        return ExitStatus.hostMistake
      }
      // A person sees the mistake and goes on.
      StandardError.write(source.isTerminal ? "\(failure)\n" : "pagewalk: \(failure)\n")
      if !source.isTerminal { status = ExitStatus.hostMistake }
    }
    return status
  }

  /// Prints what a line answers; what it complains of is returned.
  private func execute(_ line: String, repeats: Bool) -> String? {
    // Ctrl-C stops what a command lets run, also between the steps of a long one.
    Interruption.begin()
    let outcome = shell.execute(line, repeats: repeats)
    Interruption.end()
    desk?.noteChange()
    switch outcome {
    case .failed(let message):
      beginLine()
      return message
    case .done(let lines):
      guard !lines.isEmpty else { return nil }
      beginLine()
      if source.isTerminal, source.place == nil {
        Pager(print: Self.print).show(lines)
      } else {
        Self.print(lines)
      }
      return nil
    }
  }

  private static func print(_ lines: [String]) {
    Output.standard.write(lines: lines)
    Output.standard.flush()
  }
}
