import IA32
import TestSupport

@testable import Emulator

/// How a run is cut into pieces, none of which the guest may notice.
enum Pacing: Hashable, CustomStringConvertible {
  case whole
  /// Stops after so many cycles each time.
  case steps(UInt64)
  /// Stops after 1 to 64 cycles, as the seed will have it.
  case random(UInt64)

  var description: String {
    switch self {
    case .whole: "in one run"
    case .steps(let cycles): "in steps of \(cycles)"
    case .random(let seed): "in random steps, seed \(seed)"
    }
  }

  /// Runs `machine` up to `end`, in pieces.
  func run(_ machine: Machine, until end: UInt64) -> StopReason {
    var random = SeededGenerator(seed: 0)
    var stop = StopReason.cycleLimit
    if case .random(let seed) = self { random = SeededGenerator(seed: seed) }
    repeat {
      let limit: UInt64 =
        switch self {
        case .whole: end
        case .steps(let cycles): machine.cycle &+ cycles
        case .random: machine.cycle &+ 1 &+ random.next() % 64
        }
      stop = machine.run(untilCycle: min(end, limit))
    } while stop == .cycleLimit && machine.cycle < end
    return stop
  }
}

/// Everything that a guest could have noticed, and everything that is counted.
struct RunResult: Equatable {
  var stop: StopReason
  var registers: RegisterFile
  var counters: String
  var memory: UInt64
  var faults: FaultHistory

  /// - Parameter bytes: how much of memory from address 0 on is compared, but for what is no RAM below 1 MiB.
  init(_ machine: Machine, _ stop: StopReason, bytes: Int) {
    self.stop = stop
    registers = machine.registers
    counters = "\(machine.counters)"
    faults = machine.faultHistory
    memory = 0xcbf2_9ce4_8422_2325
    for offset in stride(from: 0, to: bytes, by: 8) where !(0xa_0000..<0x10_0000).contains(offset) {
      let word = machine.memory.base.load(fromByteOffset: offset, as: UInt64.self)
      memory = (memory ^ word) &* 0x100_0000_01b3
      memory ^= memory >> 29
    }
  }

  /// What is not the same, in words.
  func differences(from other: RunResult) -> String {
    var lines: [String] = []
    if stop != other.stop { lines.append("\(stop), not \(other.stop)") }
    if registers != other.registers {
      lines.append("registers \(registers)\n not \(other.registers)")
    }
    if counters != other.counters { lines.append("counters \(counters)\n not \(other.counters)") }
    if memory != other.memory { lines.append("memory differs") }
    if faults != other.faults { lines.append("faults \(faults.entries)\n not \(other.faults.entries)") }
    return lines.joined(separator: "\n")
  }
}
