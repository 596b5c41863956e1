import IA32

/// Accesses of the fast handlers that the filter does not answer, at the exact time of their instruction.
extension CPU {
  /// Runs `body` with the clock at the instruction's start, then lets what it caused take effect after it.
  @inline(__always)
  func atExactTime<T>(
    _ op: UnsafeMutablePointer<Op>, _ body: () throws(GuestFault) -> T
  ) throws(GuestFault) -> T {
    begin(op)
    defer {
      end(op)
      chargeWaitStates()
      settle(op)
    }
    return try body()
  }

  /// Makes clock and `current` exact for what happens in the middle of a block.
  @inline(__always)
  func begin(_ op: UnsafeMutablePointer<Op>) {
    clock.state.pointee.now &+= UInt64(op.pointee.cyclesBefore)
    control.pointee.current = op
  }

  @inline(__always)
  func end(_ op: UnsafeMutablePointer<Op>) {
    clock.state.pointee.now &-= UInt64(op.pointee.cyclesBefore)
    control.pointee.current = nil
  }

  /// Cycles for which devices held the bus.
  @inline(__always)
  func chargeWaitStates() {
    let cycles = bus.takeWaitStates()
    clock.state.pointee.now &+= cycles
    caches.breakdown.pointee.io &+= cycles
  }

  @inline(never)
  func loadSlowly<W: OperandWord>(
    _ linear: UInt32, as type: W.Type, _ op: UnsafeMutablePointer<Op>
  ) throws(GuestFault) -> W {
    try atExactTime(op) { () throws(GuestFault) -> W in
      try mmu.load(linear, as: type, user: mmu.isUserMode)
    }
  }

  @inline(never)
  func storeSlowly<W: OperandWord>(
    _ linear: UInt32, _ value: W, _ op: UnsafeMutablePointer<Op>
  ) throws(GuestFault) {
    try atExactTime(op) { () throws(GuestFault) in
      try mmu.store(linear, value, user: mmu.isUserMode)
    }
  }

  @inline(never)
  func writeTargetSlowly(
    _ linear: UInt32, bytes: UInt32, _ op: UnsafeMutablePointer<Op>
  ) throws(GuestFault) -> WriteTarget {
    try atExactTime(op) { () throws(GuestFault) -> WriteTarget in
      try mmu.writeTarget(linear, bytes: bytes, user: mmu.isUserMode)
    }
  }

  @inline(never)
  func readSlowly<W: OperandWord>(
    _ target: WriteTarget, as type: W.Type, _ op: UnsafeMutablePointer<Op>
  ) -> W {
    begin(op)
    defer {
      end(op)
      chargeWaitStates()
    }
    return mmu.current(target, as: type)
  }

  @inline(never)
  func commitSlowly<W: OperandWord>(_ target: WriteTarget, _ value: W, _ op: UnsafeMutablePointer<Op>) {
    begin(op)
    mmu.commit(target, value)
    end(op)
    chargeWaitStates()
    settle(op)
  }
}
