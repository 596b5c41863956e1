import Foundation
import IA32
import TestSupport
import Testing

@testable import Emulator

/// Random bytes as code in every mode and ring, among random tables: the host survives, and time passes. One machine does it
/// all; between two guests it is reset.
@Suite("Random bytes as code")
struct FuzzTests {
  /// The guest that runs now: what to look at, and to keep in Tests/FailCases, when the tests' process dies.
  private static let current = FileManager.default.temporaryDirectory.appendingPathComponent(
    "pagewalk-fuzz.case")

  /// How many instructions are executed; PAGEWALK_FUZZ says another number.
  static let instructions: UInt64 = {
    let asked = ProcessInfo.processInfo.environment["PAGEWALK_FUZZ"].flatMap { UInt64($0) }
    return asked ?? (runsSlowSweeps ? 100_000_000 : 300_000)
  }()

  private static func guest(_ seed: UInt64) -> HostileGuest {
    var guest = HostileGuest(seed: seed &+ 1 << 32)
    var random = SeededGenerator(seed: seed)
    guest.noise = random.next() | 1
    guest.handlers = random.oneIn(4) ? .code : .skip
    return guest
  }

  @Test("Random guests on one machine") func oneMachine() throws {
    let program = try ProgramMachine(
      memory: 4 << 20, frequency: 5 * 1_193_182, identity: ProgramMachine.everything)
    let machine = program.machine
    let fresh = machine.snapshot()
    var done: UInt64 = 0
    var stops: [String: Int] = [:]
    var modes: [HostileGuest.Mode: UInt64] = [:]
    var seed: UInt64 = 0
    var failures = 0
    while done < Self.instructions && failures < 5 {
      defer { seed += 1 }
      let guest = Self.guest(seed)
      try Data(("# fuzz \(seed)\n" + guest.description).utf8).write(to: Self.current)
      // From A0000h to FFFFFh there is no RAM.
      memset(machine.memory.base, 0, 0xa_0000)
      memset(machine.memory.base + 0x10_0000, 0, 0x30_0000)
      machine.restore(fresh)
      program.dropsBlocks = false
      try guest.prepare(program)
      program.dropsBlocks = true
      program.cpu.blocks.removeAll()
      let before = program.cpu.counters.pointee.instructions
      let limit = machine.cycle &+ 20_000
      let stop = machine.run(untilCycle: limit)
      let count = program.cpu.counters.pointee.instructions &- before
      done += max(count, 1)
      modes[guest.mode, default: 0] += count
      stops["\(stop)".prefix { $0 != "(" }.description, default: 0] += 1
      let isOver = stop == .cycleLimit && machine.cycle < limit
      if isOver || machine.cycle > limit &+ 1_000_000 {
        failures += 1
        Issue.record("seed \(seed): \(stop) at cycle \(machine.cycle) of \(limit)\n\(guest.description)")
      }
      // Every so often the same guest on a machine of its own must do the same.
      if seed % 64 == 0 {
        let result = RunResult(machine, stop, bytes: 4 << 20)
        let other = try guest.machine()
        let same = RunResult(
          other.machine, other.machine.run(untilCycle: other.machine.cycle &+ 20_000), bytes: 4 << 20)
        if result.registers != same.registers || result.memory != same.memory || result.stop != same.stop {
          failures += 1
          Issue.record("seed \(seed): the machine that was reset differs: \(result.differences(from: same))")
        }
      }
    }
    try? FileManager.default.removeItem(at: Self.current)
    print("fuzz: \(done) instructions of \(seed) guests; \(modes); \(stops)")
    for mode in HostileGuest.Mode.allCases { #expect(modes[mode, default: 0] > 0, "nothing ran in \(mode)") }
  }
}
