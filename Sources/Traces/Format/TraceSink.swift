import Emulator

/// Takes a run's events: a binary file, a text file.
public protocol TraceSink: AnyObject {
  func append(_ event: MachineEvent, _ moment: EventMoment)
  /// Why writing failed. Whoever records looks at it now and then and gives up.
  var failure: TraceError? { get }
  /// How many events were taken.
  var count: UInt64 { get }
  /// Writes what is left, and how the run ended. Nothing may follow.
  func finish(_ ending: TraceEnding) throws(TraceError)
}

/// What a trace is kept as.
public enum TraceForm: Sendable {
  case binary
  case text
}
