import IA32

/// What the loop looks at between two blocks, and what makes it stop.
struct LoopControl {
  /// Something has to be looked at before the next instruction: an interrupt, a trap, a stop.
  var needsAttention = true
  /// Why `run` shall return; nil to go on.
  var stop: StopReason?
  /// The mode bits of `Block.key`.
  var modeKey: UInt64 = 0
  /// Execute one instruction, then look again.
  var stepOne = false
  /// The instruction about to execute began with TF set: #DB follows it.
  var trapsAfterStep = false
  /// When the run ends: a copy of what the clock's event says.
  var limit = UInt64.max
  /// The run ended between `attend` and the instruction it attended to: the next run does not attend to it again.
  var attended = false
  /// An instruction whose handler is `.leave` for now, and the handler it has otherwise.
  var armed: UnsafeMutablePointer<Op>?
  var armedHandler = Handler.leave
  /// The instruction of the block being executed whose predecessors in it are not in the counters; nil while the counters
  /// are exact. Kept for the instructions at which somebody may look.
  var current: UnsafeMutablePointer<Op>?
}

/// Why the CPU came back from `run`.
public enum StopReason: Hashable, Sendable {
  /// The guest wrote this value to the exit device.
  case exit(UInt8)
  /// A third fault while the second was being delivered. SDM vol. 3A, 6.15, interrupt 8.
  case tripleFault
  /// HLT with interrupts off.
  case halted
  /// HLT, and nothing but input from outside could wake the CPU.
  case waiting
  /// The guest asked the keyboard controller or port 92h for a reset.
  case reset
  /// The instruction at this linear address, which has a breakpoint, comes next.
  case breakpoint(UInt32)
  /// The cycle limit was reached.
  case cycleLimit
  /// Somebody on the host asked for it.
  case interrupted

  /// Whether the guest has ended, as far as it is for the guest to say.
  public var isEnd: Bool {
    switch self {
    case .exit, .tripleFault, .halted, .reset: true
    case .waiting, .breakpoint, .cycleLimit, .interrupted: false
    }
  }
}

/// Between the blocks: finding the next one, leaving one early, interrupts and traps.
extension CPU {
  // MARK: Entering a block

  /// The block at CS:EIP, counted as fetched; nil after a fetch that faulted, with the fault delivered.
  @inline(__always)
  func enterBlock<Timing: TimingModel>(_: Timing.Type) -> UnsafeMutablePointer<Block>? {
    let eip = state.pointee.eip
    let linear = state.pointee.cs.base &+ eip
    let fetch = mmu.fetchPage
    guard linear >> 12 == fetch.pointee.page, let block = blocks.recentSlot(eip).pointee,
      block.pointee.key == control.pointee.modeKey | UInt64(eip),
      block.pointee.physical == fetch.pointee.physical | UInt64(linear & 0xfff)
    else { return enterSlowly(Timing.self) }
    countFetch(block, linear, Timing.self)
    return block
  }

  /// Counts the lines that the block's instructions enter, and sees to it that the block is left when a
  /// deadline comes up inside it.
  @inline(__always)
  func countFetch<Timing: TimingModel>(_ block: UnsafeMutablePointer<Block>, _ linear: UInt32, _: Timing.Type)
  {
    let fetch = mmu.fetchPage
    if Timing.modelsCaches {
      if fetch.pointee.line != linear >> 5 { enterFetchLine(linear) }
    } else {
      let held: UInt64 = fetch.pointee.line == linear >> 5 ? 1 : 0
      fetch.pointee.lookups &+= UInt64(block.pointee.lines) &- held
      fetch.pointee.line = (linear &+ block.pointee.bytes &- 1) >> 5
    }
    let beforeLast = clock.state.pointee.now &+ UInt64(block.pointee.cyclesBeforeLast)
    if beforeLast >= clock.state.pointee.deadline {
      arm(from: block.pointee.ops + 1, count: Int(block.pointee.entries) &- 1)
    }
  }

  // MARK: Leaving one early

  /// Arms the first instruction among `count` entries from `first` on that a deadline precedes. The block's first
  /// instruction has begun with its fetch, whatever that cost.
  func arm(from first: UnsafeMutablePointer<Op>, count: Int) {
    var op = first
    for _ in 0..<max(0, count) {
      if op.pointee.position > 0
        && clock.state.pointee.now &+ UInt64(op.pointee.cyclesBefore) >= clock.state.pointee.deadline
      {
        return arm(op)
      }
      op += 1
    }
  }

  /// Makes the loop come back before `op`, an instruction of the block that is being executed: before it is fetched, if
  /// it begins a line. Nothing asks for attention before it is reached: a repeated string instruction goes on.
  func arm(_ wanted: UnsafeMutablePointer<Op>) {
    var op = wanted
    while op.pointee.position > 0 && (op - 1).pointee.handler == .fetchLine { op -= 1 }
    if let armed = control.pointee.armed {
      guard op < armed else { return }
      armed.pointee.handler = control.pointee.armedHandler
    }
    control.pointee.armed = op
    control.pointee.armedHandler = op.pointee.handler
    op.pointee.handler = .leave
  }

  // MARK: Breakpoints

