import Foundation
import GuestImages
import Runs
import Testing

@testable import Debugger
@testable import GDBServer

/// gdb itself, with scripts, against images that `make images` builds.
@Suite("gdb in front of a guest", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gdb")))
struct RealGDBTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ".build/images")

  /// A guest that gdb after gdb attaches to.
  private final class Guest {
    let session: DebuggerSession
    private let server: GDBServer
    private let port: ClientPort
    let output = KeepingConsole()
    private let image: String

    init(_ name: String) throws {
      image = RealGDBTests.folder.appending(path: name + ".elf").path
      port = try ClientPort(.tcp(host: "127.0.0.1", port: 0))
      let console = RemoteConsole(output, port, canType: false)
      session = try Guests.boot(GuestImage(reading: image), 64, console)
      server = GDBServer(session, port, console)
    }

    /// What gdb prints when it attaches and executes these commands.
    func gdb(_ commands: String...) throws -> String {
      let file = FileManager.default.temporaryDirectory.appending(path: "pagewalk-\(UUID().uuidString)")
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
      defer { try? FileManager.default.removeItem(at: file) }
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/gdb")
      process.arguments =
        ["-nx", "-batch", "-ex", "target remote \(port.address)"] + commands.flatMap { ["-ex", $0] } + [image]
      process.standardInput = FileHandle.nullDevice
      let handle = try FileHandle(forWritingTo: file)
      process.standardOutput = handle
      process.standardError = handle
      try process.run()
      while process.isRunning { server.round(waiting: 10) }
      server.round(waiting: 10)
      return String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }
  }

  /// Whether the texts come one after the other.
  private func expect(
    _ output: String, _ texts: String..., location: Testing.SourceLocation = #_sourceLocation
  ) {
    var rest = output[...]
    for text in texts {
      guard let range = rest.range(of: text) else {
        Issue.record("'\(text)' is missing in:\n\(output)", sourceLocation: location)
        return
      }
      rest = rest[range.upperBound...]
    }
  }

  @Test("Breakpoints, lines and finish through a C guest, to the same output as a plain run's")
  func lines() throws {
    let guest = try Guest("stale")
    let output = try guest.gdb("tb edit_pte", "c", "next", "next", "bt", "finish", "step", "c")
    expect(
      output, "Temporary breakpoint 1, edit_pte ()", "print(\"1. A page-table entry", "reset_tables();",
      "report(\"read\"", "#1", "guest_main", "exited normally")
    let plain = try Guests.boot(
      GuestImage(reading: Self.folder.appending(path: "stale.elf").path), 64, KeepingConsole())
    _ = try plain.run()
    let console = try #require(plain.console as? KeepingConsole)
    #expect(guest.output.output == console.output)
    #expect(guest.session.machine.cycle == plain.machine.cycle)
  }

  @Test("A hardware watchpoint on an entry, forward and back")
  func watchpoint() throws {
    let guest = try Guest("stale")
    let output = try guest.gdb(
      "tb edit_pte", "c", "watch *(unsigned long long*)&table_old[0]", "c", "c", "c", "reverse-continue",
      "x/i $pc", "reverse-stepi")
    expect(
      output, "Hardware watchpoint 2", "Old value = 0", "Old value = ", "Old value = ", "Old value = ",
      "=> ", "movl")
  }

  @Test("Two gdbs after each other, and going back to the beginning")
  func twice() throws {
    let guest = try Guest("stale")
    expect(try guest.gdb("b edit_pte", "c", "p $cycle > 0"), "Breakpoint 1, edit_pte", "= 1")
    let output = try guest.gdb("p $pc", "reverse-continue", "p $cycle", "info registers pdpte1 cycle cr0")
    expect(
      output, "edit_pte", "<edit_pte", "No more reverse-execution history", "= 0", "pdpte1", "[ ET NW CD ]")
  }

  @Test("A triple fault is a signal with its explanation, and can be gone back from")
  func death() throws {
    let guest = try Guest("deaths/guard-page")
    let output = try guest.gdb("c", "reverse-stepi", "monitor gva2gpa 0x109ff4", "stepi")
    expect(output, "SIGSEGV", "recurse")
    expect(output, "triple fault at")
    expect(output, "Unmapped")
  }

  @Test("A fault that is asked for is a signal in its handler")
  func faults() throws {
    let pages = try Guest("paging-tour").gdb("monitor catch fault 14", "c")
    expect(pages, "#PF(", "SIGSEGV")
    let opcodes = try Guest("deaths/sse").gdb("monitor catch fault", "c")
    expect(opcodes, "#UD", "SIGILL")
  }
}
