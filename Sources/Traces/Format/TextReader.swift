/// Reads a trace that is kept as text.
final class TextReader: BlockSource {
  private let input: InputFile
  let header: TraceHeader
  let map: ImageMap
  let form = TraceForm.text
  private(set) var ending: TraceEnding?
  let announcedEnding: TraceEnding?
  private let lines: LineReader
  private var nextEvent: UInt64 = 0
  private var encoder = EventEncoder()
  /// The line behind the header, which was read to find the header's end.
  private var pending: String?
  /// What the lines say of places: of each the first.
  private var places: [UInt32: String] = [:]
  /// Places that are noted already, by their low bits: asked before the dictionary. The upper half tells an empty one.
  private var recentPlaces = [UInt64](repeating: 0, count: 4096)

  private static let eventsABlock: UInt32 = 4096
  private static let maxEndingLines = 64

  var file: String { input.path }
  var fractionRead: Double { min(1, Double(lines.offset) / Double(max(input.length, 1))) }

  /// - Parameter acceptsOlder: the header of an older version will do.
  /// - Throws: `TraceError` for a header that is damaged or of another version.
  init(_ input: InputFile, acceptsOlder: Bool = false) throws(TraceError) {
    self.input = input
    lines = LineReader(input)
    var header: [String] = []
    var map = ImageMap()
    let first = try lines.nextString() ?? ""
    let version = first.dropFirst(TextLayout.firstLine.count)
    guard TraceFile.accepts(Int(version), older: acceptsOlder) else {
      throw TraceFile.otherVersion(input.path, String(version))
    }
    while let line = try lines.nextString() {
      guard line.hasPrefix("# "), !line.hasPrefix("# end: ") else {
        pending = line
        break
      }
      let text = line.dropFirst(2)
      if text.hasPrefix(TextLayout.segment),
        let part = ImageMap.Part(text.dropFirst(TextLayout.segment.count))
      {
        map.parts.append(part)
      } else {
        header.append(String(text))
      }
    }
    self.header = try TraceHeader(lines: header, file: input.path)
    self.map = map
    announcedEnding = Self.endingOfFile(input)
  }

  private static let maxEndingBytes = 4096

  /// What the last lines say.
  private static func endingOfFile(_ input: InputFile) -> TraceEnding? {
    let start = input.length - min(input.length, UInt64(maxEndingBytes))
    let text = String(decoding: input.read(at: start, count: maxEndingBytes), as: UTF8.self)
    guard text.hasSuffix("\n") else { return nil }
    let lines = text.split(separator: "\n").map(String.init)
    guard let first = lines.lastIndex(where: { $0.hasPrefix("# end: ") }) else { return nil }
    return TraceEnding(lines: values(of: lines[first...]))
  }

  /// The lines "# key: value" of an ending. Only exact ones tell cycles and instructions.
  private static func values(of lines: some Sequence<String>) -> [String: String] {
    var values = ["cycles": "0", "instructions": "0"]
    for line in lines {
      let parts = line.dropFirst(2).split(separator: ":", maxSplits: 1)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1].dropFirst()) }
    }
    return values
  }

  // MARK: Places

  func line(at linear: UInt32) -> String? { places[linear].flatMap { Self.split($0).line } }
  func symbol(at linear: UInt32) -> String? { places[linear].flatMap { Self.split($0).symbol } }

  /// "symbol+0x4 (file.c:12)" and its parts.
  private static func split(_ place: String) -> (symbol: String?, line: String?) {
    guard place.hasSuffix(")"), let open = place.lastIndex(of: "(") else { return (place, nil) }
    let inner = place[place.index(after: open)...].dropLast()
    guard let colon = inner.lastIndex(of: ":"), UInt32(inner[inner.index(after: colon)...]) != nil else {
      return (place, nil)
    }
    let symbol = place[..<open].split(separator: " ").joined(separator: " ")
    return (symbol.isEmpty ? nil : symbol, String(inner))
  }

  /// Keeps what a line says of its place. Whether it is printable.
  @inline(__always)
  private func note(_ linear: UInt32, _ place: UnsafeRawBufferPointer) -> Bool {
    let slot = Int(linear & 4095)
    let mark = UInt64(linear) | 1 << 32
    if recentPlaces[slot] == mark { return true }
    recentPlaces[slot] = mark
    return noteNew(linear, place)
  }

  @inline(never)
  private func noteNew(_ linear: UInt32, _ place: UnsafeRawBufferPointer) -> Bool {
    guard places[linear] == nil, places.count < TraceLayout.maxPlaces else { return true }
    let text = String(decoding: place, as: UTF8.self)
    places[linear] = text
    return PrintableText.isPrintable(text)
  }

  // MARK: Events

  func seek(cycle: UInt64) {}

  func nextBlock() throws(TraceError) -> TraceBlock? {
    guard ending == nil else { return nil }
    encoder.reset()
    let first = nextEvent
    if var line = pending {
      pending = nil
      var failure: TraceError?
      let isEvent = line.withUTF8 { bytes in
        do throws(TraceError) {
          return try take(UnsafeRawBufferPointer(bytes))
        } catch {
          failure = error
          return false
        }
      }
      if let failure { throw failure }
      if !isEvent { return nil }
    }
    while encoder.count < Self.eventsABlock {
      guard let line = try lines.next() else {
        // What came before is handed out first.
        if encoder.count == 0 { throw unfinished }
        break
      }
      if try !take(line) { break }
    }
    guard encoder.count > 0 else { return nil }
    return TraceBlock(
      firstEvent: first, count: encoder.count, events: Array(encoder.events.bytes),
      times: Array(encoder.times.bytes))
  }

  /// Takes a line: an event's, or the first of the ending. Whether it was an event's.
  @inline(__always)
  private func take(_ line: UnsafeRawBufferPointer) throws(TraceError) -> Bool {
    if let (event, place) = TextGrammar.shared.parse(line) {
      encoder.append(event)
      nextEvent += 1
      guard place == line.count || note(event.moment.linear, UnsafeRawBufferPointer(rebasing: line[place...]))
      else { throw notAnEvent(line) }
      return true
    }
    guard line.starts(with: "# ".utf8) else { throw notAnEvent(line) }
    try readEnding(String(decoding: line, as: UTF8.self))
    return false
  }

  private func readEnding(_ first: String) throws(TraceError) {
    var text = [first]
    while text.count < Self.maxEndingLines, let line = try lines.nextString() { text.append(line) }
    guard let ending = TraceEnding(lines: Self.values(of: text)), ending.events == nextEvent else {
      throw TraceError(
        file: file, .corrupt, "its last lines don't fit its \(nextEvent) events",
        expected: "a trace as it was recorded")
    }
    self.ending = ending
  }

  private func notAnEvent(_ line: UnsafeRawBufferPointer) -> TraceError {
    let text = PrintableText.excerpt(String(decoding: line.prefix(400), as: UTF8.self))
    return TraceError(
      file: file, .corrupt, "line \(lines.number) is not an event: '\(text)'",
      expected: "lines as docs/trace-format.md describes them")
  }

  private var unfinished: TraceError {
    TraceError(
      file: file, .incomplete, "ends after event \(nextEvent): its recorder was stopped before the end",
      expected: "a trace that was recorded to its end")
  }
}
