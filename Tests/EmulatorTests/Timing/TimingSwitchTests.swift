import IA32
import TestSupport
import Testing

@testable import Emulator

/// Another timing level in the middle of a run.
@Suite("Switching the timing level")
struct TimingSwitchTests {
  @Test(
    "the guest does not notice, the clock goes on, and both ways of execution agree",
    arguments: 0..<12 as Range<UInt64>)
  func switching(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fast = try RandomSystemProgram.machine(seed: seed, .functional)
    let direct = try RandomSystemProgram.machine(seed: seed, .functional, fast: false)
    var stop = StopReason.cycleLimit
    while stop == .cycleLimit {
      let level = TimingLevel.allCases[Int(random.below(3))]
      let before = fast.machine.cycle
      for machine in [fast.machine, direct.machine] { machine.setTiming(level) }
      #expect(fast.machine.timing == level)
      #expect(fast.machine.cycle == before)
      let end = before + UInt64(1 + random.below(20_000))
      stop = fast.machine.run(untilCycle: end)
      let other = direct.machine.run(untilCycle: end)
      let differences = Outcome(of: fast.machine, stop: stop).differences(
        from: Outcome(of: direct.machine, stop: other))
      try #require(differences.isEmpty, "seed \(seed), \(level): \(differences.joined(separator: "\n"))")
    }
    #expect(stop == .halted)
    #expect(fast.memoryFingerprint == direct.memoryFingerprint)
    expectBreakdownAddsUp(fast.machine, "seed \(seed)")
  }

  @Test("full begins with empty caches; the TLB stands")
  func beginsEmpty() throws {
    let bare = try BareMachine(.tlb)
    bare.mapIdentity()
    try bare.turnPagingOn()
    let machine = bare.machine
    _ = try machine.load32(LinearAddress(0x80_0000))
    let before = machine.counters
    machine.setTiming(.full)
    let start = machine.cycle
    _ = try machine.load32(LinearAddress(0x80_0000))
    #expect(machine.cycle - start == 30)
    #expect(machine.counters.paging.dataMisses == before.paging.dataMisses)
    #expect(machine.counters.caches.dataLinesIn == before.caches.dataLinesIn + 1)
    machine.setTiming(.functional)
    let end = machine.cycle
    _ = try machine.load32(LinearAddress(0x80_0040))
    #expect(machine.cycle == end)
  }

  @Test("the same level again changes nothing")
  func sameLevel() throws {
    let machine = try BareMachine(.full).machine
    _ = try machine.load32(LinearAddress(0x80_0000))
    machine.setTiming(.full)
    let start = machine.cycle
    _ = try machine.load32(LinearAddress(0x80_0000))
    #expect(machine.cycle == start)
  }
}
