import Emulator
import IA32

/// `rc`: back to the last stop before the present.
///
/// The past is searched from its end: each stretch between two snapshots is executed again with all stops recording, the
/// newest stretch first. The last hit found is where the machine goes: before the instruction that made it, so that
/// executing on makes it again. A store that has made a translation stale, as a report has told, counts as a stop too.
struct ReverseContinue {
  private let session: DebuggerSession
  private let progress: (UInt64) -> Bool
  private let present: UInt64
  private let presentInstruction: UInt64
  /// What the machine stands at: not what is looked for.
  private let known: [EventMoment]

  init(_ session: DebuggerSession, known: [Hit], _ progress: @escaping (UInt64) -> Bool) {
    self.session = session
    self.progress = progress
    self.known = known.map(\.moment)
    present = session.machine.cycle
    presentInstruction = session.history.instruction
  }

  /// - Returns: the hit that was gone to; nil at the beginning of the history.
  func run() throws(HistoryError) -> Hit? {
    var end = present
    for start in session.history.snapshotCycles.reversed() where start < present {
      if let hit = try lastHit(from: start, to: end) {
        session.stops.mode = .quiet
        if hit.isBreakpoint {
          try session.history.goTo(cycle: hit.moment.cycle, progress: progress)
        } else {
          try session.goToInstruction(of: hit.moment, progress)
        }
        return hit
      }
      end = start
    }
    try session.history.goTo(cycle: session.history.firstCycle)
    return nil
  }

  private func lastHit(from start: UInt64, to end: UInt64) throws(HistoryError) -> Hit? {
    session.stops.mode = .quiet
    try session.history.goTo(cycle: start)
    session.stops.mode = .recording(isWanted: isWanted)
    _ = session.stops.takeHits()
    var last: Hit?
    var isPassing = false
    while session.machine.cycle < end {
      let limit = min(end, session.history.nextCheck)
      let reason = session.history.run(untilCycle: limit, passingBreakpoint: isPassing)
      isPassing = false
      if case .breakpoint(let linear) = reason {
        session.hitBreakpoints(at: linear)
        isPassing = true
      }
      last = session.stops.takeHits().last ?? last
      if reason.isEnd || reason == .waiting { break }
      guard progress(session.machine.cycle) else { throw .cancelled(cycle: session.machine.cycle) }
    }
    let cause = session.stale.causes.values.filter { (start..<end).contains($0.moment.cycle) && isWanted($0) }
      .max { $0.moment.cycle < $1.moment.cycle }
    guard let cause else { return last }
    return last.map { $0.moment.cycle > cause.moment.cycle ? $0 : cause } ?? cause
  }

  private func isWanted(_ hit: Hit) -> Bool {
    guard hit.moment.cycle < present, !known.contains(hit.moment) else { return false }
    // Where the last `rc` went to: before the instruction that is next now.
    return hit.isBreakpoint || hit.moment.instruction < presentInstruction
  }
}
