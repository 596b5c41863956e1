import IA32
import TestSupport
import Testing

@testable import Emulator

/// Whoever looks at a run changes nothing in it, and sees the same whatever makes the machine fast.
@Suite("Observers change nothing")
struct ObservationExactnessTests {
  /// Follows translations, and looks at what it is given.
  final class Stepper: TranslationStepper {
    var steps = 0
    func took(_ step: TranslationStep, at moment: EventMoment) { steps += 1 }
  }

  /// A way of looking at a machine. `body` keeps alive what must live as long as the run.
  struct Look: CustomTestStringConvertible, Sendable {
    let name: String
    let attach: @Sendable (Machine) -> Any?
    var testDescription: String { name }
  }

  static let looks = [
    Look(name: "all events") { machine in machine.observe(.all) { _, _ in } },
    Look(name: "walks and stores") { machine in
      machine.observe([.walk, .pteStore, .tlbFill, .tlbEvict]) { _, _ in }
    },
    Look(name: "stale check") { machine in
      machine.checkStale { _ in }
      return nil
    },
    Look(name: "watched memory") { machine in
      [
        machine.watchLinear(0x10_0000...0x10_7fff) { _, _ in },
        machine.watchPhysical(0x10_4000..<0x10_a000) { _, _ in },
      ]
    },
    Look(name: "stepper") { machine in
      let stepper = Stepper()
      machine.translationStepper = stepper
      return stepper
    },
  ]

  private static func detach(_ kept: Any?, from machine: Machine) {
    for observer in kept as? [ObserverID] ?? [kept as? ObserverID].compactMap(\.self) {
      machine.stopObserving(observer)
    }
    machine.translationStepper = nil
    machine.checkStale(nil)
  }

  @Test("random programs", arguments: looks)
  func randomPrograms(_ look: Look) throws {
    for seed in 0..<20 as Range<UInt64> {
      for timing in TimingLevel.allCases {
        let plain = try RandomSystemProgram.machine(seed: seed, timing)
        let watched = try RandomSystemProgram.machine(seed: seed, timing)
        let kept = look.attach(watched.machine)
        let stops = (plain.machine.run(untilCycle: 100_000_000), watched.machine.run(untilCycle: 100_000_000))
        let differences = Outcome(of: plain.machine, stop: stops.0)
          .differences(from: Outcome(of: watched.machine, stop: stops.1))
        #expect(differences.isEmpty, "seed \(seed), \(timing): \(differences.joined(separator: "\n"))")
        #expect(plain.memoryFingerprint == watched.memoryFingerprint, "seed \(seed), \(timing)")
        _ = kept
      }
    }
  }

  @Test("guests", arguments: TimedGuest.small, looks)
  func guests(_ guest: TimedGuest, _ look: Look) throws {
    for timing in TimingLevel.allCases {
      let plain = try guest.machine(timing)
      let watched = try guest.machine(timing)
      let kept = look.attach(watched)
      let differences = TimedGuest.finish(plain).differences(from: TimedGuest.finish(watched))
      #expect(differences.isEmpty, "\(guest), \(timing): \(differences.joined(separator: "\n"))")
      _ = kept
    }
  }

