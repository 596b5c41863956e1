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
  var paging: PagingSnapshot
  var caches: CacheHierarchy.Saved
  var predictor: BranchPredictor.Saved

  /// What the loop was about to do.
  struct Loop {
    var trapsAfterStep: Bool
    var attended: Bool
    var stepOne: Bool
    /// The repeated string instruction that the processor holds, and the end behind it; nil for none.
    var heldString: (op: Op, end: Op)?
    /// The held instruction lies in a block, so that a store to it by whatever address ends it.
    var isHeldInBlock: Bool
  }
}

extension CPU {
  func snapshot() -> ProcessorSnapshot {
    let loop = control.pointee
    let isHeld = loop.holdsString && (blocks.heldFrom.map { $0.pointee.handler == .string } ?? true)
    return ProcessorSnapshot(
      state: state.pointee, registers: (0..<9).map { registers[$0] }, counters: counters.pointee,
      performance: performance, split: split, faultHistory: faultHistory, isShutDown: isShutDown,
      costs: costs,
      loop: ProcessorSnapshot.Loop(
        trapsAfterStep: loop.trapsAfterStep, attended: loop.attended, stepOne: loop.stepOne,
        heldString: isHeld ? (blocks.heldString[0], blocks.heldString[1]) : nil,
        isHeldInBlock: blocks.heldFrom != nil),
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
    if let held = saved.loop.heldString {
      loop.holdsString = true
      blocks.heldString.initialize(to: held.op)
      (blocks.heldString + 1).initialize(to: held.end)
    }
    blocks.heldFrom = nil
    control.pointee = loop
    caches.restore(saved.caches)
    predictor.restore(saved.predictor)
    mmu.restore(saved.paging)
    if saved.loop.heldString != nil && saved.loop.isHeldInBlock {
      modeChanged()
      findBlockOfHeldString(in: saved.paging.fetchPage)
    }
  }
}
