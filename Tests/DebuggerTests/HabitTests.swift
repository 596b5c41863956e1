import Foundation
import IA32
import Reports
import Runs
import Testing

@testable import Debugger
@testable import Emulator

/// What people who know gdb type without thinking.
@Suite("Debugger for gdb's users")
struct HabitTests {
  /// The number of the first line of a file of `images` that has this text, behind another line with `after`.
  private func lineNumber(_ text: String, of file: String, after: String = "") throws -> Int {
    let path = TestSession.folder.deletingLastPathComponent().deletingLastPathComponent().appending(
      path: "images/" + file)
    let lines = try String(contentsOf: path, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    let start = after.isEmpty ? 0 : try #require(lines.firstIndex { $0.contains(after) })
    return try #require(lines[start...].firstIndex { $0.contains(text) }) + 1
  }

  @Test func aStarMeansTheAddress() throws {
    let test = try TestSession.guest("stale")
    let address = test.hex("edit_pte")
    StopTests.expect(test.say("b *0x\(address)"), has: ["1: breakpoint at \(address) edit_pte"])
    StopTests.expect(test.say("c"), has: ["1: breakpoint at \(address)", "stopped at \(address) edit_pte"])
    StopTests.expect(test.say("tb *edit_pdpte"), has: ["2: breakpoint at ", " edit_pdpte", ", once"])
    #expect(test.say("b *0x100000000").hasPrefix("error: "))
  }

  @Test func finishAtAFunctionsEntry() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    StopTests.expect(test.say("finish"), has: ["stopped at ", " guest_main+0x"])
    // At every instruction of the function it returns to the same place.
    let back = test.machine.registers.eip
    for steps in [1, 2, 3, 5, 9, 17, 40] {
      test.say("goto 0")
      try test.run(to: "edit_pte")
      test.say("ni \(steps)")
      test.say("finish")
      #expect(test.machine.registers.eip == back, "after \(steps) steps")
    }
  }

  @Test func inlinedFunctionsHaveABreakpointInEachCopy() throws {
    let test = try TestSession.guest("stale")
    StopTests.expect(test.say("b look"), has: ["1: breakpoint at ", " places\n  "])
    guard case .breakpoint(let places) = test.session.stops.stops[0].kind else { return }
    #expect(places.count > 5)
    var seen: Set<UInt32> = []
    while test.session.ended == nil, seen.count < 4 {
      test.say("c")
      seen.insert(test.session.nextInstruction)
    }
    #expect(seen.count == 4 && seen.isSubset(of: places))
    StopTests.expect(test.say("info stops"), has: ["breakpoint at ", " and ", " more"])
  }

  @Test func linesOfFiles() throws {
    let test = try TestSession.guest("stale")
    let line = try lineNumber("reset_tables();", of: "stale/stale.c", after: "EXPERIMENT edit_pte")
    StopTests.expect(test.say("b stale.c:\(line)"), has: ["1: breakpoint at ", "edit_pte", "stale/stale.c:"])
    StopTests.expect(test.say("c"), has: ["stopped at ", " edit_pte"])
    StopTests.expect(test.say("info line stale.c:\(line)"), has: ["images/stale/stale.c:"])
    StopTests.expect(test.say("info line edit_pte"), has: [" edit_pte (images/stale/stale.c:"])
    #expect(test.say("b nothing.c:1").hasPrefix("error: no code comes from a file 'nothing.c'"))
    #expect(test.say("b stale.c:999999").contains(" has no code at or after line 999999: "))
    #expect(test.say("b stale.c:99999999999999999999").hasPrefix("error: "))
  }

  @Test func swiftFunctionsStop() throws {
    let test = try TestSession.guest("minikernel", mebibytes: 256)
    StopTests.expect(test.say("b Kernel.vmalloc"), has: ["1: breakpoint at "])
    // Its callers hold copies of it: DWARF gives those its bare name.
    StopTests.expect(test.say("c"), has: ["1: breakpoint at ", "stopped at ", "allocateVirtually"])
  }

