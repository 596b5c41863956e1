import Reports

/// The files that a profile goes to: PREFIX.txt, PREFIX.folded and PREFIX.walks.folded. They are made before the run, so
/// that a wrong path costs nothing.
struct ProfileOutput {
  private let text: Output
  private let cycles: Output
  private let walkCycles: Output

  /// - Throws: `OutputError` for the first file that can't be made.
  init(prefix: String) throws(OutputError) {
    text = try Output(creating: prefix + ".txt")
    cycles = try Output(creating: prefix + ".folded")
    walkCycles = try Output(creating: prefix + ".walks.folded")
  }

  /// Writes all forms of the profile.
  ///
  /// - Throws: `OutputError` for the first that didn't arrive.
  func write(_ report: ProfileReport) throws(OutputError) {
    let parts = [
      (report.text(), text), (report.folded(.cycles), cycles), (report.folded(.walkCycles), walkCycles),
    ]
    for (form, output) in parts {
      output.write(form)
      try output.finish()
    }
  }
}
