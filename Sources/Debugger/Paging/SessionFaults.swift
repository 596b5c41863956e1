import Reports

extension FaultExplanation {
  /// The last faults of a session's machine, with the session's names for places.
  init(_ session: DebuggerSession) { self.init(session.machine) { session.describe($0) } }
}
