import Testing

@testable import Emulator

/// Tests build thousands of machines, a page in the browser several: each must go with the last who holds it.
@Suite("A machine's lifetime")
struct MachineLifetimeTests {
  private final class Parts {
    weak var machine: Machine?
    weak var processor: CPU?
    weak var board: SystemBoard?
    weak var bus: Bus?
    weak var memory: PhysicalMemory?
    weak var clock: Clock?
    weak var observation: Observation?

    init(of machine: Machine) {
      self.machine = machine
      processor = machine.cpu
      board = machine.board
      bus = machine.bus
      memory = machine.memory
      clock = machine.clock
      observation = machine.cpu.observation
    }

    var isGone: Bool {
      machine == nil && processor == nil && board == nil && bus == nil && memory == nil && clock == nil
        && observation == nil
    }
  }

  /// Builds a machine, does something with it and lets it go.
  private func partsLeft(by body: (Machine) throws -> Void) throws -> Parts {
    let machine = try RandomSystemProgram.machine(seed: 1, .full).machine
    try body(machine)
    return Parts(of: machine)
  }

  @Test func nothingIsLeftOfARun() throws {
    #expect(try partsLeft { _ = $0.run(untilCycle: 10_000) }.isGone)
  }

  @Test func nothingIsLeftOfAnObservedRun() throws {
    let parts = try partsLeft { machine in
      _ = machine.observe(.all) { _, _ in }
      machine.checkStale { _ in }
      _ = machine.watchLinear(0x1000...0x1fff) { _, _ in }
      _ = machine.run(untilCycle: 10_000)
    }
    #expect(parts.isGone)
  }

  @Test func nothingIsLeftOfAHistory() throws {
    let parts = try partsLeft { machine in
      let history = MachineHistory(machine, interval: 1000)
      _ = history.run(untilCycle: 10_000)
      try history.goTo(cycle: 5000)
    }
    #expect(parts.isGone)
  }
}
