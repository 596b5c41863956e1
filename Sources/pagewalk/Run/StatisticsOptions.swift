import ArgumentParser
import Reports

/// Whether, where and how a run prints what it counted.
struct StatisticsOptions: ParsableArguments {
  @Flag(help: "Print what was counted to standard error at the end.")
  var stats = false

  @Flag(help: "Print it as one line of JSON instead; implies --stats.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Write what was counted to a file of its own, as one object of JSON; '-' for standard output.",
      valueName: "file"),
    completion: .file())
  var statsFile: String?

  /// Makes the file before the run, so that a wrong path costs nothing.
  ///
  /// - Returns: nil where nothing is wanted.
  /// - Throws: `OutputError` if it can't be made.
  func open() throws(OutputError) -> StatisticsOutput? {
    guard stats || json || statsFile != nil else { return nil }
    return StatisticsOutput(
      onStandardError: stats || json, isJSON: json,
      file: try statsFile.map { path throws(OutputError) in try Output.to(path == "-" ? nil : path) })
  }
}

/// Where a run's statistics go.
struct StatisticsOutput {
  /// Printed to standard error.
  let onStandardError: Bool
  /// As JSON there.
  let isJSON: Bool
  /// As JSON; nil for no file.
  let file: Output?

  /// - Throws: `OutputError` if they did not all arrive.
  func write(_ report: StatisticsReport) throws(OutputError) {
    if onStandardError {
      StandardError.write(isJSON ? report.json.text + "\n" : PlainText.ofLines(report.text()))
    }
    guard let file else { return }
    file.write(lines: [report.json.text])
    if file !== Output.standard { try file.finish() }
  }
}
