/// Reads a trace that is kept as text.
final class TextReader: BlockSource {
  private let input: InputFile
  let header: TraceHeader
  let map: ImageMap? = nil
  private(set) var ending: TraceEnding?
  private var lineReader: LineReader
  private var nextEvent: UInt64 = 0
  private var encoder = EventEncoder()
  private var pending: String?
  private var places: [UInt32: Substring] = [:]

  private static let eventsABlock: UInt32 = 4096

  var file: String { input.path }

  /// - Throws: `TraceError` for a header that is damaged or of another version.
  init(_ input: InputFile) throws(TraceError) {
    self.input = input
    var lines: [String] = []
    var reader = LineReader(input)
    let first = try reader.next() ?? ""
    let version = first.dropFirst(TextLayout.firstLine.count)
    guard version == "\(TraceHeader.version)" else {
      throw TraceReader.otherVersion(input.path, String(version))
    }
    while let line = try reader.next() {
      guard line.hasPrefix("# "), !line.hasPrefix("# end: ") else {
        pending = line
        break
      }
      lines.append(String(line.dropFirst(2)))
    }
    header = try TraceHeader(lines: lines, file: input.path)
    lineReader = reader
  }

  func line(at linear: UInt32) -> String? { places[linear].flatMap { Self.split($0).line } }
  func symbol(at linear: UInt32) -> String? { places[linear].flatMap { Self.split($0).symbol } }

  /// "symbol+0x4 (file.c:12)" and its parts.
  private static func split(_ place: Substring) -> (symbol: String?, line: String?) {
    guard place.hasSuffix(")"), let open = place.lastIndex(of: "(") else { return (String(place), nil) }
    let inner = place[place.index(after: open)...].dropLast()
    guard let colon = inner.lastIndex(of: ":"), UInt32(inner[inner.index(after: colon)...]) != nil else {
      return (String(place), nil)
    }
    let symbol = place[..<open].split(separator: " ").joined(separator: " ")
    return (symbol.isEmpty ? nil : symbol, String(inner))
  }

  func seek(cycle: UInt64) {}

  func nextBlock() throws(TraceError) -> TraceBlock? {
    guard ending == nil else { return nil }
    encoder.reset()
    let first = nextEvent
    while encoder.count < Self.eventsABlock {
      guard let line = try nextLine() else {
        // What came before is handed out first.
        if encoder.count == 0 { throw unfinished }
        break
      }
      if line.hasPrefix("# ") {
        try readEnding(line)
        break
      }
      let parts = line.split(separator: " ; ", maxSplits: 1)
      guard let text = parts.first, let event = TextLayout.event(text) else {
        throw TraceError(
          file: file, .corrupt, "line \(lineReader.number) is no event: '\(line.prefix(80))'",
          expected: "lines as docs/trace-format.md describes them")
      }
      if parts.count > 1, places.count < TraceLayout.placeLimit { places[event.moment.linear] = parts[1] }
      encoder.append(event)
      nextEvent += 1
    }
    guard encoder.count > 0 else { return nil }
    return TraceBlock(
      firstEvent: first, count: encoder.count, events: Array(encoder.events.bytes),
      times: Array(encoder.times.bytes))
  }

  private func nextLine() throws(TraceError) -> String? {
    defer { pending = nil }
    if let pending { return pending }
    return try lineReader.next()
  }

  private func readEnding(_ first: String) throws(TraceError) {
    var lines: [String: String] = ["cycles": "0", "instructions": "0"]
    var line: String? = first
    while let text = line {
      let parts = text.dropFirst(2).split(separator: ":", maxSplits: 1)
      if parts.count == 2 { lines[String(parts[0])] = String(parts[1].dropFirst()) }
      line = try lineReader.next()
    }
    guard let ending = TraceEnding(lines: lines), ending.events == nextEvent else {
      throw TraceError(
        file: file, .corrupt, "its last lines don't fit its \(nextEvent) events",
        expected: "a trace as it was recorded")
    }
    self.ending = ending
  }

  private var unfinished: TraceError {
    TraceError(
      file: file, .incomplete, "ends after event \(nextEvent): its recorder was stopped before the end",
      expected: "a trace that was recorded to its end")
  }
}

/// The lines of a file, one after the other.
struct LineReader {
  private let input: InputFile
  private var buffer: [UInt8] = []
  private var start = 0
  private var offset: UInt64 = 0
  /// Of the line read last, from 1 on.
  private(set) var number = 0

  private static let piece = 1 << 16
  private static let longest = 1 << 20

  init(_ input: InputFile) { self.input = input }

  /// The next line without its end; nil at the end. A last line without an end counts as not there: it may be cut off.
  mutating func next() throws(TraceError) -> String? {
    while true {
      if let end = buffer[start...].firstIndex(of: 0x0a) {
        defer { start = end + 1 }
        number += 1
        return String(decoding: buffer[start..<end], as: UTF8.self)
      }
      guard buffer.count - start <= Self.longest else {
        throw TraceError(file: input.path, .corrupt, "line \(number + 1) is too long to be one of a trace")
      }
      let more = input.read(at: offset, count: Self.piece)
      if more.isEmpty { return nil }
      offset += UInt64(more.count)
      buffer.removeFirst(start)
      start = 0
      buffer += more
    }
  }
}
