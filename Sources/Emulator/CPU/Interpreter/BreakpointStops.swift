import IA32

/// Stopping before instructions with breakpoints.
extension CPU {
  /// Whether the run stops before the instruction at `linear`, whose breakpoint it may be going on from.
  func stopsAtBreakpoint(_ linear: UInt32) -> Bool {
    guard breakpoints.contains(linear) else { return false }
    if let passed = passedBreakpoint, passed.linear == linear,
      passed.instruction == counters.pointee.instructions
    {
      return false
    }
    control.pointee.stop = .breakpoint(linear)
    control.pointee.attended = true
    control.pointee.needsAttention = true
    return true
  }
}
