import IA32

/// Leaving a block before its end: before an instruction, or at one that faulted.
extension CPU {
  /// Accounts for the instructions of `block` before `op` and makes `op` the next.
  /// - Parameter fetched: `op` itself has been fetched: it has begun, or has faulted.
  @inline(never)
  func leave(_ block: UnsafeMutablePointer<Block>, before op: UnsafeMutablePointer<Op>, fetched: Bool = false)
  {
    state.pointee.eip = op.pointee.eip
    clock.state.pointee.now &+= UInt64(op.pointee.cyclesBefore)
    counters.pointee.instructions &+= UInt64(op.pointee.position)
    // The lines beyond the last instruction fetched have not been entered.
    if caches.isOn { caches.breakdown.pointee.l1 &+= l1Cycles(before: op) }
    let end = state.pointee.cs.base &+ (fetched ? op.pointee.nextEIP : op.pointee.eip)
    let line = (end &- 1) >> 5
    // Also when a page fault has made the next fetch ask the TLB: source and line are still this block's.
    let fetch = mmu.fetchPage
    if fetch.pointee.line != .max && line <= fetch.pointee.line {
      fetch.pointee.lookups &-= UInt64(fetch.pointee.line &- line)
      fetch.pointee.line = line
    }
    control.pointee.needsAttention = true
  }

  /// Delivers the fault that `op` raised.
  @inline(never)
  func raise(_ fault: GuestFault, in block: UnsafeMutablePointer<Block>, at op: UnsafeMutablePointer<Op>) {
    leave(block, before: op, fetched: true)
    raise(fault)
  }

  /// Delivers a fault of the instruction at CS:EIP.
  func raise(_ fault: GuestFault) {
    control.pointee.trapsAfterStep = false
    state.pointee.pendingDebug = 0
    let isMidString = heldString.isHeld
    heldString.letGo()
    if fault.vector == .floatingPointError && !state.pointee.cr0.contains(.numericError) {
      // The error is told by FERR#: the processor stands still before this instruction until an interrupt comes.
      state.pointee.isHalted = true
      control.pointee.needsAttention = true
      return
    }
    deliver(fault, resumes: isMidString)
    chargeWaitStates()
    modeChanged()
  }

  /// Decoding depends on the segments, interrupts on IF and TF: called after whatever may have changed them.
  func modeChanged() {
    control.pointee.modeKey = UInt64(BlockMode(of: state).rawValue) << 32
    mmu.checksAlignment = state.pointee.checksAlignment
    control.pointee.needsAttention = true
  }

  /// What delivering an exception or interrupt costs: at least a cycle, so that time goes on in whatever loop of faults.
  func chargeDelivery() {
    clock.state.pointee.now &+= caches.isOn ? caches.latencies.interrupt : 1
  }
}
