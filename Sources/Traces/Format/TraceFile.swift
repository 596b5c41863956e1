/// Files that hold traces.
public enum TraceFile {
  /// Whether the file at `path` is a trace, of whatever version, or empty: one that a recorder may write over.
  public static func isTrace(_ path: String) -> Bool {
    guard let input = try? InputFile(path) else { return false }
    let start = input.read(at: 0, count: 32)
    return start.isEmpty || form(of: start) != nil
  }

  /// Opens a trace of either form.
  ///
  /// - Throws: `TraceError` for what is not a trace of this version.
  public static func open(_ path: String) throws(TraceError) -> any BlockSource {
    let input = try InputFile(path)
    switch form(of: input.read(at: 0, count: 32)) {
    case .binary: return try TraceReader(input)
    case .text: return try TextReader(input)
    case nil:
      throw TraceError(
        file: path, .notATrace, "is not a trace", expected: "a file that 'pagewalk trace record' wrote")
    }
  }

  /// What a trace of this version or an older one was recorded from: enough to record it again.
  ///
  /// - Throws: `TraceError` for what is not a trace, or a trace of a later version.
  public static func header(of path: String) throws(TraceError) -> (header: TraceHeader, form: TraceForm) {
    let input = try InputFile(path)
    switch form(of: input.read(at: 0, count: 32)) {
    case .binary: return (try TracePreamble(input, acceptsOlder: true).header, .binary)
    case .text: return (try TextReader(input, acceptsOlder: true).header, .text)
    case nil:
      throw TraceError(
        file: path, .notATrace, "is not a trace", expected: "a file that 'pagewalk trace record' wrote")
    }
  }

  private static func form(of start: [UInt8]) -> TraceForm? {
    if start.starts(with: TraceLayout.magic) { return .binary }
    return start.starts(with: Array(TextLayout.firstLine.utf8)) ? .text : nil
  }

  /// The sentence about a version that can't be read.
  static func otherVersion(_ path: String, _ version: String) -> TraceError {
    let isOlder = Int(version).map { $0 < TraceHeader.version } ?? false
    return TraceError(
      file: path, .otherVersion,
      "is a trace of format version \(PrintableText.excerpt(version)), and this pagewalk reads version \(TraceHeader.version)",
      expected: isOlder
        ? "a trace recorded again with 'trace record' or 'trace bless'"
        : "the pagewalk that recorded it, or a trace recorded again with this one")
  }

  /// Whether a file's version can be read.
  static func accepts(_ version: Int?, older: Bool) -> Bool {
    version == TraceHeader.version || older && (version.map { $0 >= 1 && $0 < TraceHeader.version } ?? false)
  }
}
