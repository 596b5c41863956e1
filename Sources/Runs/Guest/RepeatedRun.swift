import Emulator
import GuestImages

/// A run once more from its beginning, with the same input at the same cycles, to find out what was not watched the first time.
/// It takes the same course, since nothing but its input reaches a guest.
struct RepeatedRun {
  private let configuration: MachineConfiguration
  private let plan: BootPlan
  private var inputs: [LoggedInput] = []

  /// A run that has begun with `plan` in a machine of `configuration`.
  init(_ configuration: MachineConfiguration, _ plan: BootPlan) {
    self.configuration = configuration
    self.plan = plan
  }

  /// The first run got an input.
  mutating func received(_ input: MachineInput, at cycle: UInt64) {
    inputs.append(LoggedInput(cycle: cycle, input: input))
  }

  /// The machine at the first run's end, with the check for stale translations having followed the stores to page tables.
  ///
  /// - Parameters:
  ///   - end: the cycle at which the first run ended.
  ///   - console: shown how far it is; Ctrl-C there ends it.
  /// - Returns: nil if it was ended, or the machine can't be built again.
  func checked(untilCycle end: UInt64, _ console: any GuestConsole) -> Machine? {
    guard let machine = try? Machine(configuration), (try? plan.load(into: machine.memory)) != nil else {
      return nil
    }
    machine.checkStale { _ in }
    var log = InputLog(inputs)
    console.begin()
    defer {
      console.progress(nil)
      console.end()
    }
    while machine.cycle < end {
      if console.isInterrupted { return nil }
      console.progress(Double(machine.cycle) / Double(end))
      let next = min(end, machine.cycle + Self.slice)
      let reason = machine.run(untilCycle: next, feeding: &log)
      if reason != .cycleLimit && reason != .interrupted { return reason == .tripleFault ? machine : nil }
      // The text is the first run's.
      _ = machine.takeSerialOutput(draining: false)
    }
    return machine
  }

  /// Cycles between two looks at the console.
  private static let slice: UInt64 = 100_000_000
}
