import Reports
import Runs

/// Where `trace verify --debug` hands over to the debugger's shell.
enum DivergenceShell {
  /// Enters the shell with the machine as it stands: after the instruction at which the run differed, with all of its past.
  ///
  /// - Returns: the exit status: that of a difference, or of a mistake in a script.
  static func enter(_ machine: GuestMachine) throws -> Int32 {
    let status = DebugSession.run(machine, history: machine.history)
    return status == ExitStatus.success ? ExitStatus.different : status
  }
}
