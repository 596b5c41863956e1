import Foundation
import Testing

/// `pagewalk debug` as people run it: scripts, pipes, statuses.
@Suite("pagewalk debug")
struct DebugCommandTests {
  private let commandLine = CommandLineTests()

  /// hlt with interrupts off, behind a letter on the serial line.
  private func image() throws -> URL {
    try commandLine.temporaryFile(GuestRunTests.image(GuestRunTests.say("A") + [0xF4]))
  }

  private func debug(
    _ commands: String, script: String? = nil
  ) throws -> (status: Int32, output: String, error: String, script: String) {
    let image = try image()
    defer { try? FileManager.default.removeItem(at: image) }
    let file = try commandLine.temporaryFile(Array((script ?? "").utf8))
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = CommandLineTests.executable
    process.arguments =
      ["debug", "--memory", "4M"] + (script == nil ? [] : ["-x", file.path]) + [image.path]
    let (input, output, error) = (Pipe(), Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = error
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data(commands.utf8))
    try input.fileHandleForWriting.close()
    let outputData = try output.fileHandleForReading.readToEnd() ?? Data()
    let errorData = try error.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: outputData, as: UTF8.self),
      String(decoding: errorData, as: UTF8.self), file.path
    )
  }

  @Test func commandsFromAPipe() throws {
    let result = try debug("p 6 * 7\n\nc\np 1\nquit\np 2\n")
    #expect(result.status == 0)
    #expect(result.error == "")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines[0...1] == ["0x2a = 42", "0x2a = 42"])
    // The guest's letter has a line of its own.
    #expect(lines[2] == "A")
    #expect(lines[3].hasPrefix("halted for good at 0010002"))
    #expect(lines[4...] == ["0x1 = 1"])
  }

  @Test func aMistakeInAPipeIsToldAndTheSessionGoesOn() throws {
    let result = try debug("nonsense\np 1\n")
    #expect(result.status == 2)
    #expect(result.error == "pagewalk: unknown command 'nonsense': 'help' lists them\n")
    #expect(result.output == "0x1 = 1\n")
  }

  @Test func aScriptComesFirst() throws {
    let result = try debug("p 2\n", script: "# a comment\np 1\n\n")
    #expect(result.status == 0)
    #expect(result.output == "0x1 = 1\n0x2 = 2\n")
  }

  @Test func aMistakeInAScriptEndsTheSession() throws {
    let result = try debug("p 2\n", script: "p 1\nwlak 3\np 4\n")
    #expect(result.status == 2)
    #expect(result.output == "0x1 = 1\n")
    #expect(result.error == "pagewalk: \(result.script):2: unknown command 'wlak': did you mean 'walk'?\n")
  }

  @Test func filesThatAreNotThere() throws {
    let script = try commandLine.pagewalk("debug", "-x", "/nonexistent", "/nonexistent.elf")
    #expect(script.status == 2)
    #expect(script.error.hasPrefix("pagewalk: /nonexistent: can't be read"))
    let image = try commandLine.pagewalk("debug", "/nonexistent.elf")
    #expect(image.status == 2)
    #expect(image.error.hasPrefix("pagewalk: /nonexistent.elf: can't be read"))
  }
}
