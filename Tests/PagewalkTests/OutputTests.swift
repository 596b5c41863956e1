import Foundation
import Testing

/// What becomes of output that can't be written: one line on standard error and status 2, never silence.
@Suite("Lost output")
struct OutputTests {
  private let commandLine = CommandLineTests()
  private static let golden = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Golden/hello.trace").path

  /// Runs the executable by the shell, with `redirection` behind its arguments.
  private func shell(_ arguments: String, _ redirection: String) throws -> (status: Int32, error: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "exec '\(CommandLineTests.executable.path)' \(arguments) \(redirection)"]
    let error = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardError = error
    try process.run()
    let text = String(decoding: try error.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  /// A guest that says something and exits with 0.
  private func withGuest(_ body: (String) throws -> Void) throws {
    let file = try commandLine.temporaryFile(
      GuestRunTests.image(GuestRunTests.say("A") + [0xB0, 0, 0xE6, 0xF4, 0xF4]))
    defer { try? FileManager.default.removeItem(at: file) }
    try body(file.path)
  }

  static let commands = [
    "machines", "machines p6", "--help", "--version", "trace show '\(golden)'", "trace stat '\(golden)'",
    "trace export --to ndjson '\(golden)'", "trace diff '\(golden)' '\(golden)'",
  ]

  @Test(arguments: commands) func aFullDiskIsTold(_ command: String) throws {
    let result = try shell(command, "> /dev/full")
    #expect(result.status == 2, "\(command)")
    #expect(
      result.error == "pagewalk: standard output: can't be written to its end (No space left on device)\n",
      "\(command)")
  }

  @Test(arguments: commands) func aClosedOutputIsTold(_ command: String) throws {
    let result = try shell(command, ">&-")
    #expect(result.status == 2, "\(command)")
    #expect(
      result.error == "pagewalk: standard output: can't be written to its end (Bad file descriptor)\n",
      "\(command)")
  }

  @Test func theGuestsConsoleCounts() throws {
    try withGuest { guest in
      for redirection in ["> /dev/full", ">&-"] {
        let run = try shell("run --memory 4M '\(guest)'", redirection)
        #expect(run.status == 2 && run.error.contains("standard output: can't be written"), "\(run)")
        let debug = try shell("debug --memory 4M '\(guest)'", "\(redirection) < /dev/null")
        // Nothing was printed: nothing is lost.
        #expect(debug.status == 0, "\(debug)")
      }
    }
  }

  /// A file that is opened must not become descriptor 1, and take the console.
  @Test func aTraceIsWholeWithoutStandardStreams() throws {
    try withGuest { guest in
      let trace = FileManager.default.temporaryDirectory.appending(
        path: "pagewalk-\(UUID().uuidString).trace")
      defer { try? FileManager.default.removeItem(at: trace) }
      let result = try shell(
        "trace record -q -e mode --memory 4M '\(guest)' -o '\(trace.path)'".replacing(
          "-q ", with: "--quiet "),
        "<&- >&-")
      #expect(result.status == 0, "\(result.error)")
      let text = try String(contentsOf: trace, encoding: .utf8)
      #expect(text.hasPrefix("# pagewalk-trace "))
      #expect(text.contains("# end: exit 0"), "\(text)")
    }
  }

  @Test func aReaderThatHasSeenEnoughIsNoMistake() throws {
    let result = try shell("trace show '\(Self.golden)'", "| head -n 1 > /dev/null")
    #expect(result.error == "")
  }
}
