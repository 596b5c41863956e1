import IA32
import TestSupport
import Testing

@testable import Debugger
@testable import Emulator

/// Every command with anything behind it, also inside walks: nothing traps, and the guest ends as it would have.
@Suite("Debugger under random commands")
struct FuzzTests {
  private static let pieces =
    TraceTests.pieces.filter { $0 != "quit" } + [
      "fault", "14", "stale", "walk", "invlpg", "cr3", "mode", "triple", "off", "warn", "stop", "bug", "$pc",
      "$cycle",
      "$cycle-1", "$cycle-5000", "$cycle+3000", "-p", "0x110000", "8", "3",
    ]

  private static func line(_ random: inout SeededGenerator) -> String {
    let name =
      CommandTable.standard.commands.randomElement(using: &random)?.names.randomElement(using: &random) ?? ""
    // `set` gives the guest another future.
    if ["quit", "q", "exit", "set"].contains(name) { return "" }
    let count = Int.random(in: 0...3, using: &random)
    return ([name] + (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }).joined(
      separator: " ")
  }

  @Test(
    arguments: ["missing-flush/global-over-cr3", "missing-flush/user-revoked", "paging-tour"],
    [1, 2, 3] as [UInt64])
  func randomCommands(_ image: String, _ seed: UInt64) throws {
    let free = try TestSession.guest(image, timing: .full)
    free.say("c")
    var random = SeededGenerator(seed: seed)
    let test = try TestSession.guest(image, timing: .full)
    var inside = random
    test.session.nextLine = { _ in
      Bool.random(using: &inside)
        ? Self.line(&inside) : ["n", "finish", "c", ""].randomElement(using: &inside)
    }
    for _ in 0..<1500 {
      let line = Self.line(&random)
      if case .failed(let message) = test.shell.execute(line) {
        #expect(!message.isEmpty && !message.contains("\n"), "seed \(seed): \(line)")
      }
      // Not for ever at the end.
      if test.session.ended != nil {
        test.say("goto \(UInt64.random(in: 0...free.machine.cycle, using: &random))")
      }
      if Int.random(in: 0..<10, using: &random) == 0 { test.say("delete") }
    }
    test.say("delete")
    test.say("set stale off")
    // `type` has sent input that the free run had not: these guests read none.
    while test.session.ended == nil { test.say("c") }
    #expect(test.session.ended == free.session.ended)
    #expect(test.machine.cycle == free.machine.cycle, "seed \(seed)")
    #expect(test.machine.registers == free.machine.registers, "seed \(seed)")
  }
}
