import Emulator
import Testing

/// Everything that two machines which did the same must agree in: counts, cycles, registers, translations, what was printed,
/// why the run ended. Values, which are put into words where two differ only: tests compare thousands.
struct Outcome: Equatable {
  struct Line: Equatable {
    var set: Int
    var way: Int
    var rank: Int
    var page: UInt32
    var translation: Translation
    var filledAt: UInt64
  }

  let counters: MachineCounters
  let registers: RegisterFile
  let stop: StopReason
  let output: [UInt8]
  /// The lines of each TLB array, in the order of `TLBArrayName.allCases`.
  let tlb: [[Line]]

  init(of machine: Machine, stop: StopReason, output: [UInt8] = []) {
    counters = machine.counters
    registers = machine.registers
    self.stop = stop
    self.output = output
    tlb = TLBArrayName.allCases.map { name in
      machine.tlb(name).map {
        Line(
          set: $0.set, way: $0.way, rank: $0.rank, page: $0.entry.page, translation: $0.entry.translation,
          filledAt: $0.entry.filledAt)
      }
    }
  }

  /// What was printed.
  var text: String { String(decoding: output, as: UTF8.self) }

  /// What the two don't agree in.
  func differences(from other: Outcome) -> [String] {
    if self == other { return [] }
    let (mine, theirs) = (words, other.words)
    return Set(mine.keys).union(theirs.keys).sorted().compactMap { name in
      let (mine, theirs) = (mine[name] ?? "nothing", theirs[name] ?? "nothing")
      return mine == theirs ? nil : "\(name): \(mine.prefix(400)) and \(theirs.prefix(400))"
    }
  }

  /// Everything by name.
  private var words: [String: String] {
    var words = ["stop": "\(stop)", "output": text]
    Self.add(counters, "", to: &words)
    Self.add(registers, "registers.", to: &words)
    for (name, lines) in zip(TLBArrayName.allCases, tlb) { words["tlb \(name.rawValue)"] = "\(lines)" }
    return words
  }

  /// Takes a structure apart down to its numbers, so that a new count is named without being listed here.
  private static func add(_ value: Any, _ prefix: String, to words: inout [String: String]) {
    for child in Mirror(reflecting: value).children {
      let name = prefix + (child.label ?? "")
      if Mirror(reflecting: child.value).displayStyle == .struct && !(child.value is any BinaryInteger) {
        add(child.value, name + ".", to: &words)
      } else {
        words[name] = "\(child.value)"
      }
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
