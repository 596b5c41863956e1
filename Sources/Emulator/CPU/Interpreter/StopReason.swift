/// Why a guest stands still: the machine, a run, the debugger and traces all say it with this type. `Reports` gives it
/// words, an exit status and JSON.
public enum StopReason: Hashable, Sendable {
  // MARK: The guest's own end

  /// The guest wrote this value to the exit device.
  case exit(UInt8)
  /// A third fault while the second was being delivered. SDM vol. 3A, 6.15, interrupt 8.
  case tripleFault
  /// HLT with interrupts off, or with input that can't come any more.
  case halted
  /// The guest asked the keyboard controller or port 92h for a reset.
  case reset

  // MARK: A pause

  /// HLT, and nothing but input from outside could wake the CPU.
  case waiting
  /// The instruction at this linear address, which has a breakpoint, comes next.
  case breakpoint(UInt32)
  /// The cycle limit was reached.
  case cycleLimit
  /// The person at the keyboard asked for it, or a program through `Machine.requestStop`.
  case interrupted

  // MARK: What tools make of a pause

  /// The check for stale translations found one in use and was told to stop there.
  case staleTranslation
  /// An audit found an invariant of the guest's kernel broken.
  case brokenInvariant
  /// Whoever observes the run has seen enough.
  case observed
  /// The debugger's step, or its way to a place, is done.
  case stepped

  /// Whether the guest has ended, as far as it is for the guest to say.
  public var isEnd: Bool {
    switch self {
    case .exit, .tripleFault, .halted, .reset: true
    case .waiting, .breakpoint, .cycleLimit, .interrupted, .staleTranslation, .brokenInvariant, .observed,
      .stepped:
      false
    }
  }
}
