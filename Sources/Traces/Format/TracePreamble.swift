import Emulator

/// The beginning of a binary trace: what it was recorded from, what its numbers stand for, and the image's names.
struct TracePreamble {
  let header: TraceHeader
  let map: ImageMap
  /// The first block's offset in the file.
  let end: UInt64

  /// - Parameter acceptsOlder: the header of an older version will do.
  /// - Throws: `TraceError` for a beginning that is damaged or of another version.
  init(_ input: InputFile, acceptsOlder: Bool = false) throws(TraceError) {
    let preamble = input.read(at: 0, count: TraceLayout.preambleSize)
    guard preamble.count == TraceLayout.preambleSize else { throw Self.truncated(input) }
    let version = preamble.little(UInt32.self, at: 8)
    guard TraceFile.accepts(Int(version), older: acceptsOlder) else {
      throw TraceFile.otherVersion(input.path, "\(version)")
    }
    let sizes = [12, 16, 20].map { preamble.little(UInt32.self, at: $0) }
    guard sizes.allSatisfy({ $0 <= TraceLayout.maxHeaderBytes }) else { throw Self.damaged(input) }
    let start = UInt64(TraceLayout.preambleSize)
    let text = input.read(at: start, count: Int(sizes[0]))
    let packed = input.read(at: start + UInt64(sizes[0]), count: Int(sizes[2]))
    guard text.count == Int(sizes[0]), packed.count == Int(sizes[2]) else { throw Self.truncated(input) }
    guard Checksum.of(Array(preamble[..<24]), text, packed) == preamble.little(UInt64.self, at: 24),
      let names = Decompressor().decompress(packed[...], count: Int(sizes[1]))
    else { throw Self.damaged(input) }
    header = try TraceHeader(
      lines: String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init), file: input.path)
    end = start + UInt64(sizes[0]) + UInt64(sizes[2])
    guard version == TraceHeader.version else {
      map = ImageMap()
      return
    }
    let lines = String(decoding: names, as: UTF8.self).split(separator: "\n")
    let shapes = lines.prefix { $0.hasPrefix("event ") }
    guard let map = ImageMap(lines: lines.dropFirst(shapes.count)) else { throw Self.damaged(input) }
    self.map = map
    try Self.check(shapes, of: header.kinds, input)
  }

  /// The numbers of kinds and fields stand for what they stand for here, in the kinds that were recorded.
  private static func check(
    _ shapes: ArraySlice<Substring>, of kinds: EventKinds, _ input: InputFile
  ) throws(TraceError) {
    let expected = EventKind.allCases.filter(kinds.contains).map { EventSchema.lines(of: $0) }
    guard shapes.count == expected.count else { throw damaged(input) }
    for (line, expected) in zip(shapes, expected) where line != expected {
      throw TraceError(
        file: input.path, .otherVersion,
        "has events of another pagewalk: '\(PrintableText.excerpt(line))' instead of '\(expected)'",
        expected: "the pagewalk that recorded it, or a trace recorded again with this one")
    }
  }

  private static func truncated(_ input: InputFile) -> TraceError {
    TraceError(
      file: input.path, .incomplete, "ends in its header", expected: "a trace that was recorded to its end")
  }

  private static func damaged(_ input: InputFile) -> TraceError {
    TraceError(file: input.path, .corrupt, "its header is damaged", expected: "a trace as it was recorded")
  }
}
