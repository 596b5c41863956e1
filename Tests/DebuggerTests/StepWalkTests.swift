import IA32
import Reports
import Testing

@testable import Debugger
@testable import Emulator

/// The prompt inside an access.
@Suite("Debugger inside a walk")
struct StepWalkTests {
  /// A session whose prompt inside an access is given these lines, and what was printed there.
  final class Inside {
    var lines: [String]
    var printed: [String] = []

    init(_ test: TestSession, _ lines: [String]) {
      self.lines = lines
      test.session.emit = { [unowned self] in self.printed += $0 }
      test.session.nextLine = { [unowned self] _ in self.lines.isEmpty ? nil : self.lines.removeFirst() }
    }
  }

  @Test func everyStepOfAWalk() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    let inside = Inside(
      test, ["", "n", "info r", "walk $va", "n", "nonsense", "n", "n", "n", "n", "n", "n", "n", "n"])
    let answer = test.say("sw 0x40000000")
    let text = inside.printed.joined(separator: "\n")
    StopTests.expect(
      text,
      has: [
        "supervisor read of 40000000 by ", "DTLB 4K    set 0", "miss", "DTLB large", "miss", "eip ",
        "40000000: supervisor read",
        "PDPTE[1]", "register", "unknown command 'nonsense'", "PDE[0]", "PTE[0]", "set A", "set A", "fill",
        " = PA 000108000", "2 reads 2 writes",
      ])
    #expect(answer.hasPrefix("at "))
  }

  @Test func asOneAnswer() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    let inside = Inside(test, [])
    let json = test.say("sw 0x40000000 --json")
    #expect(json.hasPrefix("{\"linear\":\"0x40000000\",\"access\":\"supervisor read\""))
    #expect(json.contains("\"outcome\":\"PA 000108000\",\"reads\":2,\"writes\":2}"))
    #expect(inside.printed.isEmpty)
  }

  @Test func whatMovesTheGuestWaitsForTheEnd() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    let inside = Inside(test, ["n", "until $eip", "never read"])
    let answer = test.say("sw 0x40000000")
    #expect(inside.printed.contains("'until $eip' waits for the end of the access"))
    // The stop behind the access, and the end: the guest doesn't come there again.
    StopTests.expect(answer, has: ["at ", "the guest exited with 0"])
    #expect(inside.lines == ["never read"])
  }

  @Test func catchingWalks() throws {
    let test = try TestSession.guest("paging-tour")
    test.say("until enter_paging")
    test.say("catch walk")
    // The first is left, the next one finished; it may be a fetch's.
    let inside = Inside(test, ["c", "n", "finish"])
    let answer = test.say("c")
    #expect(inside.printed.filter { $0.hasPrefix("1: walk for a ") }.count == 2)
    #expect(inside.printed.last?.hasPrefix(" = PA ") == true)
    #expect(answer.hasPrefix("at "))
    #expect(test.say("info stops").hasSuffix("catch walk     2"))
  }

  @Test func faultsEndAWalk() throws {
    let test = try TestSession.guest("paging-tour")
    test.say("catch fault 14")
    test.say("c")
    test.say("delete")
    let inside = Inside(test, ["finish"])
    test.say("sw 0x40000000 w")
    #expect(inside.printed.last?.hasPrefix(" = #PF 0002 (P=0 W/R=1 U/S=0)") == true)
  }

  @Test func withoutSuchAnAccessTheGuestRunsOn() throws {
    let test = try TestSession.guest("hello")
    #expect(test.say("sw 0x77777000 w").hasPrefix("the guest exited with 0"))
    #expect(test.machine.translationStepper == nil)
  }
}
