import Glibc

/// What went wrong with a file of the host: one sentence on one line.
public struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, as it was named.
  public let path: String
  /// What can't be done with it, and the host's reason.
  public let problem: String
  /// The value of `errno`.
  public let code: Int32

  init(_ path: String, _ what: String, code: Int32) {
    self.path = path
    self.code = code
    problem = "\(what) (\(String(cString: strerror(code))))"
  }

  /// Such as "out/a.json: can't be written (Permission denied)".
  public var description: String { "\(path): \(problem)" }
}
