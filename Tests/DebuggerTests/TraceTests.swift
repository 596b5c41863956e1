import Foundation
import IA32
import Reports
import TestSupport
import Testing

@testable import Debugger
@testable import Emulator

/// A debugger must not be noticed, and must not fall.
@Suite("Debugger leaves no trace")
struct TraceTests {
  /// All that a guest, or a later command, could see of a machine.
  struct Everything: Equatable {
    var registers: RegisterFile
    var cycle: UInt64
    var instructions: UInt64
    var paging: PagingCounters
    var bus: BusCounters
    var tlb: [String]
    var tables: [UInt8]

    init(_ machine: Machine) {
      registers = machine.registers
      cycle = machine.cycle
      instructions = machine.counters.instructions
      paging = machine.counters.paging
      bus = machine.bus.counters
      tlb = TLBArrayName.allCases.flatMap { machine.tlb($0) }.map { "\($0)" }
      tables = machine.memory.read(PhysicalAddress(0), count: 0x9_0000) ?? []
    }
  }

  static let looking =
    CommandTests.showing + [
      "x/64xb 0x40000ff0", "x/8xg -w 0x40001000", "walk va x", "p *0x40000000 + *0x40001000", "info vmalloc",
      "info buddy", "audit", "info line", "list", "walk 0xffffffff x -u", "info tab 0 0xffffffff",
    ]

  @Test func nothingChangesBetweenTwoCommands() throws {
    let test = try TestSession.tables()
    for linear in [0x4000_0000, 0x4000_1000, 0x4000_4000, 0x10_0000] as [UInt32] {
      _ = try test.machine.load32(LinearAddress(linear))
    }
    let before = Everything(test.machine)
    for line in Self.looking {
      test.say(line)
      #expect(Everything(test.machine) == before, "\(line)")
    }
  }

  @Test func aGuestTakesTheSameCourseUnderEveryLook() throws {
    let free = try TestSession.guest("missing-flush/global-over-cr3")
    free.say("c")
    let watched = try TestSession.guest("missing-flush/global-over-cr3")
    var step = 0
    while watched.session.ended == nil {
      watched.say("si 400")
      watched.say(Self.looking[step % Self.looking.count])
      step += 1
    }
    #expect(watched.session.ended == free.session.ended)
    #expect(Everything(watched.machine) == Everything(free.machine))
  }

  /// Pieces that commands are made of, and pieces that they are not.
  static let pieces = [
    "x", "xp", "x/4xw", "x/3i", "x/2s", "x/8xg", "x/5cb", "x/2tw", "x/3dh", "x/9ob", "walk", "info", "tlb",
    "mem", "tab", "pg", "pdpte", "check",
    "alias", "wx", "reserved", "bt", "u", "p", "p/t", "p/c", "p/d", "list", "si", "c", "help", "explain",
    "fault", "-w", "-u", "r", "w",
    "--json", "0x40000000", "0x40000ffe", "0xffffffff", "0xffffffffffffffff", "0", "1", "-1", "4096", "$esp",
    "$va", "$pa", "$_", "$eip", "$cr3", "va", "*", "+", "-", "/", "<<", ">>", "(", ")", "~", "&", "|", "'",
    "'a b'",
    "\u{1F600}", "é", "\0", "\u{7}", "0x", "$", "..", "$$", "stale_use", "main", "info tlb", "#", "x/", "x//",
    "/", "x/0", "p/xx",
    "0xfffffffffffffff0", "0x8000000000000000", "63", "64", "type", "quit", "creg", "sreg", "audit", "buddy",
  ]

  /// Whether a line makes the guest run, or repeats one: some of these guests would run for ever.
  private func lets(_ line: String, run test: TestSession) -> Bool {
    let words = line.split { " \t\r\n/".contains($0) }.map(String.init).filter { $0 != "--json" }
    guard let command = try? test.session.commands.find(words).command else { return words.isEmpty }
    return [.run, .stops, .history, .trace].contains(command.group)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func randomLinesNeverTrap(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let test =
      seed % 2 == 0 ? try TestSession.guest("missing-flush/missing-invlpg") : try TestSession.tables()
    if seed % 2 == 0 { try test.run(to: "stale_use") }
    for _ in 0..<4000 {
      let count = Int.random(in: 0...6, using: &random)
      let line = (0..<count).map { _ in Self.pieces.randomElement(using: &random) ?? "" }.joined(
        separator: Bool.random(using: &random) ? " " : "")
      if lets(line, run: test) { continue }
      if case .failed(let message) = test.shell.execute(line) {
        #expect(!message.isEmpty && !message.contains("\n"), "seed \(seed): \(line)")
      }
    }
  }

  @Test func randomBytesNeverTrap() throws {
    var random = SeededGenerator(seed: 5)
    let test = try TestSession.tables()
    for _ in 0..<4000 {
      let bytes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let line = String(decoding: bytes, as: UTF8.self)
      _ = test.shell.execute("p " + line)
      if !lets(line, run: test) { _ = test.shell.execute(line) }
      _ = Completion(test.session).candidates(for: line, after: "walk ")
    }
    #expect(test.say(String(repeating: "x", count: 5000)) == "error: the line has more than 4096 bytes")
  }

  /// Tables of random entries: whatever they say, it is said, in text and in JSON, twice the same, and the machine doesn't
  /// notice.
  @Test(arguments: [6, 7, 8] as [UInt64])
  func randomTablesNeverTrap(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let test = try TestSession.tables()
    for _ in 0..<40 {
      for table in [0x2000, 0x3000, 0x4000] as [UInt64] {
        for _ in 0..<64 {
          let index = UInt64.random(in: 0..<512, using: &random)
          let wild = UInt64.random(in: 0...UInt64.max, using: &random)
          let entry = Bool.random(using: &random) ? wild : wild & 0xff8f_ff01_ffff
          try test.write(entry, at: table + index * 8)
        }
      }
      let linear = UInt32.random(in: 0...UInt32.max, using: &random)
      let before = "\(test.machine.counters) \(test.machine.registers)"
      for line in [
        "walk \(linear)", "x/8xw \(linear)", "info mem 0x40000000 0x7fffffff", "info tab", "info pg",
        "check tlb", "check reserved",
        "check wx", "check alias 0 0x7fffffff", "x/3i \(linear)",
      ] {
        let text = test.say(line)
        #expect(!text.isEmpty, "seed \(seed): \(line)")
        #expect(text == test.say(line), "seed \(seed): \(line)")
        let json = test.shell.execute(line + " --json")
        switch json {
        case .failed(let message):
          #expect(text == "error: \(message)", "seed \(seed): \(line)")
        case .done(let lines):
          #expect(lines.count == 1, "seed \(seed): \(line)")
          #expect(throws: Never.self, "seed \(seed): \(line)") {
            try JSONSerialization.jsonObject(with: Data(lines.joined().utf8))
          }
        }
      }
      #expect("\(test.machine.counters) \(test.machine.registers)" == before, "seed \(seed): \(linear)")
    }
  }
}
