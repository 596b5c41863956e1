import IA32

/// All of the processor at an instruction boundary.
struct ProcessorSnapshot {
  var state: CPUState
  var registers: [UInt32]
  var counters: CPUCounters
  var performance: PerformanceCounters
  var split: PrivilegeSplit
  var faultHistory: FaultHistory
  var isShutDown: Bool
  var costs: InstructionCosts
  var loop: Loop
  var paging: Paging
  var caches: CacheHierarchy.Saved
  var predictor: BranchPredictor.Saved

  /// What the loop was about to do.
  struct Loop {
    var trapsAfterStep: Bool
    var attended: Bool
    var stepOne: Bool
    var heldString: HeldString.Saved
  }

  /// The paging unit.
  struct Paging {
    /// In the order of `TLBArrayName.allCases`.
    var arrays: [TLBArray.Saved]
    var directoryCache: DirectoryCache.Saved
    var fetchPage: FetchPage
    var control: PagingControl
    var counters: PagingCounters
    /// Hits that the filter answered, by source.
    var filterHits: [UInt64]
    var walkReferenceCost: UInt64
  }
}

extension CPU {
  func snapshot() -> ProcessorSnapshot {
    let loop = control.pointee
    return ProcessorSnapshot(
      state: state.pointee, registers: (0..<9).map { registers[$0] }, counters: counters.pointee,
      performance: performance, split: split, faultHistory: faultHistory, isShutDown: isShutDown,
      costs: costs,
      loop: ProcessorSnapshot.Loop(
        trapsAfterStep: loop.trapsAfterStep, attended: loop.attended, stepOne: loop.stepOne,
        heldString: heldString.saved),
      paging: mmu.snapshot(), caches: caches.saved, predictor: predictor.saved)
  }

  func restore(_ saved: ProcessorSnapshot) {
    if saved.costs.level != costs.level { blocks.removeAll() }
    state.pointee = saved.state
    for index in saved.registers.indices { registers[index] = saved.registers[index] }
    counters.pointee = saved.counters
    performance = saved.performance
    split = saved.split
    faultHistory = saved.faultHistory
    isShutDown = saved.isShutDown
    costs = saved.costs
    var loop = LoopControl()
    loop.trapsAfterStep = saved.loop.trapsAfterStep
    loop.attended = saved.loop.attended
    loop.stepOne = saved.loop.stepOne
    heldString.restore(saved.loop.heldString)
    control.pointee = loop
    caches.restore(saved.caches)
    predictor.restore(saved.predictor)
    mmu.restore(saved.paging)
    if saved.loop.heldString.op != nil && saved.loop.heldString.isInBlock {
      modeChanged()
      findBlockOfHeldString(in: saved.paging.fetchPage)
    }
  }
}

extension MMU {
  func snapshot() -> ProcessorSnapshot.Paging {
    ProcessorSnapshot.Paging(
      arrays: [instruction4K.saved, instructionLarge.saved, data4K.saved, dataLarge.saved],
      directoryCache: directoryCache.saved, fetchPage: fetchPage.pointee, control: control.pointee,
      counters: counters.pointee,
      filterHits: [AccessFilter.Source.identity, .data4K, .dataLarge].map { filter.hits(of: $0) },
      walkReferenceCost: walkReferenceCost)
  }

  func restore(_ saved: ProcessorSnapshot.Paging) {
    instruction4K.restore(saved.arrays[0])
    instructionLarge.restore(saved.arrays[1])
    data4K.restore(saved.arrays[2])
    dataLarge.restore(saved.arrays[3])
    directoryCache.restore(saved.directoryCache)
    control.pointee = saved.control
    counters.pointee = saved.counters
    walkReferenceCost = saved.walkReferenceCost
    // An empty filter stands for no page, whatever was used last.
    filter.restore(hits: saved.filterHits)
    for set in 0..<data4K.sets { recent4K[set] = AccessFilter.none }
    for set in 0..<dataLarge.sets { recentLarge[set] = AccessFilter.none }
    lastWasCacheable.pointee = true
    fetchPage.pointee = saved.fetchPage
    askAgainForFetchPage()
  }
}

extension StaleCheck {
  /// Goes back to what was known then. Nothing was, if the check was off: every translation is suspect then.
  func restore(_ saved: State?) {
    state = saved ?? State()
    guard saved == nil else { return }
    mmu.forEachEntry { array, entry in
      self.markSources(entry.pointee.translation)
      self.suspect(entry, array)
    }
    recheckPDPTEs()
  }
}
