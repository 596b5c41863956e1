/// What the run loop needs of a machine. The command line's only view of it, so that the loop is tested without one.
protocol RunnableMachine: AnyObject {
  /// Cycles since the machine was switched on.
  var cycle: UInt64 { get }
  /// Where the processor stands.
  var position: GuestPosition { get }
  /// Bytes the serial port takes now without losing one.
  var consoleRoom: Int { get }
  /// Sends bytes to the serial port.
  func receive(_ bytes: [UInt8])
  /// Hands over what the guest sent since the last call; with `draining`, what is still on the line too.
  func takeConsoleOutput(draining: Bool) -> [UInt8]
  /// Runs until the clock reaches `cycle`, give or take an instruction, or something else stops it.
  func run(untilCycle cycle: UInt64) -> MachineStop
}

/// Why a machine came back from running.
enum MachineStop: Hashable {
  /// The clock got where it was told.
  case reachedCycle
  /// The guest wrote this value to its exit device.
  case exited(UInt8)
  case tripleFault(PostMortem)
  /// HLT, and nothing but input could wake the processor.
  case waitingForInput
  /// HLT with interrupts off.
  case halted
  /// The guest asked for a reset.
  case reset
  /// A stale translation has been used, and reported.
  case usedStaleTranslation
  /// Whoever observes the machine has seen enough.
  case observerHasEnough
  /// An audit found these invariants of the guest's kernel broken.
  case violated([String])
}

/// Runs a machine in slices and looks after the console and Ctrl-C between them.
///
/// A slice ends at a cycle and never at a time, so that a run takes the same course on every host.
struct RunLoop: ~Copyable {
  /// Cycles between two looks at the console: some thousandths of a second on the host.
  static let slice: UInt64 = 1_000_000

  let machine: any RunnableMachine
  var console: Console
  /// Cycles after which the run ends; nil for no limit.
  let maxCycles: UInt64?
  /// Whether somebody asked for the run to stop.
  let isInterrupted: () -> Bool

  init(
    machine: any RunnableMachine, console: consuming Console, maxCycles: UInt64?,
    isInterrupted: @escaping () -> Bool = { Interruption.isRequested }
  ) {
    self.machine = machine
    self.console = console
    self.maxCycles = maxCycles
    self.isInterrupted = isInterrupted
  }

  /// Runs to the end. Everything that the guest sent is out when it returns.
  mutating func run() -> RunOutcome {
    let outcome = runSlices()
    printOutput(draining: true)
    return outcome
  }

  private mutating func runSlices() -> RunOutcome {
    let limit = maxCycles ?? .max
    var hasRun = false
    while true {
      if isInterrupted() { return .interrupted(machine.position) }
      if machine.cycle >= limit { return .cycleLimit(machine.position) }
      // Not before the firmware has set up the serial line: what came earlier would be garbled.
      if hasRun { deliverInput() }
      hasRun = true
      let (next, overflow) = machine.cycle.addingReportingOverflow(Self.slice)
      let stop = machine.run(untilCycle: min(limit, overflow ? .max : next))
      printOutput(draining: false)
      switch stop {
      case .reachedCycle: break
      case .exited(let value): return .exited(value)
      case .tripleFault(let postMortem): return .tripleFault(postMortem)
      case .halted: return .halted(machine.position)
      case .reset: return .reset(machine.position)
      case .usedStaleTranslation: return .usedStaleTranslation(machine.position)
      case .observerHasEnough: return .observerHasEnough(machine.position)
      case .violated(let sentences): return .violated(sentences, machine.position)
      case .waitingForInput:
        guard console.isOpen else { return .halted(machine.position) }
        // Asleep until a key or a signal comes; in short naps, because a signal between the look at the flag and the
        // call would not wake it.
        while !isInterrupted(), !console.wait(milliseconds: 100) {}
      }
    }
  }

  private mutating func printOutput(draining: Bool) {
    for byte in machine.takeConsoleOutput(draining: draining) { console.send(byte) }
    console.flush()
  }

  private mutating func deliverInput() {
    let room = machine.consoleRoom
    guard room > 0 else { return }
    let bytes = console.receive(atMost: room)
    if !bytes.isEmpty { machine.receive(bytes) }
  }
}
