import Emulator

/// Takes a run's events: a binary file, a text file.
public protocol TraceSink: AnyObject {
  /// Takes the next event.
  func append(_ event: MachineEvent, _ moment: EventMoment)
  /// Why writing failed. A recorder looks at it now and then and gives up.
  var failure: TraceError? { get }
  /// How many events were taken.
  var count: UInt64 { get }
  /// Whether a file was at the path before: it is there until `finish`, and stays if that is never called.
  var isReplacing: Bool { get }
  /// Writes what is left, and how the run ended. Nothing may follow.
  ///
  /// - Returns: where the trace is.
  /// - Throws: `TraceError` if not all of it could be written.
  @discardableResult
  func finish(_ ending: TraceEnding, _ place: TracePlacement) throws(TraceError) -> String
}

extension TraceSink {
  /// Writes what is left to the path that the trace was begun with.
  public func finish(_ ending: TraceEnding) throws(TraceError) { try finish(ending, .inPlace) }
}

/// Where a finished trace goes.
public enum TracePlacement: Sendable {
  /// To the path that it was begun with.
  case inPlace
  /// If something was there before: beside it, under its name with this suffix and perhaps a number.
  case beside(suffix: String)
}

/// What a trace is kept as.
public enum TraceForm: Sendable {
  /// Blocks of compressed events.
  case binary
  /// One event a line.
  case text
}
