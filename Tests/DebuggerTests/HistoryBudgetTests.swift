import IA32
import Testing

@testable import Debugger
@testable import Emulator

/// A guest that changes all of its memory again and again: the history keeps to its budget, and the guest to its speed.
@Suite("The budget of a history")
struct HistoryBudgetTests {
  /// Fills so many MiB from 2 MiB on with 1, then with 2, and so on.
  private func filler(mebibytes: UInt32) throws -> TestSession {
    let count = (mebibytes << 20) / 4
    return try TestSession.code(
      [0xBF, 0, 0, 0x20, 0, 0xB9] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * UInt32($0))) }
        + [0x43, 0x89, 0xD8, 0xFC, 0xF3, 0xAB, 0xEB, 0xEE], mebibytes: 64)
  }

  /// What one instruction may add before a snapshot can be taken.
  private static let slack = 1 << 20

  @Test("it is kept at every moment", arguments: [16, 40, 100, 256])
  func isKept(_ budget: Int) throws {
    let test = try filler(mebibytes: 48)
    let history = MachineHistory(test.machine, interval: 100_000, budget: budget << 20)
    for step in 1...300 {
      _ = history.run(untilCycle: UInt64(step) * 700_000)
      #expect(history.memoryBytes <= budget << 20 + Self.slack, "step \(step)")
    }
    #expect(test.machine.registers[GeneralRegister.ebx] > 3)
    if budget == 16 { #expect(history.isForced) }
    if budget == 256 { #expect(!history.isForced && history.spacing > history.interval) }
  }

  @Test("what is left of it is exact") func isExact() throws {
    let test = try filler(mebibytes: 48)
    let history = MachineHistory(test.machine, interval: 100_000, budget: 128 << 20)
    var states: [(cycle: UInt64, registers: RegisterFile, memory: UInt64)] = []
    func state() -> (cycle: UInt64, registers: RegisterFile, memory: UInt64) {
      let bytes = test.machine.peek(PhysicalAddress(0x100_0000), count: 8) ?? []
      return (test.machine.cycle, test.machine.registers, bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
    for step in 1...100 {
      _ = history.run(untilCycle: UInt64(step) * 2_000_000)
      states.append(state())
    }
    let reachable = states.filter { $0.cycle >= history.firstCycle }
    #expect(reachable.count > 1)
    for expected in reachable.reversed() {
      try history.goTo(cycle: expected.cycle)
      let found = state()
      #expect(found.registers == expected.registers && found.memory == expected.memory)
    }
  }

  @Test("copying does not follow every interval") func isSpaced() throws {
    let test = try filler(mebibytes: 16)
    let history = MachineHistory(test.machine, interval: 10_000, budget: 512 << 20)
    _ = history.run(untilCycle: 100_000_000)
    // 4096 pages in each interval: 16 million cycles apart.
    #expect(history.snapshotCycles.count < 40)
    let session = DebuggerSession(machine: test.machine, image: nil, history: history)
    #expect(
      TestSession(session).say("info history").contains("the guest changes much memory: snapshots are "))
  }
}
