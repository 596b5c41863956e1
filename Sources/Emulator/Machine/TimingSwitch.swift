/// Another timing level between two runs: boot fast, measure late.
extension Machine {
  /// How closely time is modelled now.
  public var timing: TimingLevel { cpu.costs.level }

  /// Goes on in another level; the clock and all counts stand. The TLB keeps what it holds, which is exact in every level. The
  /// caches and the branch prediction of `full` begin empty. Between runs only; nothing happens when `level` is the
  /// present one.
  public func setTiming(_ level: TimingLevel) { cpu.setTiming(level) }
}

extension CPU {
  func setTiming(_ level: TimingLevel) {
    guard level != costs.level else { return }
    costs = InstructionCosts(level: level, latencies: costs.latencies)
    mmu.walkReferenceCost = level == .tlb ? costs.latencies.flatWalkReference : 0
    caches.setOn(level == .full)
    predictor.forgetAll()
    // Blocks have the old level's cycles and lines, and the filter pages that `full` doesn't cache; the fetch unit enters
    // its line again, through the caches.
    blocks.removeAll()
    mmu.filter.dropAll()
    mmu.forgetFetchPage()
    heldString.letGo()
  }
}
