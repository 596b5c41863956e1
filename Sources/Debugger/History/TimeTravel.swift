import Emulator
import IA32
import Reports
import Runs

/// Going to other positions of the run, with nothing stopping on the way.
extension DebuggerSession {
  /// Executes `body`, which moves the machine through its history: stops are quiet, progress is shown, Ctrl-C ends it.
  /// - Throws: `ShellError` for positions that can't be reached; the machine stands where the sentence says.
  /// - Parameter target: where it goes to, for the progress; nil for somewhere in what is known.
  func travel<T>(
    to target: UInt64? = nil,
    _ body: (_ progress: @escaping (UInt64) -> Bool) throws(HistoryError) -> T
  ) throws(ShellError) -> T {
    stops.mode = .quiet
    takeConsole()
    defer {
      console.progress(nil)
      giveConsole()
      stops.mode = .stopping
      standing = []
      selectedFrame = 0
      listing = nil
      // At the end of the guest what waits in the transmitter belongs to it.
      console.show(history.takeSerialOutput(draining: history.ended != nil))
    }
    let console = console
    // From the nearest snapshot on, if it goes back; how far a search goes is not known before.
    let end = target ?? history.newestCycle
    let start =
      target.flatMap { target in history.snapshotCycles.last { $0 <= target } } ?? history.firstCycle
    do throws(HistoryError) {
      return try body { cycle in
        let (done, all) = (Double(cycle) - Double(start), Double(end) - Double(start))
        console.progress(all <= 0 ? nil : min(1, max(0, done / all)))
        return !console.isInterrupted
      }
    } catch {
      throw ShellError(error.sentence)
    }
  }

  /// Goes back this many instructions.
  /// - Throws: `ShellError` when the history does not reach so far.
  public func stepBack(_ count: UInt64 = 1) throws(ShellError) {
    let history = history
    try travel { progress throws(HistoryError) in
      if count <= 32 {
        for _ in 0..<count { try history.goToBoundary(before: self.machine.cycle) }
      } else {
        guard count <= history.instruction else { throw .beforeBeginning(first: history.firstCycle) }
        try history.goTo(instruction: history.instruction - count, progress: progress)
      }
    }
  }

  /// Goes back to the last stop, before the instruction that hit it.
  /// - Returns: what was hit; nil at the beginning of the history.
  /// - Throws: `ShellError` when it was stopped on the way.
  public func continueBack() throws(ShellError) -> Hit? {
    let known = standing
    let found = try travel { progress throws(HistoryError) in
      try ReverseContinue(self, known: known, progress).run()
    }
    guard var hit = found else { return nil }
    hit.before = nil
    if !hit.isBreakpoint { hit.text = "back before " + hit.text }
    stand(at: [hit])
    return hit
  }

  /// Goes to a cycle, back or forward.
  /// - Throws: `ShellError` when the history begins later, the guest ends earlier, or it was stopped on the way.
  public func go(to cycle: UInt64) throws(ShellError) {
    try travel(to: cycle) { progress throws(HistoryError) in
      try self.history.goTo(cycle: cycle, progress: progress)
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
