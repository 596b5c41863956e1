import Emulator
import IA32
import Reports
import Runs

/// Going to other positions of the run, with nothing stopping on the way.
extension DebuggerSession {
  /// Executes `body`, which moves the machine through its history: stops are quiet, progress is shown, Ctrl-C ends it.
  /// - Throws: `ShellError` for positions that can't be reached; the machine stands where the sentence says.
  func travel<T>(
    _ body: (_ progress: @escaping (UInt64) -> Bool) throws(HistoryError) -> T
  ) throws(ShellError) -> T {
    stops.mode = .quiet
    console.begin()
    defer {
      console.progress(nil)
      console.end()
      stops.mode = .stopping
      standing = []
      listing = nil
      console.show(history.takeSerialOutput())
    }
    let console = console
    let newest = history.newestCycle
    do throws(HistoryError) {
      return try body { cycle in
        console.progress(newest == 0 ? nil : Double(cycle) / Double(newest))
        return !console.isInterrupted
      }
    } catch {
      throw ShellError(error.sentence)
    }
  }

  /// Goes to the boundary before the instruction at `moment`, which is in the past.
  func goToInstruction(of moment: EventMoment, _ progress: @escaping (UInt64) -> Bool) throws(HistoryError) {
    try history.goTo(instruction: moment.instruction, progress: progress)
    // An interrupt that was taken before it comes first.
    var steps = 0
    while machine.moment.linear != moment.linear, history.instruction == moment.instruction,
      machine.cycle < moment.cycle, steps < 16
    {
      try history.goTo(cycle: machine.cycle &+ 1)
      steps += 1
    }
  }
}

extension HistoryError {
  /// One line for people.
  var sentence: String {
    switch self {
    case .beforeBeginning(let first): "the history begins at cycle \(first): 'info history' tells more"
    case .endsBefore(let cycle, let stop):
      stop.isEnd
        ? "the guest ends before that, at cycle \(cycle) (\(stop.name)), where it stands now"
        : "the guest waits for input at cycle \(cycle), where it stands now: 'type' sends it some"
    case .cancelled(let cycle): "stopped on the way, at cycle \(cycle)"
    }
  }
}
