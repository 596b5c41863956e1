import IA32

/// What the `full` level charges while a block executes: lines of code and data entered, branches.
extension CPU {
  /// Load-use latency of the instructions of a block before `op`.
  func l1Cycles(before op: UnsafeMutablePointer<Op>) -> UInt64 {
    var sum: UInt64 = 0
    var earlier = op
    for _ in 0..<op.pointee.position {
      earlier -= 1
      // By its length: a block that has died has `.leave` for every handler.
      while earlier.pointee.length == 0 { earlier -= 1 }
      sum &+= costs.cost(of: earlier.pointee).l1
    }
    return sum
  }

  /// The fetch unit enters the line of `linear`, in the current fetch page. False when that line was its set's last,
  /// which costs nothing.
  @inline(__always) @discardableResult
  func enterFetchLine(_ linear: UInt32) -> Bool {
    let fetch = mmu.fetchPage
    fetch.pointee.lookups &+= 1
    fetch.pointee.line = linear >> 5
    caches.counters.pointee.instructionFetches &+= 1
    let place = UInt(bitPattern: fetch.pointee.host) &+ UInt(linear & 0xfff)
    let set = Int(linear >> CacheHierarchy.lineShift & caches.instructionSetMask)
    if caches.recentInstruction[set] == place >> UInt(CacheHierarchy.lineShift) { return false }
    caches.fetch(fetch.pointee.physical | UInt64(linear & 0xfff), host: place)
    return true
  }

  /// `.fetchLine`: its immediate is the EIP at which the line is entered.
  @inline(__always)
  func fetchLine(_ op: UnsafeMutablePointer<Op>) {
    if enterFetchLine(state.pointee.cs.base &+ op.pointee.immediate) && isNearDeadline {
      settleNearDeadline(op)
    }
  }

  /// An access at a host address in RAM that is not in the line used last.
  @inline(never)
  func enterLine(_ place: Int, bytes: UInt32, _ kind: CacheHierarchy.Kind, _ op: UnsafeMutablePointer<Op>) {
    clock.state.pointee.now &+= UInt64(op.pointee.cyclesBefore)
    caches.access(UInt64(truncatingIfNeeded: place &- Int(bitPattern: bus.memory.base)), bytes: bytes, kind)
    clock.state.pointee.now &-= UInt64(op.pointee.cyclesBefore)
    settle(op)
  }

  /// What a branch costs beyond issuing it.
  @inline(__always)
  func branched(taken: Bool, predicted: Bool) {
    caches.counters.pointee.branches &+= 1
    var cycles: UInt64 = 0
    if taken {
      caches.counters.pointee.branchesTaken &+= 1
      cycles = caches.latencies.takenBranch
    }
    if !predicted {
      caches.counters.pointee.branchesMispredicted &+= 1
      cycles = caches.latencies.mispredict
    }
    clock.state.pointee.now &+= cycles
    caches.breakdown.pointee.branch &+= cycles
  }
}
