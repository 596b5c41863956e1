/// The argument of `--check`: "stale=warn" or "stale=stop".
enum StaleChecking: String, Hashable {
  /// Report each stale use and go on; a guest that ends with 0 ends with `ExitStatus.stale` then.
  case warn
  /// End the run at the first.
  case stop

  /// - Throws: `CheckOptionError` with a sentence.
  init(parsing text: String) throws(CheckOptionError) {
    let prefix = "stale="
    guard text.hasPrefix(prefix), let mode = Self(rawValue: String(text.dropFirst(prefix.count))) else {
      throw CheckOptionError(text: text)
    }
    self = mode
  }
}

struct CheckOptionError: Error, CustomStringConvertible {
  var text: String
  var description: String { "the check '\(text)' is not understood; expected stale=warn or stale=stop" }
}
