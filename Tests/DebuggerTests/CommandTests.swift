import Foundation
import Reports
import Testing

@testable import Debugger

@Suite("Debugger commands")
struct CommandTests {
  @Test(arguments: [
    ("wlak 1", "error: unknown command 'wlak': did you mean 'walk'?"),
    ("info tbl", "error: unknown command 'info tbl': did you mean 'info tlb'?"),
    ("xyzzy", "error: unknown command 'xyzzy': 'help' lists them"),
    (
      "info",
      "error: 'info' needs args, breakpoints, buddy, control, creg, defined, devices, display, float, gdt, history, idt, ldt, line, locals, lost, mem, pdpte, pg, r, registers, segments, sreg, stops, symbol, tab, tlb, tss, vector, vmalloc or watchpoints behind it"
    ),
    ("info p", "error: 'info p' can mean info pdpte or info pg"),
    ("che wx now", "error: no symbol or register 'now', at character 1 of 'now'"),
    ("creg 5", "error: '5' is too much: expected creg"),
    ("walk", "error: something is missing: expected walk ADDR [r|w|x] [-u]"),
    ("walk/4 0", "error: 'walk' takes no format such as '/4': expected walk ADDR [r|w|x] [-u]"),
    (
      "x/4q 0",
      "error: the format '/4q' is not understood: expected a count, one of x d u o t c s i, and one of b h w g"
    ),
    ("x/99999 0", "error: the count 99999 is out of range: from 1 to 4096"),
    ("si 0", "error: '0' is not a count: expected stepi [N]"),
    ("--json", "error: --json alone is not a command: put it after one that shows something"),
    (
      "info tlb l2",
      "error: there is no TLB array 'l2': expected itlb, dtlb, or one of 'itlb 4k', 'itlb large', 'dtlb 4k', 'dtlb large'"
    ),
    ("walk 0x100000000", "error: 0x100000000 is not a 32-bit linear address"),
    ("info mem 2 1", "error: the range ends at 00000001, before it begins at 00000002"),
    ("# walk", ""), ("   ", ""),
  ])
  func whatIsSaidOfMistakes(_ line: String, _ answer: String) throws {
    #expect(try TestSession.tables().say(line) == answer)
  }

  @Test(arguments: [
    ("i tlb", "info tlb"), ("info reg", "info registers"), ("i r", "info registers"), ("p 1", "print"),
    ("page 0", "walk"), ("gva2gpa 0", "walk"), ("h", "help"), ("q", "quit"), ("exp fa", "explain fault"),
    ("where", "bt"), ("c", "continue"), ("x 0", "x"), ("xp 0", "xp"), ("disas", "u"), ("b", "break"),
    ("rsi", "reverse-stepi"), ("sw", "step-walk"), ("u 0", "u"), ("s", "step"), ("n", "next"),
    ("si", "stepi"), ("ni", "nexti"),
    ("set $eax = 1", "set"), ("set stale off", "set stale"), ("f", "frame"), ("fin", "finish"),
  ])
  func abbreviations(_ line: String, _ name: String) throws {
    let words = line.split(separator: " ").map(String.init)
    #expect(try CommandTable.standard.find(words).command.name == name)
  }

  @Test func noNameIsGivenTwice() {
    let names = CommandTable.standard.commands.flatMap(\.names)
    #expect(Set(names).count == names.count)
  }

  @Test func everyCommandHasHelpAndAnExampleOfItself() throws {
    let test = try TestSession.tables()
    for command in CommandTable.standard.commands {
      #expect(test.say("help \(command.name)").hasPrefix(command.usage))
      var first = command.example.split(separator: " ").map(String.init)
      first[0] = String(first[0].split(separator: "/")[0])
      #expect(try CommandTable.standard.find(first).command.name == command.name)
      #expect(!command.summary.hasSuffix("."))
    }
    #expect(test.say("help paging").contains("info pdpte"))
    #expect(test.say("help info").contains("info vmalloc"))
    #expect(test.say("help").contains("check"))
  }

  @Test func anEmptyLineRepeats() throws {
    let test = try TestSession.tables()
    try test.write(0x1122_3344_5566_7788, at: 0x5000)
    #expect(test.say("x/2xw 0x40000000") == "40000000:  0x55667788  0x11223344")
    // Memory goes on.
    #expect(test.say("") == "40000008:  0x00000000  0x00000000")
    #expect(test.say("") == "40000010:  0x00000000  0x00000000")
    #expect(test.say("p 1") == "0x1 = 1")
    #expect(test.say("") == "0x1 = 1")
  }

  @Test func quitEndsTheSession() throws {
    let test = try TestSession.tables()
    #expect(!test.session.wantsToQuit)
    test.say("q")
    #expect(test.session.wantsToQuit)
  }

  static let showing = [
    "info r", "info r eip cr3 pdpte1", "creg", "sreg", "bt", "info line 0", "info symbol 0", "p 1 + 1",
    "x/4xw 0x40000000", "x -w 0",
    "xp/2xg 0x1000", "x/s 0", "x/3i 0", "u 0 2", "walk 0x40000000 w", "walk 0x40002000 -u", "info tlb",
    "info pdpte", "explain fault", "info mem", "info tab", "info pg", "check tlb", "check pdpte",
    "check reserved", "check wx", "check alias", "info idt", "info gdt", "print-stack", "find 0, +0x1000, 1",
    "info display", "info defined",
    "frame", "info stops", "help", "help walk", "help paging",
  ]

  @Test(arguments: showing)
  func jsonIsOneLineOfJSON(_ line: String) throws {
    let test = try TestSession.tables()
    _ = try test.machine.load32(.init(0x4000_0000))
    let text = test.say(line + " --json")
    #expect(!text.contains("\n"))
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    #expect(value is [Any] || value is [String: Any])
    #expect(test.say("--json " + line) == text)
  }

  @Test func jsonEscapes() {
    let value = JSONValue.object([
      .init("a\"b", .string("\\ \n \u{1} ä")), .init("n", .array([.null, .bool(true), .number(7)])),
    ])
    #expect(value.text == #"{"a\"b":"\\ \n \u0001 ä","n":[null,true,7]}"#)
  }

  @Test func completion() throws {
    let completion = Completion(try TestSession.guest("missing-flush/missing-invlpg").session)
    #expect(completion.candidates(for: "wa", after: "") == ["walk", "watch"])
    #expect(completion.candidates(for: "t", after: "info ") == ["tab", "tlb", "tss"])
    #expect(completion.candidates(for: "d", after: "info tlb ") == ["dtlb"])
    #expect(
      completion.candidates(for: "stale_", after: "walk ") == [
        "stale_read", "stale_store", "stale_use", "stale_write",
      ])
    #expect(
      completion.candidates(for: "0x10+$es", after: "x/4xw ") == ["0x10+$es", "0x10+$esi", "0x10+$esp"])
    #expect(completion.candidates(for: "wal", after: "help ") == ["walk"])
    #expect(completion.candidates(for: "z", after: "no such ") == [])
  }
}
