/// What is wrong with a trace file: which file, what, and what would be right. One sentence on one line.
public struct TraceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of mistake, for callers and tests that tell them apart.
  public enum Reason: Hashable, Sendable, CaseIterable {
    /// The file can't be opened, read or written.
    case unusableFile
    /// Not a trace at all.
    case notATrace
    /// A trace of another format version.
    case otherVersion
    /// The file ends before its recorder came to an end.
    case incomplete
    /// Bytes that no recorder writes: the file was damaged.
    case corrupt
    /// A golden without events.
    case empty
    /// The trace was made of another guest, machine or input than what is at hand.
    case mismatch
  }

  /// The file, as it was named.
  public var file: String
  /// The kind of mistake.
  public var reason: Reason
  /// What is wrong, to be read behind the file's name.
  public var problem: String
  /// What would be right.
  public var expected: String?

  /// A mistake with a file.
  public init(file: String, _ reason: Reason, _ problem: String, expected: String? = nil) {
    self.file = file
    self.reason = reason
    self.problem = problem
    self.expected = expected
  }

  /// Such as "a.pwt: is not a trace; expected a file that 'pagewalk trace record' wrote".
  public var description: String {
    "\(file): \(problem)" + (expected.map { "; expected \($0)" } ?? "")
  }
}
