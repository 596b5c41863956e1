import Emulator
import Reports

extension FaultExplanation {
  /// The last faults of a session's machine, with the session's names for places, and its past.
  init(_ session: DebuggerSession) {
    self.init(session.machine, lastStore: { session.lastStore(to: $0, since: $1) }) { session.describe($0) }
  }
}

extension DebuggerSession {
  /// The last store by an instruction to the paging entry at `address` after `cycle`; nil where the history does not
  /// reach back so far, or the search was interrupted.
  func lastStore(to address: UInt64, since cycle: UInt64) -> EventMoment? {
    let bytes = machine.pagingControl.mode == .pae ? 8 : 4
    let found = try? Writers(self, "entry", address, bytes: bytes) { _ in !self.console.isInterrupted }
    return found?.stores.last { $0.writer != .walker && $0.moment.cycle > cycle && !$0.isLater }?.moment
  }
}
