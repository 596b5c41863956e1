import IA32
import TestSupport
import Testing

@testable import Emulator

/// Guests that do what no program should, with a history and under observation: the same happens, however often it is gone
/// back in.
@Suite("Hostile guests and time travel")
struct HostileHistoryTests {
  private func end(_ history: MachineHistory, at cycle: UInt64) -> StopReason {
    var stop = StopReason.interrupted
    while stop == .interrupted { stop = history.run(untilCycle: cycle) }
    return stop
  }

  private func observe(_ machine: Machine, seed: UInt64) {
    if seed % 2 == 0 { machine.checkStale { _ in } }
    if seed % 3 == 0 { _ = machine.observe(.all) { _, _ in } }
    if seed % 5 == 0 { _ = machine.watchPhysical(0x1000..<0x2_0000) { _, _ in } }
  }

  @Test func theSameHappensAgain() throws {
    let seeds = Array(0..<(runsSlowSweeps ? 20_000 : 500) as Range<UInt64>) + [2723, 16_168]
    var failures = 0
    for seed in seeds where failures < 5 {
      let guest = HostileGuest(seed: seed)
      let plain = try guest.machine()
      let limit = plain.machine.cycle + 2000
      let expected = RunResult(plain.machine, plain.machine.run(untilCycle: limit), bytes: 4 << 20)
      let program = try guest.machine()
      let history = MachineHistory(program.machine, interval: 300)
      observe(program.machine, seed: seed)
      var random = SeededGenerator(seed: seed)
      var stop = end(history, at: limit)
      for _ in 0..<3 {
        let length = program.machine.cycle - history.firstCycle
        try history.goTo(cycle: history.firstCycle + random.next() % (length + 1))
        stop = end(history, at: limit)
      }
      let result = RunResult(program.machine, stop, bytes: 4 << 20)
      if result != expected {
        failures += 1
        Issue.record("seed \(seed), mode \(guest.mode): \(result.differences(from: expected))")
      }
    }
  }
}
