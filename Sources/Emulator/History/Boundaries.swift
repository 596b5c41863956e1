/// Positions that are not named by a cycle: a number of instructions back, the boundary before this one.
extension MachineHistory {
  /// Instructions completed.
  public var instruction: UInt64 { machine.cpu.counters.pointee.instructions }

  /// Goes to the instruction boundary just before the one at `cycle`: where the run stops if it is stepped to there.
  /// - Throws: as `goTo`: `beforeBeginning` when there is none.
  public func goToBoundary(before cycle: UInt64) throws(HistoryError) {
    // Few instructions take longer; HLT may take any time.
    var window: UInt64 = 4096
    while true {
      let start = cycle > firstCycle.addingOrMax(window) ? cycle - window : firstCycle
      try goTo(cycle: start)
      if machine.cycle < cycle {
        // What follows is gone to once more, and often again for the boundary before.
        takeSnapshot()
        var previous = machine.cycle
        try withoutBreakpoints { () throws(HistoryError) in
          while machine.cycle < cycle {
            previous = machine.cycle
            try step()
          }
        }
        return try goTo(cycle: previous)
      }
      guard start > firstCycle else { throw .beforeBeginning(first: firstCycle) }
      window = window > UInt64.max / 16 ? .max : window * 16
    }
  }

  /// Goes to where this many instructions have completed: the first boundary of that kind.
  /// - Throws: as `goTo`.
  public func goTo(instruction: UInt64, progress: ((UInt64) -> Bool)? = nil) throws(HistoryError) {
    if instruction <= self.instruction {
      guard let cycle = snapshotCycle(beforeInstruction: instruction) else {
        throw .beforeBeginning(first: firstCycle)
      }
      try goTo(cycle: cycle)
    }
    try withoutBreakpoints { () throws(HistoryError) in
      while self.instruction < instruction {
        // An instruction takes a cycle at least: this many can't be too many.
        let missing = min(instruction - self.instruction, nextCheck - machine.cycle)
        if machine.cpu.state.pointee.isHalted { try sleep() } else { try advance(missing) }
        if let progress, !progress(machine.cycle) { throw .cancelled(cycle: machine.cycle) }
      }
    }
  }

  private func step() throws(HistoryError) { try advance(1) }

  private func advance(_ cycles: UInt64) throws(HistoryError) {
    let before = machine.cycle
    let stop = run(untilCycle: before.addingOrMax(cycles))
    if machine.cycle == before && stop != .interrupted { throw .endsBefore(cycle: before, stop: stop) }
  }

  /// A halted processor wakes up by an event, if at all.
  private func sleep() throws(HistoryError) {
    let next = machine.clock.pending.first?.due ?? machine.cycle &+ 1
    try advance(max(1, next &- machine.cycle))
  }

  /// Executes `body` with no breakpoint set, and sets them again.
  func withoutBreakpoints(_ body: () throws(HistoryError) -> Void) throws(HistoryError) {
    let breakpoints = machine.breakpoints
    machine.breakpoints = []
    defer { machine.breakpoints = breakpoints }
    try body()
  }
}
