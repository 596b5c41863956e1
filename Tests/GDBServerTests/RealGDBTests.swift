import Foundation
import GuestImages
import IA32
import Runs
import Testing

@testable import Debugger
@testable import GDBServer

/// gdb itself, with scripts, against images that `make images` builds.
@Suite("gdb in front of a guest", .enabled(if: GDBProcess.isInstalled))
struct RealGDBTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ".build/images")

  /// A guest that gdb after gdb attaches to.
  private final class Guest {
    let session: DebuggerSession
    private let server: GDBServer
    private let port: ClientPort
    let output = KeepingConsole()
    let image: String

    init(_ name: String, extensions: CPUFeatures = []) throws {
      image = RealGDBTests.folder.appending(path: name + ".elf").path
      port = try ClientPort(.tcp(host: "127.0.0.1", port: 0))
      let console = RemoteConsole(output, port, canType: false)
      session = try Guests.boot(GuestImage(reading: image), 64, console, extensions: extensions)
      server = GDBServer(session, port, console)
    }

    /// What gdb prints when it attaches and executes these commands.
    func gdb(_ commands: String...) throws -> String {
      try GDBProcess.output(target + commands, image) { serve() }
    }

    /// What makes gdb attach.
    var target: [String] { ["target remote \(port.address)"] }
    /// Answers what has come.
    func serve() { server.round(waiting: 10) }
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

  @Test("The floating-point unit looks to gdb as it does to our shell")
  func float() throws {
    let guest = try Guest("fpu-tour")
    for place in ["guest_main", "looked_at"] {
      let output = try guest.gdb("b *\(place)", "c", "info float")
      guard case .done(let shown) = Shell(guest.session).execute("info float") else {
        Issue.record("no answer")
        return
      }
      let lines = output.split(separator: "\n", omittingEmptySubsequences: false).map {
        String($0.reversed().drop { $0 == " " }.reversed())
      }
      let start = try #require(lines.lastIndex { $0.dropFirst(2).hasPrefix("R7: ") })
      #expect(lines[start...].prefix(shown.count) == shown[...])
    }
  }

  @Test("XMM registers look to gdb as they do to our shell, and can be changed from there")
  func vector() throws {
    let guest = try Guest("fpu-tour", extensions: [.mmx, .fxsave, .sse, .sse2])
    let output = try guest.gdb(
      "b looked_at", "c", "set $xmm1.uint128 = 0x0123456789abcdef", "set $xmm7.v4_float = {1, -2, 0.5, 0}",
      "set $mxcsr = 0x9f80", "set $st1 = 0.75", "set $fctrl = 0x27f", "set $gs = 0", "p/x $gs", "p $st1",
      "p/x $fctrl", "info vector")
    expect(output, "= 0x0", "= 0.75", "= 0x27f")
    guard case .done(let shown) = Shell(guest.session).execute("info vector") else {
      Issue.record("no answer")
      return
    }
    let lines = output.split(separator: "\n").map(String.init)
    let start = try #require(lines.lastIndex { $0.hasPrefix("xmm0 ") })
    // MMX registers are gdb's own invention, and not among its vector registers.
    #expect(Array(lines[start...].prefix(9)) == Array(shown.prefix(9)))
    #expect(shown.contains { $0.hasPrefix("mm0 ") })
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

  /// Stops, lines, backtraces, arguments, registers and code of one script on both. The information that a loader leaves lies
  /// elsewhere in QEMU.
  @Test(
    "The same script gives the same text in front of QEMU",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/qemu-system-i386")))
  func likeQEMU() throws {
    let script = [
      "tb edit_pte", "c", "next", "next", "bt", "step", "bt", "finish", "b report", "c", "info args", "bt",
      "up", "p $pc", "c", "info registers eax ebx esp eip eflags", "x/4i $pc", "x/2xw $sp", "delete",
      "watch *(unsigned*)&table_old[0]", "c", "bt",
    ]
    let guest = try Guest("stale")
    let ours = try GDBProcess.output(guest.target + script, guest.image) { guest.serve() }
    let emulator =
      "/usr/bin/qemu-system-i386 -S -gdb stdio -m 64 -display none -serial null -kernel \(guest.image) 2> /dev/null"
    let theirs = try GDBProcess.output(["target remote | \(emulator)"] + script + ["k"], guest.image) {
      Thread.sleep(forTimeInterval: 0.01)
    }
    let (left, right) = (Self.comparable(ours), Self.comparable(theirs))
    #expect(left.count > 40)
    #expect(left == right)
  }

  private static func comparable(_ output: String) -> [String] {
    output.split(separator: "\n").map { String($0).replacing(/info=0x[0-9a-f]+/, with: "info=...") }
      .filter {
        !$0.contains("Kill the program") && !$0.contains("killed]") && !$0.contains("detached]")
          && !$0.contains("Remote communication error")
      }
  }

  @Test("A fault that is asked for is a signal in its handler")
  func faults() throws {
    let pages = try Guest("paging-tour").gdb("monitor catch fault 14", "c")
    expect(pages, "#PF(", "SIGSEGV")
    let opcodes = try Guest("deaths/sse").gdb("monitor catch fault", "c")
    expect(opcodes, "#UD", "SIGILL")
  }
}
