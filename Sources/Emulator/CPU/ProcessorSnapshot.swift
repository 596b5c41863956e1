import IA32

/// All of the processor at an instruction boundary.
struct ProcessorSnapshot: Codable {
  var state: CPUState
  var registers: [UInt32]
  var counters: CPUCounters
  var performance: PerformanceCounters
  var split: PrivilegeSplit
  var faultHistory: FaultHistory
  var isShutDown: Bool
  var costs: InstructionCosts
  var loop: Loop
  var paging: PagingSnapshot
  var caches: CacheHierarchy.Saved
  var predictor: BranchPredictor.Saved

  /// What the loop was about to do.
  struct Loop: Codable {
    var trapsAfterStep: Bool
    var attended: Bool
    var stepOne: Bool
    var heldString: HeldString.Saved
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
    debugRegistersChanged()
    let held = saved.loop.heldString
    if held.isUndecoded || held.op != nil && held.isInBlock {
      modeChanged()
      findBlockOfHeldString(held, in: saved.paging.fetchPage)
    }
  }

  /// Whether this processor could be in a state that was read from a file, which may hold anything.
  func accepts(_ saved: ProcessorSnapshot) -> Bool {
    saved.state.isPossible && saved.registers.count == 9 && saved.registers[8] == 0
      && saved.counters.faults.count == counters.pointee.faults.count && saved.performance.isWhole
      && saved.costs.latencies == costs.latencies && caches.accepts(saved.caches)
      && predictor.accepts(saved.predictor) && mmu.accepts(saved.paging, of: saved.state)
  }
}
