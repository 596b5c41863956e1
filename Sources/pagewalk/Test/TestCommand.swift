import ArgumentParser
import Glibc
import HostFiles
import Reports
import Runs
import Traces

/// `pagewalk test`: verifies all goldens of a folder.
struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Verify all goldens below a folder, on all cores.",
    discussion: """
      Goldens are files that end in .pwt or .trace; each names its image. An image that was built anew is compared by the names \
      of places (see 'pagewalk trace verify --help'), unless --same-build asks for the recorded one.

      Status 0: all the same; 1: a difference; 2: a golden could not be used, or there is none.

      Examples:
        pagewalk test Tests/Golden
        pagewalk test --jobs 2 --junit report.xml Tests/Golden
      """)

  @Argument(help: "The folder with goldens, or one golden.", completion: .directory)
  var folder: String

  @Option(help: ArgumentHelp("How many run at a time. (default: one for each core)", valueName: "n"))
  var jobs: Int?

  @OptionGroup var timing: TimingOptions
  @OptionGroup var output: TestOutputOptions

  @Flag(help: "Print the results as one line of JSON.")
  var json = false

  @Flag(help: "Take another build than the recorded one for a mistake.")
  var sameBuild = false

  func run() throws {
    let goldens = try GoldenFolder.goldens(in: folder)
    var arguments = ["trace", "verify", "--worker"]
    if !sameBuild { arguments.append("--any-build") }
    if let mode = timing.timing {
      arguments += ["--timing", mode.rawValue, "--tolerance", "\(timing.tolerance)"]
    }
    let cores = max(1, jobs ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    Interruption.install()
    let outputs = try WorkerPool.run(goldens.map { arguments + [$0] }, atATime: cores)
    let results = zip(goldens, outputs).map { golden, output in
      var result = TestResult(name: golden, lines: output.lines)
      result.duration = output.duration
      return result
    }
    try output.write(results)
    if json { Output.standard.write(lines: [TestSummary(results: results).json]) }
    if !json && !output.tap { Output.standard.write(PlainText.ofLines(TestSummary(results: results).text)) }
    if Interruption.isRequested { throw ExitCode(ExitStatus.interrupted) }
    let status = results.map(\.status).max() ?? ExitStatus.success
    if status != 0 { throw ExitCode(status) }
  }
}

enum GoldenFolder {
  /// The goldens at and below `path`, sorted by name.
  ///
  /// - Throws: `TraceError` if there is none.
  static func goldens(in path: String) throws(TraceError) -> [String] {
    var found: [String] = []
    if HostPaths.isFile(path) {
      found = [path]
    } else {
      let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
      guard HostPaths.isFolder(folder) else {
        throw TraceError(file: path, .unusableFile, "is not a folder", expected: "a folder with goldens")
      }
      collect(folder, &found)
    }
    guard !found.isEmpty else {
      throw TraceError(
        file: path, .mismatch, "holds no golden",
        expected: "files that end in .pwt or .trace, of 'pagewalk trace record'")
    }
    return found.sorted()
  }

  private static func collect(_ folder: String, _ found: inout [String]) {
    guard let stream = opendir(HostName.cString(folder)) else { return }
    defer { closedir(stream) }
    var folders: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { HostName.string(cString: $0) }
      }
      guard !name.hasPrefix(".") else { continue }
      let path = folder + "/" + name
      if HostPaths.isFolder(path) {
        folders.append(path)
      } else if name.hasSuffix(".pwt") || name.hasSuffix(".trace") {
        found.append(path)
      }
    }
    for folder in folders { collect(folder, &found) }
  }
}

/// What a person reads at the end, and a program.
struct TestSummary {
  var results: [TestResult]

  var text: String {
    let rows = results.map { result in
      let count = if case .passed(let events) = result.outcome { "\(events) events" } else { "" }
      return [result.word, count, result.name]
    }
    let summaries = TextTable.lines(rows, rightAligned: [1])
    var lines: [String] = []
    for (result, summary) in zip(results, summaries) {
      lines.append(summary)
      switch result.outcome {
      case .passed: break
      case .failed(let report, _): lines += report.map { "    \($0)" }
      case .unusable(let sentence): lines.append("    \(sentence)")
      }
    }
    lines.append(total)
    return lines.map { $0 + "\n" }.joined()
  }

  private var total: String {
    let parts = ["same", "different", "time differs", "error"].compactMap { word in
      let count = results.count { $0.word == word }
      return count == 0 ? nil : "\(count) \(word)"
    }
    return "\(results.count) \(results.count == 1 ? "golden" : "goldens"): " + parts.joined(separator: ", ")
  }

  var json: String {
    let goldens = results.map { result in
      var members: [JSONValue.Member] = [
        .init("golden", .string(result.name)), .init("result", .string(result.word)),
      ]
      switch result.outcome {
      case .passed(let events): members.append(.init("events", .number(events)))
      case .failed(let report, _):
        members.append(.init("report", .string(report.joined(separator: "\n"))))
      case .unusable(let sentence): members.append(.init("report", .string(sentence)))
      }
      return JSONValue.object(members)
    }
    return JSONValue.object([.init("goldens", .array(goldens))]).text
  }
}
