/// What is wrong with a snapshot's file: which file, what, and what would be right. One sentence on one line.
public struct SnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of mistake, for callers and tests that tell them apart.
  public enum Reason: Hashable, Sendable, CaseIterable {
    /// The file can't be opened, read or written.
    case unusableFile
    /// Not a snapshot at all.
    case notASnapshot
    /// A snapshot of another format version.
    case otherVersion
    /// Bytes that were not written so: the file was damaged, or cut off.
    case damaged
    /// A whole snapshot that this program can build no machine of.
    case unusableState
    /// The disk or the image is another than when the snapshot was saved.
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

  /// Such as "a.snap: is not a snapshot; expected a file that 'pagewalk snapshot save' wrote".
  public var description: String {
    "\(file): \(problem)" + (expected.map { "; expected \($0)" } ?? "")
  }
}
