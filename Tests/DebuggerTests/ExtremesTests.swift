import Testing

@testable import Debugger
@testable import Emulator

/// Numbers at the ends of their types, in every argument of every command: nothing traps, nothing hangs, and each mistake is told
/// in one line.
@Suite("Debugger under extreme numbers")
struct ExtremesTests {
  private static let numbers = [
    "0", "1", "-1", "-5", "4095", "4096", "0x7fffffff", "0x80000000", "0xffffffff", "0x100000000",
    "2147483648",
    "0x7fffffffffffffff", "0x8000000000000000", "9223372036854775807", "9223372036854775808",
    "0xffffffffffffffff", "18446744073709551615", "0xfffffffffffffffc", "$cycle-1000", "$cycle*$cycle",
  ]

  /// What may stand in front of the numbers, besides the command's name.
  private static let fronts: [String: [String]] = [
    "catch": ["fault ", "interrupt "], "x": ["", "-w "], "who": ["", "-p "],
    "set": ["$eax = ", "*0x1000 = ", "-p *0x1000 = "],
    "find": ["0xfffff000, ", "0xfffffff0, +"], "info registers": ["eax "], "break": ["", "*"],
  ]

  private static func lines(_ command: Command) -> [String] {
    let before = Self.fronts[command.name] ?? [""]
    return before.flatMap { front in
      numbers.map { "\(command.name) \(front)\($0)" }
        + numbers.flatMap { first in
          ["18446744073709551615", "0xffffffff", "0", "4"].map { second in
            let join = command.name == "find" ? ", " : command.name == "set" ? " + " : " "
            return "\(command.name) \(front)\(first)\(join)\(second)"
          }
        }
    }
  }

  @Test(arguments: CommandTable.standard.commands.map(\.name).filter { $0 != "quit" })
  func everyArgument(_ name: String) throws {
    let command = try #require(CommandTable.standard.commands.first { $0.name == name })
    // hlt with interrupts off ends the guest at once, so that no run is long.
    let flat = try TestSession.code([0x90, 0x90, 0xF4])
    let paged = try TestSession.tables()
    let formats =
      command.takesFormat ? ["", "/4096xg", "/999999999x", "/9999999999", "/0", "/s", "/i", "/4096i"] : [""]
    for line in Self.lines(command) {
      for format in formats {
        let words = line.dropFirst(name.count)
        for test in [flat, paged] where test.session.machine === flat.machine || !Self.runsOn.contains(name) {
          let answer = test.say("\(name)\(format)\(words)")
          if answer.hasPrefix("error: ") { #expect(!answer.contains("\n"), "\(name)\(format)\(words)") }
        }
      }
      flat.say("delete")
      paged.say("delete")
      flat.say("undisplay")
      paged.say("undisplay")
      if command.group == .run || command.group == .history { flat.say("goto 0") }
    }
  }

  /// These would execute what lies at 0 in a machine without a guest, for ever.
  private static let runsOn: Set<String> = [
    "continue", "step", "next", "stepi", "nexti", "finish", "until", "step-walk", "goto", "restart",
    "reverse-stepi", "reverse-continue", "diff-pt", "who", "ptlog",
  ]

  @Test func theKnownOnes() throws {
    let test = try TestSession.code([0x90, 0x90, 0xF4])
    #expect(
      test.say("watch 1 18446744073709551615")
        == "error: 18446744073709551615 bytes at 00000001 can't be watched: 1 to 1048576 inside 4 GiB can")
    test.say("goto 77")
    #expect(test.say("goto $cycle-1000").hasPrefix("error: '$cycle-1000' is -"))
    #expect(test.say("goto -5") == "error: '-5' is -5 as a cycle: the first cycle is 0")
    #expect(test.say("diff-pt -5").hasPrefix("error: '-5' is -5 as a cycle"))
    #expect(test.say("diff-pt 0 0xffffffffffffffff").hasPrefix("error: "))
  }

  @Test func anEndlessInterval() throws {
    let test = try TestSession.guest("hello")
    let session = DebuggerSession(
      machine: test.machine, image: test.session.image,
      history: MachineHistory(test.machine, interval: .max))
    let shell = TestSession(session)
    shell.say("si 1000")
    let cycle = shell.machine.cycle
    #expect(shell.say("rsi").hasPrefix("at "))
    #expect(shell.machine.cycle < cycle)
    shell.say("goto \(cycle)")
    #expect(shell.machine.cycle == cycle)
    #expect(shell.say("rsi 900").hasPrefix("at "))
  }
}
