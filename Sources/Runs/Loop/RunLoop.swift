import Emulator
import Reports

/// What the run loop needs of a machine, so that the loop is tested without one.
public protocol RunnableMachine: AnyObject {
  /// Cycles since the machine was switched on.
  var cycle: UInt64 { get }
  /// Where the processor stands.
  var position: GuestPosition { get }
  /// Sends bytes to the serial port.
  func receive(_ bytes: [UInt8])
  /// Hands over what the guest sent since the last call; with `draining`, what is still on the line too.
  func takeConsoleOutput(draining: Bool) -> [UInt8]
  /// Runs until the clock reaches `cycle`, give or take an instruction (`StopReason.cycleLimit`), or something else
  /// stops it.
  func advance(untilCycle cycle: UInt64) -> StopReason
  /// What explains that the machine stopped for `reason`; nothing where the reason says all.
  func explanation(of reason: StopReason) -> [String]
}

/// Something that accompanies a run: looks at the machine at cycles of its choice and may end it. The guest notices
/// nothing of it.
public protocol RunCompanion: AnyObject {
  /// The cycle at which it wants to look next, `UInt64.max` for never.
  var nextCycle: UInt64 { get }
  /// The machine stopped for `reason` at `cycle`, perhaps earlier than asked for.
  /// - Returns: why the run ends here; nil to let it go on as `reason` says.
  func look(at cycle: UInt64, _ reason: StopReason) -> StopReason?
  /// The run has ended, and what is still on the serial line is about to be sent.
  func finish()
  /// What explains an end that it asked for.
  var details: [String] { get }
  /// What is to be said of it at the end.
  var remarks: [String] { get }
}

extension RunCompanion {
  public func finish() {}
  public var details: [String] { [] }
  public var remarks: [String] { [] }
}

/// Runs a machine in slices and looks after the console and Ctrl-C between them.
///
/// A slice ends at a cycle and never at a time, so that a run takes the same course on every host.
public struct RunLoop {
  /// Cycles between two looks at the console: some thousandths of a second on the host.
  public static let slice: UInt64 = 1_000_000
  /// Bytes that the guest is given at once. The serial line paces them, and a slice leaves it time for more than this.
  public static let maxInput = 64

  private let machine: any RunnableMachine
  private let console: any GuestConsole
  private let companions: [any RunCompanion]
  private let maxCycles: UInt64

  /// - Parameters:
  ///   - companions: asked in this order.
  ///   - maxCycles: cycles after which the run ends; nil for no limit.
  public init(
    _ machine: any RunnableMachine, console: any GuestConsole, companions: [any RunCompanion] = [],
    maxCycles: UInt64? = nil
  ) {
    self.machine = machine
    self.console = console
    self.companions = companions
    self.maxCycles = maxCycles ?? .max
  }

  /// Runs to the end. Everything that the guest sent has been shown when it returns.
  public func runToEnd() -> RunEnding {
    console.begin()
    let reason = runSlices()
    let position = machine.position
    for companion in companions { companion.finish() }
    // A machine that is looked at where it was stopped is left as it is.
    console.show(machine.takeConsoleOutput(draining: reason != .observed))
    console.end()
    return RunEnding(
      reason, at: position, details: machine.explanation(of: reason) + companions.flatMap(\.details),
      remarks: companions.flatMap(\.remarks))
  }

  private func runSlices() -> StopReason {
    var hasRun = false
    while true {
      if console.isInterrupted { return .interrupted }
      if machine.cycle >= maxCycles { return .cycleLimit }
      // Not before the firmware has set up the serial line: what came earlier would be garbled.
      if hasRun { deliverInput() }
      hasRun = true
      let (next, overflow) = machine.cycle.addingReportingOverflow(Self.slice)
      let reason = advance(untilCycle: min(maxCycles, overflow ? .max : next))
      console.show(machine.takeConsoleOutput(draining: false))
      switch reason {
      case .cycleLimit: break
      case .waiting: if !console.wait() { return console.isInterrupted ? .interrupted : .halted }
      default: return reason
      }
    }
  }

  /// Runs a slice, with a pause wherever a companion wants to look.
  private func advance(untilCycle end: UInt64) -> StopReason {
    while true {
      let next = companions.reduce(end) { min($0, $1.nextCycle) }
      let reason = machine.advance(untilCycle: next)
      for companion in companions {
        if let end = companion.look(at: machine.cycle, reason) { return end }
      }
      if reason != .cycleLimit || machine.cycle >= end { return reason }
    }
  }

  private func deliverInput() {
    let bytes = console.receive(atMost: Self.maxInput)
    if !bytes.isEmpty { machine.receive(bytes) }
  }
}
