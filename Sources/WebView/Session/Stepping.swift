import Debugger
import Emulator
import Reports

extension PageSource {
  /// What a step goes to.
  public enum Step: String, Sendable {
    case instruction
    case walk
    case event

    var kinds: Set<LoggedKind> {
      self == .walk ? [.walk] : Set(LoggedKind.allCases).subtracting([.fill, .evict])
    }
  }

  /// Goes an instruction, or to behind the next walk or event, or back. Where the next event is not known yet the guest runs
  /// until there is one.
  /// - Throws: `ShellError` where it can't go.
  public func step(_ step: Step, forward: Bool) throws(ShellError) {
    guard step != .instruction else {
      if forward { try session.step() } else { try session.stepBack() }
      return
    }
    if forward { try goForward(step.kinds) } else { try goBack(step.kinds) }
  }

  private func goForward(_ kinds: Set<LoggedKind>) throws(ShellError) {
    let start = machine.cycle
    var slice: UInt64 = 20_000
    while true {
      if let cycle = firstEvent(kinds, from: start) {
        return try session.go(to: cycle + 1)
      }
      guard session.ended == nil else { return }
      let standing = try session.run(untilCycle: machine.cycle &+ slice)
      let isOver = standing.reason.isEnd || standing.reason == .interrupted || standing.reason == .waiting
      guard standing.hits.isEmpty, !isOver else { return }
      slice = min(slice * 2, 10_000_000)
    }
  }

  private func firstEvent(_ kinds: Set<LoggedKind>, from start: UInt64) -> UInt64? {
    recorder.synchronize()
    let log = recorder.log
    return (log.firstIndex(at: start)..<log.count).first { kinds.contains(log[$0].kind) }.map {
      log[$0].cycle
    }
  }

  private func goBack(_ kinds: Set<LoggedKind>) throws(ShellError) {
    recorder.synchronize()
    let start = machine.cycle
    var index = recorder.log.firstIndex(at: start) - 1
    while index >= 0 {
      let event = recorder.log[index]
      if kinds.contains(event.kind) {
        try session.go(to: event.cycle + 1)
        // What happened in the instruction that led here is not before it.
        if machine.cycle < start { return }
        index = recorder.log.firstIndex(at: event.cycle)
      }
      index -= 1
    }
    try session.go(to: session.history.firstCycle)
  }
}
