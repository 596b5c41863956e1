import Emulator
import Testing

/// Everything that two machines which did the same must agree in, by name: counts, cycles, registers, what was printed, why
/// the run ended.
struct Outcome: Equatable {
  private(set) var values: [String: String] = [:]

  init(of machine: Machine, stop: StopReason, output: [UInt8] = []) {
    add(machine.counters, "")
    add(machine.registers, "registers.")
    values["stop"] = "\(stop)"
    values["output"] = String(decoding: output, as: UTF8.self)
    values["tlb"] = TLBArrayName.allCases.map { name in
      let lines = machine.tlb(name).map { line -> String in
        let entry = line.entry
        return "\(line.set).\(line.way).\(line.rank) \(entry.page) \(entry.translation) \(entry.filledAt)"
      }
      return "\(name.rawValue): \(lines)"
    }.joined(separator: "\n")
  }

  /// Takes a structure apart down to its numbers, so that a new count is compared without being named here.
  private mutating func add(_ value: Any, _ prefix: String) {
    for child in Mirror(reflecting: value).children {
      let name = prefix + (child.label ?? "")
      if Mirror(reflecting: child.value).displayStyle == .struct && !(child.value is any BinaryInteger) {
        add(child.value, name + ".")
      } else {
        values[name] = "\(child.value)"
      }
    }
  }

  /// What the two don't agree in.
  func differences(from other: Outcome) -> [String] {
    Set(values.keys).union(other.values.keys).sorted().compactMap { name in
      let (mine, theirs) = (values[name] ?? "nothing", other.values[name] ?? "nothing")
      return mine == theirs ? nil : "\(name): \(mine.prefix(400)) and \(theirs.prefix(400))"
    }
  }
}

/// The breakdown with its remainder adds up to the clock, and nothing is charged twice: no part exceeds the whole.
func expectBreakdownAddsUp(
  _ machine: Machine, _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation
) {
  let counters = machine.counters
  let parts = counters.breakdown
  let sum = [parts.fetch, parts.l1, parts.l2, parts.dram, parts.walk, parts.branch, parts.io, parts.idle]
    .reduce(0, +)
  #expect(sum <= counters.cycles, comment, sourceLocation: sourceLocation)
  // What is left is what the instructions cost by themselves: a cycle each at least, but for IN and OUT, whose cost is
  // I/O's. A repeated string instruction that is taken up again may have its last iteration counted with the block it
  // ends in, so nothing is lost either.
  let ports = counters.bus.portReads + counters.bus.portWrites
  #expect(counters.cycles - sum + ports >= counters.instructions, comment, sourceLocation: sourceLocation)
  #expect(parts.idle == counters.idleCycles, comment, sourceLocation: sourceLocation)
}
