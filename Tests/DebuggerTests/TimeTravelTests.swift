import Runs
import IA32
import Testing

@testable import Debugger
@testable import Emulator

/// The past: going there, and who wrote what.
@Suite("Debugger's time travel")
struct TimeTravelTests {
  @Test func theStoryOfAMissingFlush() throws {
    let test = try TestSession.guest("stale")
    test.say("catch stale")
    test.say("c")
    let stopped = test.machine.cycle
    StopTests.expect(test.say("walk $va"), has: ["! STALE"])
    let back = test.say("rc")
    StopTests.expect(
      back, has: ["back before the store to the PTE at ", "that made 40000000 stale", "mov    DWORD PTR ds:"])
    #expect(test.machine.cycle < stopped)
    let here = test.machine.cycle
    StopTests.expect(
      test.say("who $va"), has: ["PTE[0] of 40000000", "walker", "for 40000000", "store", "(later than now)"])
    #expect(test.machine.cycle == here)
    StopTests.expect(test.say("info history"), has: ["now", ", in the past"])
    // Forward again: the same store, the same report, at the same cycle.
    StopTests.expect(test.say("c"), has: ["1: stale translation"])
    #expect(test.machine.cycle == stopped)
  }

  @Test func backByBreakpointsAndWatches() throws {
    let test = try TestSession.guest("stale")
    test.say("b report")
    var cycles: [UInt64] = []
    for _ in 0..<4 {
      test.say("c")
      cycles.append(test.machine.cycle)
    }
    for cycle in cycles.dropLast().reversed() {
      StopTests.expect(test.say("rc"), has: ["1: breakpoint at ", "stopped at ", " report"])
      #expect(test.machine.cycle == cycle)
    }
    StopTests.expect(
      test.say("rc"), has: ["no stop before that: this is the beginning of the history", "cycle 0"])

    test.say("delete")
    test.say("goto \(cycles[3])")
    test.say("pwatch 0x10e000 8")
    var values: [String] = []
    for _ in 0..<3 { values.append(test.say("rc")) }
    #expect(values.allSatisfy { $0.contains("back before store to physical 00010e00") })
    #expect(Set(values).count == 3)
  }

  @Test func stepsBack() throws {
    let test = try TestSession.guest("stale")
    test.say("until edit_pte")
    var places = [test.machine.moment]
    for _ in 0..<60 {
      test.say("si")
      places.append(test.machine.moment)
    }
    test.say("rsi")
    #expect(test.machine.moment == places[59])
    test.say("rsi 9")
    #expect(test.machine.moment == places[50])
    test.say("rsi 50")
    #expect(test.machine.moment == places[0])
    #expect(test.say("rsi 1000000000").hasPrefix("error: the history begins at cycle 0"))
    #expect(test.say("goto 1 << 62").hasPrefix("error: the guest ends before that, at cycle "))
    #expect(test.say("c").hasPrefix("error: the guest has ended (exit)"))
    #expect(test.say("rsi").hasPrefix("at "))
    #expect(test.say("c").hasPrefix("the guest exited with 0"))
  }

  @Test func theEndStaysTheEnd() throws {
    let test = try TestSession.guest("hello")
    test.say("c")
    let end = test.machine.cycle
    // There already, and from the past.
    for line in ["goto \(end)", "goto 100", "goto \(end)", "rsi", "si"] { test.say(line) }
    #expect(test.machine.cycle == end)
    #expect(test.say("si").hasPrefix("error: the guest has ended (exit)"))
    #expect(test.machine.cycle == end)
  }

  @Test func differencesOfTables() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    let before = test.machine.cycle
    try test.run(to: "report")
    let here = test.machine.cycle
    #expect(test.say("diff-pt \(before)") == "40000000-40000fff  not mapped  ->  000108000 4K RW S d")
    #expect(test.say("diff-pt \(here) \(here)") == "the tables map the same at cycles \(here) and \(here)")
    #expect(test.machine.cycle == here)
    StopTests.expect(test.say("ptlog 0x40000000"), has: ["PDPTE[1] of", "PDE[0] of", "PTE[0] of"])
    StopTests.expect(test.say("who -p 0x108000 4"), has: ["physical memory at 000108000, now "])
    #expect(test.say("who -p 0xf0000000").hasPrefix("error: 8 bytes at physical 0f0000000"))
  }

  @Test func inputIsPartOfThePast() throws {
    let test = try TestSession.code(TestSession.echo)
    test.session.history.receive(Array("abc".utf8))
    test.say("goto 3000000")
    let console = try #require(test.session.console as? KeepingConsole)
    #expect(String(decoding: console.output, as: UTF8.self) == "abc")
    test.say("goto 100")
    test.say("goto 3000000")
    // Said again in the past, shown once.
    #expect(String(decoding: console.output, as: UTF8.self) == "abc")
    test.say("goto 1000")
    test.say("type x")
    test.say("goto 3000000")
    #expect(String(decoding: console.output, as: UTF8.self).hasPrefix("abc"))
  }
}
