import IA32
import TestSupport
import Testing

@testable import Emulator

/// Whatever way a machine takes through its past, it arrives where a plain run does.
@Suite("Going back in time is exact")
struct HistoryExactnessTests {
  /// What two machines at the same cycle must agree in.
  private func state(_ machine: Machine) -> Outcome { Outcome(of: machine, stop: .cycleLimit) }

  /// Random jumps over the first `length` cycles, each checked against a plain machine run to the same cycle; then the end.
  private func wander(
    _ history: MachineHistory, length: UInt64, seed: UInt64, jumps: Int, plain: () throws -> Machine
  ) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<jumps {
      let target = history.firstCycle + UInt64(random.below(UInt32(length - history.firstCycle)))
      do {
        try history.goTo(cycle: target)
      } catch .endsBefore {
        continue
      }
      let reference = try plain()
      _ = reference.run(untilCycle: target)
      let differences = state(history.machine).differences(from: state(reference))
      try #require(
        differences.isEmpty, "seed \(seed), cycle \(target): \(differences.joined(separator: "\n"))")
      try #require(
        history.machine.snapshot().clock == reference.snapshot().clock, "seed \(seed), cycle \(target)")
      if random.oneIn(3) {
        // Some way on, in slices, from here.
        _ = history.run(untilCycle: target + UInt64(random.below(5000)))
      }
    }
  }

  @Test("random programs", arguments: 0..<12 as Range<UInt64>, TimingLevel.allCases)
  func randomPrograms(_ seed: UInt64, _ timing: TimingLevel) throws {
    let bare = try RandomSystemProgram.machine(seed: seed, timing)
    let plain = try RandomSystemProgram.machine(seed: seed, timing)
    let history = MachineHistory(bare.machine, interval: 7000, budget: 64 << 20)
    _ = history.run(untilCycle: 60_000)
    try wander(history, length: 60_000, seed: seed, jumps: 25) {
      try RandomSystemProgram.machine(seed: seed, timing).machine
    }
    let stops = (plain.machine.run(untilCycle: 100_000_000), history.run(untilCycle: 100_000_000))
    let differences = Outcome(of: plain.machine, stop: stops.0)
      .differences(from: Outcome(of: bare.machine, stop: stops.1))
    #expect(differences.isEmpty, "seed \(seed), \(timing): \(differences.joined(separator: "\n"))")
    #expect(plain.memoryFingerprint == bare.memoryFingerprint, "seed \(seed), \(timing)")
  }

  @Test("a tiny budget moves the beginning, and what is left is exact", arguments: 0..<4 as Range<UInt64>)
  func tinyBudget(_ seed: UInt64) throws {
    let bare = try RandomSystemProgram.machine(seed: seed, .full)
    let budget = 5 << 20
    let history = MachineHistory(bare.machine, interval: 1000, budget: budget)
    _ = history.run(untilCycle: 60_000)
    #expect(history.memoryBytes < budget + budget / 2)
    #expect(history.snapshotCycles == history.snapshotCycles.sorted())
    try wander(history, length: 60_000, seed: seed, jumps: 10) {
      try RandomSystemProgram.machine(seed: seed, .full).machine
    }
    #expect(throws: HistoryError.beforeBeginning(first: history.firstCycle)) {
      if history.firstCycle == 0 { throw HistoryError.beforeBeginning(first: 0) }
      try history.goTo(cycle: history.firstCycle - 1)
    }
  }

  @Test("guests", arguments: TimedGuest.small, TimingLevel.allCases)
  func guests(_ guest: TimedGuest, _ timing: TimingLevel) throws {
    let expected = TimedGuest.finish(try guest.machine(timing))
    let machine = try guest.machine(timing)
    let history = MachineHistory(machine, interval: 200_000)
    var random = SeededGenerator(seed: 7)
    var output: [UInt8] = []
    var stop = StopReason.cycleLimit
    for _ in 0..<12 {
      stop = history.run(untilCycle: machine.cycle + UInt64(random.below(2_000_000)))
      output += history.takeSerialOutput()
      try history.goTo(cycle: UInt64(random.below(UInt32(clamping: machine.cycle))))
    }
    repeat { stop = history.run(untilCycle: 4_000_000_000) } while stop == .interrupted
    let machineState = Outcome(of: machine, stop: stop)
    let plain = try guest.machine(timing)
    let plainState = Outcome(of: plain, stop: plain.run(untilCycle: 4_000_000_000))
    let differences = machineState.differences(from: plainState)
    #expect(differences.isEmpty, "\(guest), \(timing): \(differences.joined(separator: "\n"))")
    output += history.takeSerialOutput(draining: true)
    // Said once, whatever was executed twice.
    #expect(String(decoding: output, as: UTF8.self) == expected.text)
  }

  @Test("stale reports come again at the same places")
  func staleReports() throws {
    let guest = try #require(TimedGuest.all.first { $0.image == "stale" })
    let machine = try guest.machine(.full)
    let history = MachineHistory(machine, interval: 100_000)
    var reports: [String] = []
    machine.checkStale { reports.append("\($0)") }
    let stop = history.run()
    let first = reports
    #expect(!first.isEmpty)
    let end = machine.cycle
    try history.goTo(cycle: history.firstCycle)
    reports = []
    #expect(history.run() == stop)
    #expect(reports == first)
    #expect(machine.cycle == end)
  }
}