  @Test func listsOfFunctions() throws {
    let test = try TestSession.guest("stale")
    test.session.readSource = { $0.hasSuffix("stale.c") ? (1...400).map { "line \($0)" } : nil }
    let line = try lineNumber("EXPERIMENT edit_pte", of: "stale/stale.c")
    StopTests.expect(test.say("list edit_pte"), has: ["images/stale/stale.c", "> \(line)"])
    StopTests.expect(test.say("list stale.c:30"), has: ["line 3"])
  }

  @Test func stepsByLine() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    let start = test.session.place(test.session.nextInstruction)
    var lines: [Int] = []
    for _ in 0..<6 {
      test.say("next")
      let place = try #require(test.session.place(test.session.nextInstruction))
      #expect(place.file.hasPrefix("images/stale/"))
      lines.append(place.line)
    }
    #expect(Set(lines).count > 2 && lines[0] != start?.line)
    // Into a function that has lines.
    test.say("goto 0")
    try test.run(to: "guest_main")
    for _ in 0..<60 where !test.say("bt").contains("#1") || test.say("bt 1").contains("guest_main") {
      test.say("step")
    }
    #expect(!test.say("info symbol $pc").contains(" guest_main"))
    // Where no lines are, an instruction.
    let code = try TestSession.code([0x90, 0x90, 0xF4])
    code.say("until 0x100020")
    code.say("step")
    #expect(code.machine.registers.eip == 0x10_0021)
  }

  @Test func framesAndLocals() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "report")
    let inner = test.say("bt")
    StopTests.expect(inner, has: ["#0 ", " report", "#1 ", " edit_pte+0x", "guest_main+0x"])
    StopTests.expect(test.say("info locals"), has: ["step", "value", "edited", "manual"])
    // A parameter's value in an expression.
    #expect(try test.session.evaluate("value") == 0x0DD0_F4A3)
    StopTests.expect(test.say("up"), has: ["#1 ", " edit_pte+0x"])
    #expect(try test.session.evaluate("$pc") != UInt64(test.session.nextInstruction))
    StopTests.expect(test.say("up"), has: ["#2 ", " guest_main+0x"])
    StopTests.expect(test.say("bt"), has: ["#2 ", "<- chosen"])
    #expect(test.say("up 1000").hasPrefix("error: the frames end at number "))
    StopTests.expect(test.say("down 2"), has: ["#0 ", " report"])
    #expect(test.say("down") == "error: this is the innermost frame")
    // Finish of a chosen frame.
    test.say("frame 1")
    StopTests.expect(test.say("finish"), has: ["stopped at ", " guest_main+0x"])
    #expect(test.session.selectedFrame == 0)
  }

  @Test func conditions() throws {
    let test = try TestSession.guest("stale")
    test.say("b report if $eax == 12345 && 1")
    #expect(test.say("c").hasPrefix("the guest exited with 0"))
    test.say("goto 0")
    #expect(test.say("condition 1 value == 0x4e304e30") == "")
    StopTests.expect(test.say("c"), has: ["1: breakpoint at ", "stopped at ", " report"])
    #expect(try test.session.evaluate("value") == 0x4e30_4e30)
    let there = test.machine.cycle
    StopTests.expect(test.say("info stops"), has: ["if value == 0x4e304e30", "1"])
    // Back to the same hit from behind it.
    test.say("c")
    StopTests.expect(test.say("rc"), has: ["1: breakpoint at "])
    #expect(test.machine.cycle == there)
    #expect(test.say("b report if nonsense").hasPrefix("error: no symbol or register 'nonsense'"))
    #expect(test.say("b report if").hasPrefix("error: a condition is missing"))
    test.say("delete")
    test.say("goto 0")
    StopTests.expect(test.say("b report if *0xf0000000 == 1"), has: [", if "])
    StopTests.expect(test.say("c"), has: ["its condition '*0xf0000000 == 1' can't be computed: "])
  }

  @Test func commandsOfStopsAndDefinedOnes() throws {
    let test = try TestSession.guest("stale")
    var input = ["p 6 * 7", "c", "end"]
    test.session.nextLine = { _ in input.isEmpty ? nil : input.removeFirst() }
    test.say("b report")
    #expect(test.say("commands") == "")
    let printed = test.say("c")
    #expect(printed.split(separator: "\n").filter { $0 == "0x2a = 42" }.count > 10)
    #expect(printed.contains("the guest exited with 0"))

    input = ["p $arg0 + $argc", "end"]
    #expect(test.say("define add") == "")
    #expect(test.say("add 4") == "0x5 = 5")
    #expect(test.say("add").hasPrefix("error: 'add' wants more than 0 arguments"))
    StopTests.expect(test.say("info defined"), has: ["add", "p $arg0 + $argc"])
    input = ["again", "end"]
    test.say("define again")
    #expect(test.say("again").hasPrefix("error: ") || test.say("again") == "")
    input = ["end"]
    #expect(test.say("define walk") == "error: 'walk' is a command of the shell already")
    #expect(test.say("define") == "error: '' is not a name for a command: expected one word")
    input = ["p 1"]
    #expect(test.say("define open") == "error: the lines end without 'end'")
  }

  @Test func sourcedFiles() throws {
    let test = try TestSession.tables()
    let files = [
      "good": ["# a comment", "p 1", "", "p 2"], "bad": ["p 3", "wlak 1", "p 4"],
      "nest": ["source good", "p 5"],
    ]
    test.session.readSource = { files[$0] }
    #expect(test.say("source good") == "0x1 = 1\n0x2 = 2")
    #expect(test.say("source nest") == "0x1 = 1\n0x2 = 2\n0x5 = 5")
    var early: [String] = []
    test.session.emit = { early += $0 }
    #expect(test.say("source bad") == "error: bad:2: unknown command 'wlak': did you mean 'walk'?")
    #expect(early == ["0x3 = 3"])
    #expect(test.say("source none") == "error: 'none' can't be read")
    // A file that sources itself ends.
    test.session.readSource = { _ in ["source x", "p 1"] }
    #expect(test.say("source x").contains("deep: all of them end"))
  }

  @Test func displays() throws {
    let test = try TestSession.guest("stale")
    #expect(test.say("display/x 1 + 1") == "1: 1 + 1 = 0x2")
    StopTests.expect(test.say("display/i $pc"), has: ["2: x/i $pc", "=> "])
    StopTests.expect(test.say("si"), has: ["at ", "1: 1 + 1 = 0x2", "2: x/i $pc", "=> "])
    StopTests.expect(test.say("info display"), has: ["print/x 1 + 1", "x/i $pc"])
    test.say("undisplay 1")
    #expect(!test.say("si").contains("1 + 1"))
    #expect(test.say("undisplay 7").hasPrefix("error: nothing is shown as number '7'"))
    #expect(test.say("display nonsense").hasPrefix("error: no symbol or register"))
    test.say("undisplay")
    #expect(test.say("info display").hasPrefix("nothing is shown at stops"))
  }

  @Test func restarts() throws {
    let test = try TestSession.guest("hello")
    test.say("c")
    #expect(test.say("restart").hasPrefix("at fffffff0"))
    #expect(test.machine.cycle == 0)
    #expect(test.say("c").hasPrefix("the guest exited with 0"))
  }

  @Test func changesAreAnotherFuture() throws {
    let test = try TestSession.guest("stale")
    try test.run(to: "edit_pte")
    let here = test.machine.cycle
    #expect(test.say("set $eax = 0x1234") == "")
    #expect(test.machine.registers[GeneralRegister.eax] == 0x1234)
    #expect(test.say("set *frame_old = 0x55aa") == "")
    #expect(try test.session.evaluate("*frame_old") == 0x55aa)
    test.say("set/b -p *frame_old = -1")
    #expect(try test.session.evaluate("*frame_old") == 0x55ff)
    // Going back and forward again makes the same changes at the same place.
    test.say("rsi 5")
    test.say("goto \(here)")
    test.say("si")
    #expect(try test.session.evaluate("*frame_old") == 0x55ff)
    #expect(test.machine.registers[GeneralRegister.eax] == 0x1234)
    for line in [
      "set $cr3 = 1", "set $eax = 0x100000000", "set/b *frame_old = 256", "set *0xf0000000 = 1",
      "set nonsense",
      "set $eax", "set = 1", "set -p *0xfee00000 = 1", "set $eax == 1",
    ] { #expect(test.say(line).hasPrefix("error: "), "\(line)") }
  }

  @Test func findsInMemory() throws {
    let test = try TestSession.tables()
    try test.write(0x1122_3344_5566_7788, at: 0x5ffc)
    try test.write(0x6463_6261, at: 0x5010)
    // Over the end of a page: 40000ffc and 40001000 are different frames.
    #expect(test.say("find 0x40000000, 0x40001fff, 0x55667788") == "40000ffc")
    #expect(test.say("find 0x40000000, +0x1000, \"abcd\"") == "40000010")
    #expect(test.say("find/b 0x40000000, +0x20, 0x61, 0x62") == "40000010")
    #expect(test.say("find/g 0x5000, +0x2000, 0x1122334455667788") == "00005ffc")
    #expect(try test.session.evaluate("$_") == 0x5ffc)
    #expect(test.say("find 0x40000000, +0x1000, 0x777").hasPrefix("it is nowhere in that range"))
    StopTests.expect(test.say("find/b 0, +0x10000, 0"), has: ["and more: 1000 places are shown at most"])
    #expect(test.say("find 1, 0, 1").hasPrefix("error: the range ends at 00000000"))
    #expect(test.say("find 0, 1").hasPrefix("error: something is missing"))
  }

  @Test func descriptorTables() throws {
    let test = try TestSession.guest("minikernel", mebibytes: 256)
    try test.run(to: "Guest.Demonstration.writePattern")
    StopTests.expect(test.say("info gdt"), has: ["code", "data"])
    StopTests.expect(test.say("info idt 14"), has: ["14", "gate"])
    #expect(test.say("info idt 256").hasPrefix("error: the IDT at "))
    #expect(test.say("info ldt").hasPrefix("error: LDTR holds a null selector"))
    StopTests.expect(test.say("print-stack 4"), has: ["esp+0x0", "esp+0xc"])
  }

  @Test func consoleBytesAtTheEndAreShown() throws {
    let test = try TestSession.guest("hello")
    let whole = try TestSession.guest("hello")
    whole.say("c")
    #expect(test.say("goto 1 << 40").hasPrefix("error: the guest ends before that"))
    let console = try #require(test.session.console as? KeepingConsole)
    let expected = try #require(whole.session.console as? KeepingConsole)
    #expect(console.output == expected.output)
    // Once, however often it goes there.
    test.say("goto 0")
    test.say("goto 1 << 40")
    #expect(console.output == expected.output)
  }

  @Test func controlCharactersAreSpelledOut() throws {
    #expect(PlainText.of("a\u{1b}[2Jb\tc\u{7f}\u{9b}\u{202e}ä") == "a\\x1b[2Jb\tc\\x7f\\x9b\\u{202e}ä")
    let test = try TestSession.tables()
    for byte in 0...0x1f { try test.write(UInt64(byte) << 32 | 0x61, at: 0x5000 + UInt64(byte) * 8) }
    for line in [
      "x/64xb 0x40000000", "x/64c 0x40000000", "x/8s 0x40000000", "p \u{1b}[2J", "\u{1b}]0;x\u{7}",
      "source \u{1b}c",
    ] {
      let answer = test.say(line)
      #expect(!answer.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }, "\(line)")
    }
  }

  @Test func vaAfterATripleFault() throws {
    // mov eax, [40000000h] through tables that are not there: cr3 = 0 with paging on, no IDT.
    let test = try TestSession.code([
      0xB8, 0, 0, 0x20, 0, 0x0F, 0x22, 0xD8, 0x0F, 0x20, 0xC0, 0x0D, 0, 0, 0, 0x80, 0x0F, 0x22, 0xC0, 0x90,
    ])
    StopTests.expect(test.say("c"), has: ["triple fault"])
    #expect(test.session.variables.linear != nil)
  }
}
