import Foundation
import TestSupport
import Testing

@testable import Emulator

/// The fast paths (access filter, line filters, blocks with their sums, strings in bulk) against the same machine without
/// any: one instruction after the other, decoded afresh, each access through TLB and caches. Every count, every cycle, every
/// register, every TLB entry with its place and age, memory and console output must be the same.
@Suite("Fast paths are exact")
struct FastPathTests {
  /// All of each guest takes minutes without the fast paths (PAGEWALK_SLOW=1). Otherwise both stop at the same cycle, in the
  /// middle of whatever they do there.
  @Test("guests", arguments: TimedGuest.all)
  func guests(_ guest: TimedGuest) throws {
    let isThorough = ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] != nil
    for timing in TimingLevel.allCases {
      let limit: UInt64 = isThorough ? 20_000_000_000 : timing == .full ? 12_000_000 : 3_000_000
      let fast = try guest.machine(timing)
      let direct = try guest.machine(timing, fast: false)
      let differences = TimedGuest.finish(fast, limit: limit).differences(
        from: TimedGuest.finish(direct, limit: limit))
      #expect(differences.isEmpty, "\(guest), \(timing): \(differences.joined(separator: "\n"))")
      #expect(fast.counters.instructions > 100)
      expectBreakdownAddsUp(fast, "\(guest), \(timing)")
    }
  }

  @Test("random programs", arguments: 0..<60 as Range<UInt64>)
  func randomPrograms(_ seed: UInt64) throws {
    for timing in TimingLevel.allCases {
      let fast = try RandomSystemProgram.machine(seed: seed, timing)
      let direct = try RandomSystemProgram.machine(seed: seed, timing, fast: false)
      let stops = (fast.machine.run(untilCycle: 100_000_000), direct.machine.run(untilCycle: 100_000_000))
      let differences = Outcome(
        of: fast.machine, stop: stops.0, output: fast.machine.takeSerialOutput(draining: true)
      )
      .differences(
        from: Outcome(
          of: direct.machine, stop: stops.1, output: direct.machine.takeSerialOutput(draining: true)))
      #expect(differences.isEmpty, "seed \(seed), \(timing): \(differences.joined(separator: "\n"))")
      #expect(fast.memoryFingerprint == direct.memoryFingerprint, "seed \(seed), \(timing)")
      #expect(stops.0 == .halted, "seed \(seed), \(timing): the program got lost")
      #expect(fast.machine.counters.instructions > 2000, "seed \(seed), \(timing): the program ended early")
      expectBreakdownAddsUp(fast.machine, "seed \(seed), \(timing)")
    }
  }

  @Test("slices with random stops change nothing", arguments: 0..<30 as Range<UInt64>)
  func slices(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed ^ 0x51ce)
    for timing in TimingLevel.allCases {
      let whole = try RandomSystemProgram.machine(seed: seed, timing).machine
      let sliced = try RandomSystemProgram.machine(seed: seed, timing).machine
      let expected = Outcome(of: whole, stop: whole.run(untilCycle: 100_000_000))
      var stop = StopReason.cycleLimit
      let longest: UInt32 = [20, 300, 5000][Int(seed % 3)]
      while stop == .cycleLimit {
        let end = sliced.cycle + UInt64(1 + random.below(longest))
        stop = sliced.run(untilCycle: end)
        if stop == .cycleLimit {
          #expect(sliced.cycle >= end, "seed \(seed), \(timing): the clock stopped early")
        }
      }
      let differences = expected.differences(from: Outcome(of: sliced, stop: stop))
      #expect(differences.isEmpty, "seed \(seed), \(timing): \(differences.joined(separator: "\n"))")
    }
  }

  @Test(
    "a run stops at the same instruction however the code is divided", arguments: 100..<120 as Range<UInt64>)
  func stopsAtTheSameInstruction(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for timing in TimingLevel.allCases {
      let fast = try RandomSystemProgram.machine(seed: seed, timing).machine
      let direct = try RandomSystemProgram.machine(seed: seed, timing, fast: false).machine
      for _ in 0..<300 {
        let end = fast.cycle + UInt64(1 + random.below(400))
        let stops = (fast.run(untilCycle: end), direct.run(untilCycle: end))
        let differences = Outcome(of: fast, stop: stops.0).differences(
          from: Outcome(of: direct, stop: stops.1))
        try #require(
          differences.isEmpty, "seed \(seed), \(timing), cycle \(end): \(differences.joined(separator: "\n"))"
        )
        if stops.0 != .cycleLimit { break }
      }
    }
  }

  @Test("guests in slices", arguments: TimedGuest.small)
  func slicedGuests(_ guest: TimedGuest) throws {
    var random = SeededGenerator(seed: 7)
    for timing in TimingLevel.allCases {
      let whole = try guest.machine(timing)
      let sliced = try guest.machine(timing)
      let expected = TimedGuest.finish(whole)
      var stop = StopReason.cycleLimit
      var output: [UInt8] = []
      while stop == .cycleLimit {
        stop = sliced.run(untilCycle: sliced.cycle + UInt64(1 + random.below(3000)))
        output += sliced.takeSerialOutput()
      }
      output += sliced.takeSerialOutput(draining: true)
      let differences = expected.differences(from: Outcome(of: sliced, stop: stop, output: output))
      #expect(differences.isEmpty, "\(guest), \(timing): \(differences.joined(separator: "\n"))")
    }
  }
}
