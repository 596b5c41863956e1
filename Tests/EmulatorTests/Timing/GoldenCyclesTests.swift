import Foundation
import Testing

@testable import Emulator

/// Cycle counts that never change by themselves: not from one run to the next, not between debug and release builds, not from
/// host to host. Where a change of the timing model is meant, PAGEWALK_UPDATE_GOLDEN=1 writes them anew.
@Suite("Golden cycle counts")
struct GoldenCyclesTests {
  private static func measure() throws -> [String: [UInt64]] {
    var counts: [String: [UInt64]] = [:]
    for seed in 0..<8 as Range<UInt64> {
      for timing in TimingLevel.allCases {
        let bare = try RandomSystemProgram.machine(seed: seed, timing)
        _ = bare.machine.run(untilCycle: 100_000_000)
        let counters = bare.machine.counters
        counts["program \(seed), \(timing)"] = [
          counters.cycles, counters.instructions, bare.memoryFingerprint,
        ]
      }
    }
    return counts
  }

  @Test("cycles, instructions and memory are those on record")
  func golden() throws {
    let measured = try Self.measure()
    if ProcessInfo.processInfo.environment["PAGEWALK_UPDATE_GOLDEN"] != nil {
      let lines = measured.sorted { $0.key < $1.key }.map { name, values in
        "  \"\(name)\": [\(values.map(String.init).joined(separator: ", "))],\n"
      }
      let text =
        "/// Cycles, instructions, and a fingerprint of RAM. Written by `GoldenCyclesTests`; see there.\n"
        + "let goldenCycles: [String: [UInt64]] = [\n" + lines.joined() + "]\n"
      let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "GoldenCycles.swift")
      try text.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    #expect(!goldenCycles.isEmpty)
    #expect(measured == goldenCycles)
  }

  @Test("a guest takes the same cycles on every run", arguments: TimedGuest.small)
  func repeated(_ guest: TimedGuest) throws {
    for timing in TimingLevel.allCases {
      let first = TimedGuest.finish(try guest.machine(timing))
      let second = TimedGuest.finish(try guest.machine(timing))
      let differences = first.differences(from: second)
      #expect(differences.isEmpty, "\(guest), \(timing): \(differences)")
    }
  }
}
