/// Some thousands of events in a row, as `EventEncoder` wrote them.
public struct TraceBlock: Sendable {
  /// How many events come before.
  public var firstEvent: UInt64
  public var count: UInt32
  var events: [UInt8]
  var times: [UInt8]
}

/// A trace that is read from its beginning to its end.
public protocol BlockSource: AnyObject {
  var file: String { get }
  var header: TraceHeader { get }
  /// nil where the form keeps none.
  var map: ImageMap? { get }
  /// The next block; nil at the end.
  ///
  /// - Throws: `TraceError` where the file is damaged, or was never finished. All blocks before that have been handed out.
  func nextBlock() throws(TraceError) -> TraceBlock?
  /// How the run ended; known when `nextBlock` has returned nil.
  var ending: TraceEnding? { get }
  /// The source line that the recorder knew for the code at `linear`.
  func line(at linear: UInt32) -> String?
  /// The symbol that the recorder knew there, where it wrote it down for each event.
  func symbol(at linear: UInt32) -> String?
  /// Goes on with a block near and before `cycle`.
  func seek(cycle: UInt64) throws(TraceError)
}

/// Reads traces event by event.
public final class TraceCursor {
  public let source: any BlockSource
  private var decoder = EventDecoder(events: [], times: [], count: 0)
  /// How many events come before the next.
  public private(set) var number: UInt64 = 0

  public init(_ source: any BlockSource) { self.source = source }

  /// The next event; nil at the end.
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

public enum TraceFile {
  /// Whether the file at `path` is a trace, of whatever version, or empty: one that a recorder may write over.
  public static func isTrace(_ path: String) -> Bool {
    guard let input = try? InputFile(path) else { return false }
    let start = input.read(at: 0, count: 32)
    return start.isEmpty || start.starts(with: TraceLayout.magic)
      || start.starts(with: Array(TextLayout.firstLine.utf8))
  }

  /// Opens a trace of either form.
  ///
  /// - Throws: `TraceError` for what is no trace of this version.
  public static func open(_ path: String) throws(TraceError) -> any BlockSource {
    let input = try InputFile(path)
    let start = input.read(at: 0, count: 32)
    if start.starts(with: TraceLayout.magic) { return try TraceReader(input) }
    if start.starts(with: Array(TextLayout.firstLine.utf8)) { return try TextReader(input) }
    throw TraceError(
      file: path, .notATrace, "is no trace", expected: "a file that 'pagewalk trace record' wrote")
  }
}
