import Foundation
import Testing

/// The debugger at a terminal, which util-linux's `script` plays.
@Suite(
  "The debugger at a terminal",
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs util-linux's script"))
struct TerminalTests {
  private let runner: TraceRunner

  init() throws { runner = try TraceRunner() }

  /// What is seen when `keys`, a line of the shell that prints them, types at a screen of 10 lines.
  private func session(_ keys: String) throws -> String {
    let image = TraceRunner.images.appending(path: "hello.elf").path
    let debug =
      "stty rows 10 cols 80; exec '\(CommandLineTests.executable.path)' debug --memory 16M '\(image)'"
    let ended = try runner.shell(
      "(\(keys)) | script -qec \"$0\" /dev/null", [debug],
      environment: ["XDG_STATE_HOME": runner.path("state"), "TERM": "xterm", "SHELL": "/bin/sh"])
    return String(decoding: ended.output, as: UTF8.self)
  }

  @Test func longOutputStopsAfterAScreen() throws {
    // The whole of it, and its first screen.
    let whole = try session(
      #"sleep 1; printf 'help\n'; for i in 1 2 3 4 5 6 7 8 9; do sleep .3; printf ' '; done; sleep .5; printf '\nquit\n'; sleep 1"#
    )
    let part = try session(
      #"sleep 1; printf 'help\n'; sleep 1; printf q; sleep .5; printf 'quit\n'; sleep 1"#)
    #expect(whole.contains("-- more: space, Return, q --") && part.contains("-- more: space, Return, q --"))
    #expect(part.split(whereSeparator: \.isNewline).count < 16, "\(part)")
    #expect(whole.split(whereSeparator: \.isNewline).count > 18, "\(whole)")
  }

  @Test func ctrlCDropsTheLine() throws {
    let seen = try session(
      #"sleep 1; printf 'nonsense'; sleep 1; printf '\003'; sleep 1; printf 'info stops\n'; sleep 1; printf 'quit\n'; sleep 1"#
    )
    #expect(seen.contains("^C") && seen.contains("there are no stops"), "\(seen)")
    #expect(!seen.contains("unknown command"), "\(seen)")
  }

  @Test func linesAreKept() throws {
    _ = try session(#"sleep 1; printf 'info stops\n'; sleep .5; printf 'quit\n'; sleep 1"#)
    let kept = try String(contentsOfFile: runner.path("state/pagewalk/debug-history"), encoding: .utf8)
    #expect(kept == "info stops\nquit\n")
    // Up twice: the first line of the session before.
    let seen = try session(#"sleep 1; printf '\033[A\033[A\n'; sleep 1; printf 'quit\n'; sleep 1"#)
    #expect(seen.contains("there are no stops"), "\(seen)")
  }
}
