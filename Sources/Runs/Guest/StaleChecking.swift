/// The argument of `--check`: "stale=warn" or "stale=stop".
public enum StaleChecking: String, Hashable, Sendable {
  /// Report each stale use and go on; a guest that ends with 0 ends with `ExitStatus.stale` then.
  case warn
  /// End the run at the first.
  case stop

  /// - Throws: `RunOptionError` with a sentence.
  public init(parsing text: String) throws(RunOptionError) {
    let prefix = "stale="
    guard text.hasPrefix(prefix), let mode = Self(rawValue: String(text.dropFirst(prefix.count))) else {
      throw RunOptionError("the check '\(text)' is not understood; expected stale=warn or stale=stop")
    }
    self = mode
  }
}

/// Why a value that a person gave for a run can't be used, in one sentence.
public struct RunOptionError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  /// A sentence without a full stop.
  public init(_ sentence: String) { description = sentence }
}
