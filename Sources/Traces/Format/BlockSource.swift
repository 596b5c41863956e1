/// Some thousands of events in a row, as `EventEncoder` wrote them.
public struct TraceBlock: Sendable {
  /// How many events come before.
  public var firstEvent: UInt64
  /// How many events are in it: 1 and more.
  public var count: UInt32
  var events: [UInt8]
  var times: [UInt8]
}

/// A trace that is read from its beginning to its end.
public protocol BlockSource: AnyObject {
  /// The file's path, as it was given.
  var file: String { get }
  /// What the trace was recorded from.
  var header: TraceHeader { get }
  /// Binary or text.
  var form: TraceForm { get }
  /// Of the image; in text it has segments and no names.
  var map: ImageMap { get }
  /// The next block; nil at the end.
  ///
  /// - Throws: `TraceError` where the file is damaged, or was never finished. All blocks before that have been handed out.
  func nextBlock() throws(TraceError) -> TraceBlock?
  /// How the run ended; known when `nextBlock` has returned nil.
  var ending: TraceEnding? { get }
  /// How the run ended, as the end of the file says before it is read; nil for a recording that was killed.
  var announcedEnding: TraceEnding? { get }
  /// The source line that the recorder knew for the code at `linear`.
  func line(at linear: UInt32) -> String?
  /// The symbol that the recorder knew there, where it wrote it down for each event.
  func symbol(at linear: UInt32) -> String?
  /// How much of the file has been read, from 0 to 1.
  var fractionRead: Double { get }
  /// Goes on with a block near and before `cycle`.
  ///
  /// - Throws: `TraceError` for a file whose index is damaged.
  func seek(cycle: UInt64) throws(TraceError)
}

extension BlockSource {
  /// Looks at the end of the trace: can a run be compared with it?
  ///
  /// - Throws: `TraceError` for a recording that was killed, and for one without events.
  public func checkIsGolden() throws(TraceError) {
    guard let ending = announcedEnding else {
      throw TraceError(
        file: file, .incomplete, "was not finished: its recorder was stopped before the end",
        expected: "a trace that was recorded to its end")
    }
    guard ending.events > 0 else {
      throw TraceError(
        file: file, .empty, "holds no event, so it verifies nothing",
        expected: "a golden of kinds of events that the guest has")
    }
  }
}

/// Reads traces event by event.
public final class TraceCursor {
  /// The trace.
  public let source: any BlockSource
  private var decoder = EventDecoder(events: [], times: [], count: 0)
  /// How many events come before the next.
  public private(set) var number: UInt64 = 0

  /// A cursor before the next block of `source`.
  public init(_ source: any BlockSource) { self.source = source }

  /// The next event; nil at the end.
  ///
  /// - Throws: `TraceError` where the file is damaged or ends.
  public func next() throws(TraceError) -> TraceEvent? {
    while decoder.isAtEnd {
      guard let block = try source.nextBlock() else { return nil }
      decoder.begin(events: block.events, times: block.times, count: block.count)
      number = block.firstEvent
    }
    guard let event = decoder.next(), decoder.isSound else {
      throw TraceError(
        file: source.file, .corrupt, "event \(number + 1) is damaged", expected: "a trace as it was recorded")
    }
    number += 1
    return event
  }
}
