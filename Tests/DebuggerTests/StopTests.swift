import Runs
import IA32
import Testing

@testable import Debugger
@testable import Emulator

/// Where and when the guest stops.
@Suite("Debugger stops")
struct StopTests {
  /// `text` has these pieces, in this order.
  static func expect(
    _ text: String, has pieces: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var rest = text[...]
    for piece in pieces {
      guard let range = rest.firstRange(of: piece) else {
        Issue.record("'\(piece)' is missing in: \(text)", sourceLocation: sourceLocation)
        return
      }
      rest = rest[range.upperBound...]
    }
  }

  @Test func breakpoints() throws {
    let test = try TestSession.guest("stale")
    Self.expect(test.say("b edit_pte"), has: ["1: breakpoint at ", " edit_pte (images/stale/stale.c:"])
    Self.expect(test.say("c"), has: ["1: breakpoint at ", "stopped at ", " edit_pte ", "=> ", "push   ebp"])
    #expect(test.say("info stops").hasSuffix("1  breakpoint at \(test.hex("edit_pte"))     1"))
    #expect(test.say("disable 1") == "" && test.say("info stops").hasSuffix("disabled"))
    #expect(test.say("enable 1") == "" && test.say("delete 1") == "")
    #expect(test.say("info stops").hasPrefix("there are no stops"))
    Self.expect(test.say("tb exit_guest"), has: ["2: breakpoint at ", " exit_guest", ", once"])
    Self.expect(test.say("c"), has: ["2: ", "stopped at ", " exit_guest"])
    #expect(test.say("info stops").hasPrefix("there are no stops"))
    #expect(test.say("c").hasPrefix("the guest exited with 0 at "))
  }

  @Test func steps() throws {
    let test = try TestSession.guest("stale")
    test.say("until guest_main")
    let here = test.machine.cycle
    #expect(test.say("si 3").hasPrefix("at "))
    #expect(test.machine.cycle == here + 3)
    // To a call, over it, and out of the function.
    for _ in 0..<200 where !test.say("u $pc 1").contains("call") { test.say("si") }
    let stack = test.machine.registers[GeneralRegister.esp]
    let behind = test.say("u $pc 2").split(separator: "\n")[1].dropFirst(3).prefix(8)
    #expect(test.say("ni").hasPrefix("at \(behind)"))
    #expect(test.machine.registers[GeneralRegister.esp] == stack)
    test.say("until edit_pte")
    test.say("si 2")
    Self.expect(test.say("finish"), has: ["stopped at ", " guest_main+0x"])
  }

  @Test func watches() throws {
    let test = try TestSession.guest("missing-flush/missing-invlpg")
    try test.run(to: "bug")
    Self.expect(test.say("watch va 4"), has: ["1: watch write of 40000000-40000003"])
    Self.expect(test.say("rwatch va"), has: ["2: watch read of 40000000-40000003"])
    Self.expect(test.say("c"), has: ["2: read of 4 bytes at 40000000: ", "stopped at "])
    #expect(test.session.variables.linear == 0x4000_0000)
    #expect(
      test.say("watch va 0") == "error: 0 bytes at 40000000 can't be watched: 1 to 1048576 inside 4 GiB can")
    #expect(test.say("watch 0xfffffffe 4").hasPrefix("error: 4 bytes at fffffffe"))
    #expect(test.say("pwatch 0xfee00000").hasPrefix("error: 8 bytes at physical"))
    test.say("delete")
    // The entry's own store, and the walker's.
    Self.expect(test.say("ptwatch va"), has: ["3: watch the entries that translate 40000000", "PTE[0] at "])
    Self.expect(
      test.say("c"), has: ["3: store to the PTE[0] of 40000000", " -> ", "stopped at "])
  }

  @Test func theWalkerIsAWriterToo() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    test.say("pwatch 0x10e000 8")
    var seen: [String] = []
    for _ in 0..<6 { seen.append(test.say("c")) }
    #expect(seen.contains { $0.contains("(the walker, for 40000000)") })
    #expect(seen.contains { !$0.contains("walker") })
  }

  @Test func catches() throws {
    let test = try TestSession.guest("paging-tour")
    test.say("catch fault 14")
    Self.expect(test.say("c"), has: ["1: #PF(0000) at 40000000, by ", " probe_read", "stopped at "])
    #expect(test.session.variables.linear == 0x4000_0000)
    test.say("delete")
    test.say("catch cr3")
    Self.expect(test.say("c"), has: ["2: MOV CR3, ", "stopped at "])
    test.say("delete")
    test.say("catch mode")
    Self.expect(test.say("c"), has: ["3: c", " -> ", "stopped at "])
    test.say("delete")
    test.say("catch invlpg")
    Self.expect(test.say("c"), has: ["4: INVLPG ", "stopped at "])
    #expect(test.say("catch nothing").hasPrefix("error: 'nothing' can't be caught: expected walk|fault"))
    #expect(test.say("catch fault 256").hasPrefix("error: "))
    #expect(test.say("catch cr3 4").hasPrefix("error: '4' is too much"))
    #expect(test.say("delete 77") == "error: there is no stop 77: 'info stops' lists them")
  }

  @Test func tripleFaultsAreCaught() throws {
    let test = try TestSession.code([0x0F, 0x01, 0x1D, 0x00, 0x00, 0x30, 0x00, 0x0F, 0x0B])
    test.say("catch triple")
    Self.expect(test.say("c"), has: ["1: triple fault", "triple fault at 00100027", "first: #UD"])
    #expect(test.say("rsi").hasPrefix("at 00100027"))
  }

  @Test func staleTranslations() throws {
    let test = try TestSession.guest("missing-flush/missing-invlpg")
    #expect(test.say("set stale perhaps").hasPrefix("error: 'perhaps' is not a way to check"))
    test.say("set stale warn")
    Self.expect(test.say("c"), has: ["the guest exited with 0"])
    let console = try #require(test.session.console as? KeepingConsole)
    #expect(console.lines.first?.hasPrefix("stale translation: read of 40000000 at ") == true)

    let other = try TestSession.guest("missing-flush/missing-invlpg")
    other.say("catch stale")
    Self.expect(
      other.say("c"),
      has: [
        "1: stale translation: read of 40000000 at ", "  store    PTE at ", "  missing  INVLPG 40000000",
        "stopped at ",
      ])
    #expect(other.say("c").hasPrefix("the guest exited with 0"))
  }
}
