import IA32

/// Breakpoints of the debug registers, and the traps that follow an instruction. SDM vol. 3B, 17.3.
///
/// While none is set nothing looks for them. An instruction with a breakpoint is where blocks of decoded code end, as for the
/// debugger's own breakpoints; a page with a data breakpoint has no entry in the filter.
extension CPU {
  /// DR0-DR3, DR7 or CR4.DE may have changed.
  func debugRegistersChanged() {
    let conditions = DebugConditions(of: state)
    guard conditions != debugConditions else { return }
    let old = debugConditions
    debugConditions = conditions
    if old.data != conditions.data { mmu.dataBreakpoints = conditions.data }
    if old.instructions != conditions.instructions {
      cutPointsChanged()
      blocks.removeAll()
      control.pointee.needsAttention = true
    }
  }

  /// Blocks end before these addresses: the debugger's breakpoints and the guest's own.
  func cutPointsChanged() {
    cutPoints = breakpoints.union(debugConditions.instructions.map(\.linear))
  }

  /// Whether the instruction at `linear` meets a breakpoint of the guest: a fault before it executes.
  /// - Throws: #DB.
  func checkInstructionBreakpoint(_ linear: UInt32) throws(GuestFault) {
    guard !state.pointee.passesBreakpoint else { return }
    let hits = debugConditions.instructionHits(linear)
    if hits != 0 { throw .debug(hits) }
  }

  /// IN, OUT, INS or OUTS goes to this port.
  @inline(__always)
  func notePortAccess(_ port: UInt16, bytes: UInt32) {
    if !debugConditions.ports.isEmpty { state.pointee.pendingDebug |= portHits(port, bytes: bytes) }
  }

  @inline(never)
  private func portHits(_ port: UInt16, bytes: UInt32) -> UInt32 {
    let hits = debugConditions.portHits(port, bytes: bytes)
    if hits != 0 { control.pointee.needsAttention = true }
    return hits
  }

  /// Takes the debug trap of the instruction that has completed: a step, a data or port breakpoint, a task with T. After a load
  /// of SS the step's is lost and the others wait for the next instruction. SDM vol. 3A, 6.8.3.
  func takeDebugTraps() {
    guard !isShutDown else { return }
    let isStep = control.pointee.trapsAfterStep
    control.pointee.trapsAfterStep = false
    guard !state.pointee.inhibitsTraps else { return }
    if isStep { state.pointee.pendingDebug |= DebugRegisterBits.singleStep }
    // The way into a handler may bring another: its stack may have a breakpoint, its task T.
    var rounds = 4
    while state.pointee.pendingDebug != 0 && rounds > 0 && !isShutDown {
      rounds -= 1
      raise(.debug(state.pointee.pendingDebug))
    }
  }
}

extension GuestFault {
  /// #DB with what DR6 takes of it when it is delivered, as a page fault brings CR2's value.
  static func debug(_ status: UInt32) -> GuestFault { GuestFault(.debug, linear: status) }

  /// Whether the image of EFLAGS that is pushed has RF set, so that the instruction that is repeated can't meet an
  /// instruction breakpoint again: for faults, but for the one of an instruction breakpoint. SDM vol. 3B, 17.3.1.1.
  var setsResumeFlag: Bool {
    switch vector {
    case .debug: linear & DebugRegisterBits.generalDetect != 0
    case .nonMaskableInterrupt, .breakpoint, .overflow, .doubleFault, .machineCheck: false
    default: true
    }
  }
}
