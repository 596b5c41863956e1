import Foundation
import Testing

/// Files whose names are not UTF-8.
@Suite("Names that are not UTF-8")
struct HostNameTests {
  private let runner: TraceRunner

  init() throws { runner = try TraceRunner() }

  /// Runs a line of the shell in the test's folder, with the program as $0 and an image as $1.
  private func shell(_ line: String) throws -> (status: Int32, output: String) {
    let image = TraceRunner.images.appending(path: "hello.elf").path
    let ended = try runner.shell("exec 2>&1; \(line)", [CommandLineTests.executable.path, image])
    // Latin-1 shows every byte.
    return (ended.status, String(data: ended.output, encoding: .isoLatin1) ?? "")
  }

  @Test func imagesAreOpened() throws {
    let ended = try shell(#"f=$(printf 'caf\377.elf'); cp "$1" "$f" && "$0" run --memory 16M "$f""#)
    #expect(ended.status == 0 && !ended.output.contains("\u{ff}"), "\(ended.output)")
  }

  @Test func messagesShowThemEscaped() throws {
    let ended = try shell(#""$0" run "$(printf 'caf\377\033.elf')""#)
    #expect(ended.status == 2)
    #expect(ended.output.hasPrefix(#"pagewalk: caf\xff\x1b.elf: can't be read"#), "\(ended.output)")
  }

  @Test func tracesKeepThem() throws {
    let ended = try shell(
      #"""
      f=$(printf 'caf\377.elf'); g=$(printf 'trace\351.pwt'); cp "$1" "$f" &&
      "$0" trace record --quiet --memory 16M "$f" -o "$g" && test -f "$g" && "$0" trace verify "$g" &&
      "$0" test . && "$0" trace stat "$g"
      """#)
    #expect(ended.status == 0 && ended.output.contains(#"trace\xe9.pwt"#), "\(ended.output)")
    #expect(!ended.output.contains("\u{ff}") && !ended.output.contains("\u{e9}"))
  }
}
