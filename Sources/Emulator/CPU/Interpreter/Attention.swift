import IA32

/// Everything that may happen between two instructions.
extension CPU {
  /// Looks at everything that may happen between two instructions, in the manual's order (SDM vol. 3A, 6.9): traps on the
  /// previous instruction, then interrupts. False when `run` shall return.
  @inline(never)
  func attend() -> Bool {
    disarm()
    if control.pointee.attended { return goOnAttended() }
    control.pointee.stepOne = false
    takeDebugTraps()
    var wasInterrupted = false
    repeat {
      // What stopped the run came first: the end of the run, due now too, must not hide it.
      if control.pointee.stop != nil { return false }
      if clock.state.pointee.now >= clock.state.pointee.deadline { clock.runDueEvents() }
      if isShutDown { control.pointee.stop = .tripleFault }
      if control.pointee.stop != nil { return false }
      let interrupts = takeInterrupt()
      if interrupts { takeDebugTraps() }
      if isShutDown { control.pointee.stop = .tripleFault }
      if state.pointee.isHalted { idle() }
      if let stop = control.pointee.stop, stop != .interrupted { return false }
      wasInterrupted = interrupts
    } while state.pointee.isHalted
    let traps = state.pointee.systemFlags & EFLAGS.trap.rawValue != 0
    control.pointee.trapsAfterStep = traps
    // RF suppresses instruction breakpoints for the one instruction after IRET. SDM vol. 3B, 17.3.1.1; a load of SS as
    // well, vol. 3A, 6.8.3.
    state.pointee.passesBreakpoint =
      !debugConditions.instructions.isEmpty
      && (state.pointee.inhibitsTraps || state.pointee.systemFlags & EFLAGS.resume.rawValue != 0)
    state.pointee.systemFlags &= ~EFLAGS.resume.rawValue
    control.pointee.stepOne =
      traps || state.pointee.inhibitsInterrupts || state.pointee.passesBreakpoint
      || state.pointee.pendingDebug != 0
    control.pointee.needsAttention = control.pointee.stepOne
    state.pointee.inhibitsInterrupts = false
    state.pointee.inhibitsTraps = false
    // The handler's first instruction comes next: a boundary at which a run can end, but no time for further events.
    if wasInterrupted && clock.state.pointee.now >= control.pointee.limit {
      control.pointee.stop = control.pointee.stop ?? .cycleLimit
    }
    control.pointee.attended = control.pointee.stop != nil
    return control.pointee.stop == nil
  }

  /// Goes on where a run ended after `attend`, with all that it decided.
  private func goOnAttended() -> Bool {
    if clock.state.pointee.now >= control.pointee.limit {
      control.pointee.stop = control.pointee.stop ?? .cycleLimit
    }
    if control.pointee.stop != nil { return false }
    control.pointee.attended = false
    control.pointee.needsAttention = control.pointee.stepOne
    return true
  }

  /// Whether there was one.
  private func takeInterrupt() -> Bool {
    if state.pointee.hasPendingNMI && !state.pointee.blocksNMI && !state.pointee.inhibitsInterrupts {
      state.pointee.hasPendingNMI = false
      let isMidString = heldString.isHeld
      heldString.letGo()
      nonMaskableInterrupt(resumes: isMidString)
      chargeWaitStates()
      modeChanged()
      return true
    }
    guard let controller = interruptController, controller.interruptRequested,
      state.pointee.systemFlags & EFLAGS.interruptEnable.rawValue != 0, !state.pointee.inhibitsInterrupts
    else { return false }
    counters.pointee.interrupts &+= 1
    let isMidString = heldString.isHeld
    heldString.letGo()
    externalInterrupt(controller.acknowledge(), resumes: isMidString)
    chargeWaitStates()
    modeChanged()
    return true
  }

  /// HLT: time passes up to the next event.
  private func idle() {
    guard state.pointee.systemFlags & EFLAGS.interruptEnable.rawValue != 0 else {
      control.pointee.stop = .halted
      return
    }
    guard !onlyLimitPending() else {
      control.pointee.stop = .waiting
      return
    }
    let deadline = clock.state.pointee.deadline
    if deadline > clock.state.pointee.now {
      counters.pointee.idleCycles &+= deadline &- clock.state.pointee.now
      caches.breakdown.pointee.idle &+= deadline &- clock.state.pointee.now
      clock.state.pointee.now = deadline
    }
  }

  /// The same physical address may mean other memory now (A20): nothing that was remembered about memory holds.
  func physicalAddressesChanged() {
    mmu.filter.dropAll()
    mmu.forgetFetchPage()
    blocks.removeAll()
    control.pointee.needsAttention = true
  }

  /// INTR went up, or a host asks for attention: the loop looks before its next block.
  func requestAttention() { control.pointee.needsAttention = true }
}
