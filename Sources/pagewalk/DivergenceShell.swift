import Debugger
import Emulator

/// Where `trace verify --debug` hands over to the debugger's shell.
enum DivergenceShell {
  /// Enters the shell where the run differed: after the instruction of the event. The run's past is there too, to go back into.
  ///
  /// - Returns: the exit status, that of a difference.
  static func enter(_ verification: TraceVerification) throws -> Int32 {
    let (guest, history) = try guestWithPast(verification)
    let console = DebugConsole(guest)
    let session = DebuggerSession(
      machine: guest.machine, image: guest.image, console: console, history: history)
    session.readSource = SourceFiles.lines
    Interruption.end()
    let status = DebugLoop(session, beginLine: console.beginLine).run()
    return status == ExitStatus.success ? TestResult.different : status
  }

  /// A machine that has run to the same place with a history. With typed input it is the verified one, whose past is not kept.
  private static func guestWithPast(
    _ verification: TraceVerification
  ) throws -> (GuestMachine, MachineHistory) {
    let stopped = verification.machine
    guard verification.setup.header.input.isEmpty else { return (stopped, MachineHistory(stopped.machine)) }
    let guest = try verification.setup.makeMachine()
    let history = MachineHistory(guest.machine)
    guest.silenceDebugOutput()
    _ = history.run(untilCycle: stopped.cycle, passingBreakpoint: false)
    // What it said until here is not news.
    _ = history.takeSerialOutput(draining: false)
    return (guest, history)
  }
}
