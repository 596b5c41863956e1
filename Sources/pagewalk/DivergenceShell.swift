import Debugger
import Emulator

/// Where `trace verify --debug` hands over to the debugger's shell.
enum DivergenceShell {
  /// Enters the shell with the machine as it stands: after the instruction at which the run differed, with all of its past.
  ///
  /// - Returns: the exit status: that of a difference, or of a mistake in a script.
  static func enter(_ machine: GuestMachine) throws -> Int32 {
    let console = DebugConsole(machine)
    let session = DebuggerSession(
      machine: machine.machine, image: machine.image, console: console, history: machine.history,
      lastStop: machine.lastStop)
    session.readSource = SourceFiles.lines
    Interruption.end()
    let status = DebugLoop(session, beginLine: console.beginLine).run()
    return status == ExitStatus.success ? TestResult.different : status
  }
}
