/// Breakpoints on instructions.
///
/// A block of decoded instructions ends before a breakpoint, and one that begins at a breakpoint is never remembered as the
/// next: the loop comes through `enterSlowly`, where the run stops. So breakpoints that are not hit cost next to nothing,
/// guest memory stays as it is, and where blocks are cut makes no difference to the guest.
extension Machine {
  /// Linear addresses of instructions before which a run stops with `StopReason.breakpoint`. Set between runs.
  public var breakpoints: Set<UInt32> {
    get { cpu.breakpoints }
    set {
      guard newValue != cpu.breakpoints else { return }
      cpu.breakpoints = newValue
      let isHeldInBlock = cpu.heldString.isHeld && cpu.heldString.inBlock != nil
      cpu.blocks.removeAll()
      if isHeldInBlock { cpu.findBlockOfHeldString(cpu.heldString.saved, in: cpu.mmu.fetchPage.pointee) }
    }
  }
}
