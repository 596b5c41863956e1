import Foundation
import Testing

@testable import Debugger
@testable import Emulator

/// Whole sessions: what scripts print, to the letter. `PAGEWALK_BLESS=1` writes what they print now.
@Suite("Debugger scripts")
struct ScriptTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scripts")
  private static let documentation = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/sessions")

  @Test(arguments: ["story", "running", "kernel"])
  func scripts(_ name: String) throws {
    let script = try String(contentsOf: Self.folder.appending(path: name + ".pw"), encoding: .utf8)
    let first = try #require(script.split(separator: "\n").first)
    let image = try #require(first.split(separator: ": ").last.map(String.init))
    try check(script, image, name)
  }

  @Test func theDocumentedSession() throws {
    let script = try String(contentsOf: Self.documentation.appending(path: "walk.pw"), encoding: .utf8)
    try check(script, "paging-tour", "walk")
  }

  private func check(_ script: String, _ image: String, _ name: String) throws {
    let printed = try run(script, image)
    let golden = Self.folder.appending(path: name + ".txt")
    if ProcessInfo.processInfo.environment["PAGEWALK_BLESS"] != nil {
      try Data(printed.utf8).write(to: golden)
    }
    let expected = try String(contentsOf: golden, encoding: .utf8)
    let lines = (printed.split(separator: "\n"), expected.split(separator: "\n"))
    let difference = zip(lines.0, lines.1).first { $0 != $1 }
    #expect(difference == nil, "\(name): see Scripts/\(name).txt")
    #expect(lines.0.count == lines.1.count)
  }

  /// What the script's lines print, each line behind its prompt.
  private func run(_ script: String, _ image: String) throws -> String {
    let test = try TestSession.guest(image, mebibytes: 512, timing: .full)
    var lines = script.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
    var printed: [String] = []
    test.session.emit = { printed += $0 }
    test.session.nextLine = { prompt in
      guard let line = lines.popFirst() else { return nil }
      printed.append(prompt + line)
      return line
    }
    while !test.session.wantsToQuit, let line = lines.popFirst() {
      if line.isEmpty || line.hasPrefix("#") { continue }
      printed.append("(pw) " + line)
      let answer = test.say(line)
      if !answer.isEmpty { printed.append(answer) }
    }
    return printed.joined(separator: "\n") + "\n"
  }
}
