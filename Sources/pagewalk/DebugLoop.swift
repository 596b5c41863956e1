import Debugger
import Glibc

/// Lines of commands from scripts and standard input to a shell, and its answers to standard output.
struct DebugLoop {
  private let session: DebuggerSession
  private let shell: Shell
  /// Called before something is printed: the guest may be in the middle of a line.
  private let beginLine: () -> Void

  init(_ session: DebuggerSession, beginLine: @escaping () -> Void) {
    self.session = session
    shell = Shell(session)
    self.beginLine = beginLine
  }

  /// Executes the scripts, then what comes on standard input.
  /// - Returns: the exit status.
  func run(scripts: [(file: String, text: String)]) -> Int32 {
    for (file, text) in scripts {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      for (index, line) in lines.enumerated() {
        if let failure = execute(String(line), repeats: false) {
          StandardError.write("pagewalk: \(file):\(index + 1): \(failure)\n")
          return ExitStatus.hostMistake
        }
        if session.wantsToQuit { return ExitStatus.success }
      }
    }
    return isatty(STDIN_FILENO) == 1 ? talk() : readPipe()
  }

  /// With a person: mistakes are told, and that is all.
  private func talk() -> Int32 {
    LineEditor.prepare(Completion(session))
    while !session.wantsToQuit {
      beginLine()
      guard let line = LineEditor.read(prompt: "(pw) ") else {
        FileOutput.write([UInt8(ascii: "\n")], to: STDOUT_FILENO)
        break
      }
      if let failure = execute(line, repeats: true) { StandardError.write("\(failure)\n") }
    }
    return ExitStatus.success
  }

  private func readPipe() -> Int32 {
    var status = ExitStatus.success
    while !session.wantsToQuit, let line = readLine() {
      guard let failure = execute(line, repeats: true) else { continue }
      StandardError.write("pagewalk: \(failure)\n")
      status = ExitStatus.hostMistake
    }
    beginLine()
    return status
  }

  /// Prints what a line answers; what it complains of is returned.
  private func execute(_ line: String, repeats: Bool) -> String? {
    // Ctrl-C stops what a command lets run, also between the steps of a long one.
    Interruption.begin()
    let outcome = shell.execute(line, repeats: repeats)
    Interruption.end()
    switch outcome {
    case .failed(let message):
      beginLine()
      return message
    case .done(let lines):
      guard !lines.isEmpty else { return nil }
      beginLine()
      FileOutput.write(Array(lines.map { $0 + "\n" }.joined().utf8)[...], to: STDOUT_FILENO)
      return nil
    }
  }
}
