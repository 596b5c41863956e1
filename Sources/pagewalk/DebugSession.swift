import Debugger
import Emulator

/// The debugger's shell around a guest, on this process's standard input and output.
enum DebugSession {
  /// Executes the scripts, then what comes on standard input.
  ///
  /// - Parameters:
  ///   - history: the machine's past.
  ///   - lastStop: why the machine stands, if it has run.
  /// - Returns: the exit status: 2 after a mistake in a script or a pipe.
  static func run(
    _ guest: GuestMachine, history: MachineHistory?, lastStop: StopReason? = nil,
    scripts: [(file: String, text: String)] = []
  ) -> Int32 {
    let console = DebugConsole(guest)
    let session = DebuggerSession(
      machine: guest.machine, image: guest.image, console: console, history: history, lastStop: lastStop)
    session.readSource = SourceFiles.lines
    Interruption.install()
    Interruption.end()
    return DebugLoop(session, scripts: scripts, beginLine: console.beginLine).run()
  }
}
