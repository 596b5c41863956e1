/// Why the CPU came back from `run`.
public enum StopReason: Hashable, Sendable {
  /// The guest wrote this value to the exit device.
  case exit(UInt8)
  /// A third fault while the second was being delivered. SDM vol. 3A, 6.15, interrupt 8.
  case tripleFault
  /// HLT with interrupts off.
  case halted
  /// HLT, and nothing but input from outside could wake the CPU.
  case waiting
  /// The guest asked the keyboard controller or port 92h for a reset.
  case reset
  /// The instruction at this linear address, which has a breakpoint, comes next.
  case breakpoint(UInt32)
  /// The cycle limit was reached.
  case cycleLimit
  /// Somebody on the host asked for it.
  case interrupted

  /// Whether the guest has ended, as far as it is for the guest to say.
  public var isEnd: Bool {
    switch self {
    case .exit, .tripleFault, .halted, .reset: true
    case .waiting, .breakpoint, .cycleLimit, .interrupted: false
    }
  }
}