  /// Whether the run stops before the instruction at `linear`, whose breakpoint it may be going on from.
  func stopsAtBreakpoint(_ linear: UInt32) -> Bool {
    guard breakpoints.contains(linear) else { return false }
    if let passed = passedBreakpoint, passed.linear == linear,
      passed.instruction == counters.pointee.instructions
    {
      return false
    }
    control.pointee.stop = .breakpoint(linear)
    control.pointee.attended = true
    control.pointee.needsAttention = true
    return true
  }

  /// Makes the loop come back after the first instruction of `block`.
  func armAfterFirst(_ block: UnsafeMutablePointer<Block>) {
    if block.pointee.count > 1 {
      var second = block.pointee.ops + 1
      while second.pointee.position == 0 { second += 1 }
      arm(second)
    }
    control.pointee.needsAttention = true
  }

  private func disarm() {
    guard let armed = control.pointee.armed else { return }
    armed.pointee.handler = control.pointee.armedHandler
    control.pointee.armed = nil
  }

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
    heldString.letGo()
    if fault.vector == .floatingPointError && !state.pointee.cr0.contains(.numericError) {
      // The error is told by FERR#: the processor stands still before this instruction until an interrupt comes.
      state.pointee.isHalted = true
      control.pointee.needsAttention = true
      return
    }
    deliver(fault)
    chargeWaitStates()
    modeChanged()
  }

  /// Decoding depends on the segments, interrupts on IF and TF: called after whatever may have changed them.
  func modeChanged() {
    control.pointee.modeKey = UInt64(BlockMode(of: state).rawValue) << 32
    control.pointee.needsAttention = true
  }

  /// What delivering an exception or interrupt costs: at least a cycle, so that time goes on in whatever loop of faults.
  func chargeDelivery() {
    clock.state.pointee.now &+= caches.isOn ? caches.latencies.interrupt : 1
  }

  // MARK: The `full` level

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

  // MARK: Slow accesses of the fast handlers

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

  /// An access may have raised an interrupt or moved a deadline: the block must not run past it.
  @inline(__always)
  func settle(_ op: UnsafeMutablePointer<Op>) {
    if control.pointee.needsAttention {
      arm(op + 1)
    } else if isNearDeadline {
      settleNearDeadline(op)
    }
  }

  /// Whether the deadline may come up, or has passed, before a block of any length has ended.
  @inline(__always)
  private var isNearDeadline: Bool {
    clock.state.pointee.deadline <= clock.state.pointee.now &+ UInt64(UInt16.max)
  }

  /// Arms the first instruction after that of `op` which the deadline precedes. Where the block is left anyway, at an armed
  /// instruction or because it has died, there is nothing beyond to arm.
  @inline(never)
  private func settleNearDeadline(_ op: UnsafeMutablePointer<Op>) {
    var next = op + 1
    while next.pointee.handler != .endOfBlock && next.pointee.handler != .leave {
      if next.pointee.position > op.pointee.position
        && clock.state.pointee.now &+ UInt64(next.pointee.cyclesBefore) >= clock.state.pointee.deadline
      {
        return arm(next)
      }
      next += 1
    }
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

  // MARK: Between two instructions

  /// Looks at everything that may happen between two instructions, in the manual's order (SDM vol. 3A, 6.9): traps on the
  /// previous instruction, then interrupts. False when `run` shall return.
  @inline(never)
  func attend() -> Bool {
    disarm()
    if control.pointee.attended { return goOnAttended() }
    control.pointee.stepOne = false
    if control.pointee.trapsAfterStep && !isShutDown {
      control.pointee.trapsAfterStep = false
      if !state.pointee.inhibitsTraps {
        state.pointee.dr6 |= 1 << 14
        raise(GuestFault(.debug))
      }
    }
    var wasInterrupted = false
    repeat {
      // What stopped the run came first: the end of the run, due now too, must not hide it.
      if control.pointee.stop != nil { return false }
      if clock.state.pointee.now >= clock.state.pointee.deadline { clock.runDueEvents() }
      if isShutDown { control.pointee.stop = .tripleFault }
      if control.pointee.stop != nil { return false }
      let interrupts = takeInterrupt()
      if isShutDown { control.pointee.stop = .tripleFault }
      if state.pointee.isHalted { idle() }
      if let stop = control.pointee.stop, stop != .interrupted { return false }
      wasInterrupted = interrupts
    } while state.pointee.isHalted
    let traps = state.pointee.systemFlags & EFLAGS.trap.rawValue != 0
    control.pointee.trapsAfterStep = traps
    control.pointee.stepOne = traps || state.pointee.inhibitsInterrupts
    control.pointee.needsAttention = control.pointee.stepOne
    state.pointee.inhibitsInterrupts = false
    // RF suppresses instruction breakpoints for the one instruction after IRET. SDM vol. 3B, 17.3.1.1.
    state.pointee.systemFlags &= ~EFLAGS.resume.rawValue
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
    guard let controller = interruptController, controller.interruptRequested,
      state.pointee.systemFlags & EFLAGS.interruptEnable.rawValue != 0, !state.pointee.inhibitsInterrupts
    else { return false }
    counters.pointee.interrupts &+= 1
    heldString.letGo()
    externalInterrupt(controller.acknowledge())
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
