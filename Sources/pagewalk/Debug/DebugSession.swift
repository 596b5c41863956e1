import Debugger
import Emulator
import Runs

/// The debugger's shell around a guest, on this process's standard input and output.
enum DebugSession {
  /// Executes the scripts, then what comes on standard input.
  ///
  /// - Parameters:
  ///   - console: where the guest prints; nil for this process's streams.
  ///   - history: the machine's past.
  /// - Returns: the exit status: 2 after a mistake in a script or a pipe.
  static func run(
    _ guest: GuestMachine, console: TerminalConsole? = nil, history: MachineHistory?,
    scripts: [(file: String, text: String)] = []
  ) -> Int32 {
    let console = console ?? TerminalConsole(.debugger)
    let session = DebuggerSession(
      machine: guest.machine, image: guest.image, console: console, history: history)
    session.readSource = SourceFiles.lines
    Interruption.install()
    Interruption.end()
    return DebugLoop(session, scripts: scripts, beginLine: console.beginLine).run()
  }
}