  @Test("observers that come and go in the middle of a run", arguments: looks)
  func comingAndGoing(_ look: Look) throws {
    for seed in 0..<20 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      for timing in TimingLevel.allCases {
        let plain = try RandomSystemProgram.machine(seed: seed, timing)
        let watched = try RandomSystemProgram.machine(seed: seed, timing)
        var kept: Any?
        for _ in 0..<6 {
          _ = watched.machine.run(untilCycle: watched.machine.cycle + UInt64(random.below(9000)))
          kept = look.attach(watched.machine)
          _ = watched.machine.run(untilCycle: watched.machine.cycle + UInt64(random.below(3000)))
          Self.detach(kept, from: watched.machine)
        }
        let stops = (plain.machine.run(untilCycle: 100_000_000), watched.machine.run(untilCycle: 100_000_000))
        let differences = Outcome(of: plain.machine, stop: stops.0)
          .differences(from: Outcome(of: watched.machine, stop: stops.1))
        #expect(differences.isEmpty, "seed \(seed), \(timing): \(differences.joined(separator: "\n"))")
        #expect(plain.memoryFingerprint == watched.memoryFingerprint, "seed \(seed), \(timing)")
        _ = kept
      }
    }
  }

  /// A digest of a stream of events and its length.
  final class Digest {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    var count = 0
    var first: [String] = []

    func add(_ event: MachineEvent, _ moment: EventMoment) {
      count += 1
      let text = "\(moment) \(event)"
      if first.count < 20_000 { first.append(text) }
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
  }

  @Test("the fast machine tells the same as one without fast paths", arguments: 0..<6 as Range<UInt64>)
  func sameEvents(_ seed: UInt64) throws {
    for timing in TimingLevel.allCases {
      let fast = try RandomSystemProgram.machine(seed: seed, timing).machine
      let direct = try RandomSystemProgram.machine(seed: seed, timing, fast: false).machine
      let digests = [fast, direct].map { machine in
        let digest = Digest()
        _ = machine.observe(.all) { digest.add($0, $1) }
        _ = machine.run(untilCycle: 60_000)
        return digest
      }
      let difference = zip(digests[0].first, digests[1].first).first { $0 != $1 }
      #expect(difference == nil, "seed \(seed), \(timing)")
      #expect(digests[0].count == digests[1].count && digests[0].hash == digests[1].hash)
      #expect(digests[0].count > 1000)
    }
  }

  @Test("slices don't change what is told", arguments: 0..<6 as Range<UInt64>)
  func slicedEvents(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for timing in TimingLevel.allCases {
      let whole = try RandomSystemProgram.machine(seed: seed, timing).machine
      let sliced = try RandomSystemProgram.machine(seed: seed, timing).machine
      let digests = (Digest(), Digest())
      _ = whole.observe(.all) { digests.0.add($0, $1) }
      _ = sliced.observe(.all) { digests.1.add($0, $1) }
      _ = whole.run(untilCycle: 60_000)
      while sliced.cycle < 60_000,
        sliced.run(untilCycle: min(60_000, sliced.cycle + UInt64(1 + random.below(90)))) == .cycleLimit
      {}
      let difference = zip(digests.0.first, digests.1.first).first { $0 != $1 }
      #expect(difference == nil, "seed \(seed), \(timing)")
      #expect(digests.0.count == digests.1.count)
    }
  }

  @Test("stopping at breakpoints and going on changes nothing", arguments: TimedGuest.small)
  func breakpoints(_ guest: TimedGuest) throws {
    for timing in TimingLevel.allCases {
      let plain = try guest.machine(timing)
      let expected = TimedGuest.finish(plain)
      // Instructions that the guest executes, found by looking at a run.
      var places: [UInt32] = []
      let scout = try guest.machine(timing)
      _ = scout.observe(.instruction) { _, moment in
        if moment.instruction % 997 == 0 { places.append(moment.linear) }
      }
      _ = scout.run(untilCycle: 3_000_000)
      let stopped = try guest.machine(timing)
      stopped.breakpoints = Set(places)
      var output: [UInt8] = []
      var hits = 0
      var stop = StopReason.cycleLimit
      repeat {
        stop = stopped.run(untilCycle: 4_000_000_000, passingBreakpoint: hits > 0)
        if case .breakpoint(let linear) = stop {
          hits += 1
          try #require(stopped.breakpoints.contains(linear) && linear == stopped.moment.linear)
          if hits == 5000 { stopped.breakpoints = [] }
        }
        output += stopped.takeSerialOutput()
      } while stop.isBreakpoint
      output += stopped.takeSerialOutput(draining: true)
      let differences = expected.differences(from: Outcome(of: stopped, stop: stop, output: output))
      #expect(differences.isEmpty, "\(guest), \(timing): \(differences.joined(separator: "\n"))")
      #expect(hits > 10)
    }
  }
}

extension StopReason {
  fileprivate var isBreakpoint: Bool {
    if case .breakpoint = self { true } else { false }
  }
}
