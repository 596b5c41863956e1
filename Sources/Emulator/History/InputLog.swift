/// An input and the cycle at which it came.
public struct LoggedInput: Hashable, Sendable {
  /// The cycle at which it arrived.
  public var cycle: UInt64
  /// What arrived.
  public var input: MachineInput

  /// `input` at `cycle`.
  public init(cycle: UInt64, input: MachineInput) {
    self.cycle = cycle
    self.input = input
  }
}

/// All that came to a machine from outside, in order, and how much of it has come where the machine stands.
public struct InputLog: Hashable, Sendable {
  /// By ascending cycle; of the same cycle, in the order of their coming.
  public private(set) var entries: [LoggedInput] = []
  /// How many of the entries have been applied.
  public private(set) var applied = 0

  /// A log of what is to come.
  /// - Parameter entries: in any order; of the same cycle, the first comes first.
  public init(_ entries: [LoggedInput] = []) {
    self.entries = entries.enumerated().sorted {
      ($0.element.cycle, $0.offset) < ($1.element.cycle, $1.offset)
    }
    .map(\.element)
  }

  /// The cycle of the next input that has not been applied.
  public var nextCycle: UInt64? { applied < entries.count ? entries[applied].cycle : nil }

  /// Adds an input that comes now, and is applied. Nothing is known to come later.
  mutating func append(_ input: MachineInput, at cycle: UInt64) {
    forgetFuture()
    entries.append(LoggedInput(cycle: cycle, input: input))
    applied = entries.count
  }

  /// What has not been applied is not to come any more.
  mutating func forgetFuture() { entries.removeLast(entries.count - applied) }

  /// Goes back to where `count` entries had been applied.
  mutating func rewind(to count: Int) { applied = count }

  /// Applies what is due at the machine's cycle. An input that the machine refuses, as RAM that this machine does not have, was
  /// refused when it was logged, too.
  mutating func applyDue(to machine: Machine) {
    while let cycle = nextCycle, machine.cycle >= cycle {
      try? machine.apply(entries[applied].input)
      applied += 1
    }
  }
}

extension Machine {
  /// Runs as `run(untilCycle:passingBreakpoint:)` does, and applies the inputs of a log at their cycles: the first instruction
  /// boundary at or after each. A guest that waits in HLT is woken for the next.
  public func run(
    untilCycle limit: UInt64 = .max, feeding log: inout InputLog, passingBreakpoint: Bool = false
  ) -> StopReason {
    var isPassing = passingBreakpoint
    while true {
      log.applyDue(to: self)
      let next = min(limit, log.nextCycle ?? .max)
      let stop = run(untilCycle: next, passingBreakpoint: isPassing)
      switch stop {
      case .cycleLimit where cycle < limit: isPassing = false
      case .waiting where log.nextCycle != nil && cycle < limit: wait(until: next)
      default: return stop
      }
    }
  }

  /// Lets time pass up to a cycle for a processor in HLT that nothing in the machine can wake.
  private func wait(until cycle: UInt64) {
    guard cycle > clock.now else { return }
    cpu.counters.pointee.idleCycles &+= cycle &- clock.now
    cpu.caches.breakdown.pointee.idle &+= cycle &- clock.now
    clock.state.pointee.now = cycle
  }
}
