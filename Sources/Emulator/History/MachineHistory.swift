import IA32

/// Why a position in a history can't be reached.
public enum HistoryError: Error, Hashable, Sendable {
  /// The history begins later, at `first`.
  case beforeBeginning(first: UInt64)
  /// The run ends earlier, at `cycle`, and why.
  case endsBefore(cycle: UInt64, stop: StopReason)
  /// Whoever watched the progress asked to stop; the machine stands at `cycle`.
  case cancelled(cycle: UInt64)
}

/// The past of a machine's run: snapshots now and then, the pages that changed between them, and what came in from outside.
///
/// A machine is deterministic, so any cycle of the past is reached exactly by going back to the snapshot before it and executing
/// again from there. Between snapshots a page of RAM is copied before the first store to it (copy on write); going back
/// puts the copies in place. Keeping a history changes nothing that the guest can see.
///
/// A position is a cycle: every instruction takes at least one, so a cycle names one instruction boundary.
///
/// Memory is bounded by `budget`: when it is used up, neighbouring snapshots of the older past are merged, which makes going
/// there slower and not less exact; when that isn't enough, the history's beginning moves forward.
public final class MachineHistory {
  public let machine: Machine
  /// Cycles between two snapshots.
  public let interval: UInt64
  /// Bytes that snapshots and pages may take on the host.
  public let budget: Int

  private var entries: [HistoryEntry] = []
  private var inputs: [HistoryInput] = []
  private var inputsDelivered = 0
  /// The farthest cycle that the run has ever reached.
  public private(set) var newestCycle: UInt64

  /// Where the guest ended, and how.
  private var end: (cycle: UInt64, stop: StopReason)?

  /// Begins a history of `machine`, here and now.
  public init(_ machine: Machine, interval: UInt64 = 10_000_000, budget: Int = 512 << 20) {
    self.machine = machine
    self.interval = max(1, interval)
    self.budget = budget
    newestCycle = machine.cycle
    machine.board.gate.save = { [unowned self] frame in self.save(frame) }
    machine.board.gate.setKeepsHistory(true)
    takeSnapshot()
  }

  deinit {
    machine.board.gate.save = { _ in }
    machine.board.gate.setKeepsHistory(false)
    machine.board.gate.forgetSaved(entries.flatMap(\.pages.keys))
  }

  /// Where the history begins.
  public var firstCycle: UInt64 { entries[0].snapshot.cycle }
  /// The cycles of the snapshots, oldest first. Those after the present are forgotten when the machine goes back.
  public var snapshotCycles: [UInt64] { entries.map(\.snapshot.cycle) }
  /// What snapshots and pages take on the host, in bytes, to a few percent.
  public var memoryBytes: Int { entries.reduce(0) { $0 + $1.bytes } }
  /// How the guest has ended where the machine stands; nil where it can go on.
  public var ended: StopReason? { end.flatMap { machine.cycle >= $0.cycle ? $0.stop : nil } }
  /// Whether the run has already been farther than where the machine stands.
  public var isInThePast: Bool { machine.cycle < newestCycle }

  // MARK: Running

  /// Runs as `Machine.run` does, taking snapshots. In the past, input that came then comes again, at the same cycle.
  ///
  /// It may return `.interrupted` although no observer asked for it; going on is right then.
  public func run(untilCycle limit: UInt64 = .max, passingBreakpoint: Bool = false) -> StopReason {
    var isPassing = passingBreakpoint
    while true {
      if let ended { return ended }
      deliverDueInput()
      if needsSnapshot { takeSnapshot() }
      let next = min(limit, entries[entries.count - 1].snapshot.cycle &+ interval, nextInput ?? .max)
      let stop = machine.run(untilCycle: next, passingBreakpoint: isPassing)
      newestCycle = max(newestCycle, machine.cycle)
      if stop.isEnd { end = (machine.cycle, stop) }
      switch stop {
      case .cycleLimit where machine.cycle < limit: isPassing = false
      case .waiting where machine.cycle == nextInput: isPassing = false
      default: return stop
      }
    }
  }

  /// Goes to the instruction boundary at `cycle`, or the first after it, back or forward. Breakpoints don't stop it; stops that
  /// observers ask for are passed.
  /// - Parameter progress: called now and then with the present cycle; false stops the journey.
  /// - Throws: what is said of `HistoryError`'s cases. After `endsBefore` the machine stands at the end of the run.
  public func goTo(
    cycle: UInt64, progress: ((UInt64) -> Bool)? = nil
  ) throws(HistoryError) {
    guard cycle >= firstCycle else { throw .beforeBeginning(first: firstCycle) }
    if cycle < machine.cycle { goBack(toSnapshotBefore: cycle) }
    try withoutBreakpoints { () throws(HistoryError) in
      while machine.cycle < cycle {
        let stop = run(untilCycle: min(cycle, machine.cycle &+ interval))
        if machine.cycle >= cycle { return }
        if stop.isEnd || stop == .waiting { throw .endsBefore(cycle: machine.cycle, stop: stop) }
        if let progress, !progress(machine.cycle) { throw .cancelled(cycle: machine.cycle) }
      }
    }
  }

  /// Executes a stretch of the past again with observers that `attach` adds, and returns to the present.
  /// - Throws: as `goTo`. `cancelled` is thrown back in the present too.
  public func replay(
    from start: UInt64, to end: UInt64, attach: (Machine) -> [ObserverID], progress: ((UInt64) -> Bool)? = nil
  ) throws(HistoryError) {
    let present = machine.cycle
    try goTo(cycle: start)
    let observers = attach(machine)
    var failure: HistoryError?
    do throws(HistoryError) {
      try goTo(cycle: end, progress: progress)
    } catch {
      failure = error
    }
    for observer in observers { machine.stopObserving(observer) }
    try goTo(cycle: present)
    if let failure { throw failure }
  }

  // MARK: The console

  /// Sends bytes to the serial port, now. In the past this makes another future: what was known of it is forgotten.
  public func receive(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    if isInThePast {
      inputs.removeLast(inputs.count - inputsDelivered)
      newestCycle = machine.cycle
      end = nil
      machine.shown = machine.sent
    }
    inputs.append(HistoryInput(cycle: machine.cycle, bytes: bytes))
    deliverDueInput()
  }

  /// What the guest sent since the last call and had not sent before: what it says again in the past is left out.
  /// - Parameter draining: with what still waits in the transmitter, which stays there.
  public func takeSerialOutput(draining: Bool = false) -> [UInt8] {
    guard draining else { return machine.takeSerialOutput() }
    let (serial, clock, sent) = (machine.serial.state, machine.clock.snapshot, machine.sent)
    defer {
      machine.serial.state = serial
      machine.clock.snapshot = clock
      machine.sent = sent
    }
    return machine.takeSerialOutput(draining: true)
  }

  private var nextInput: UInt64? { inputsDelivered < inputs.count ? inputs[inputsDelivered].cycle : nil }

  private func deliverDueInput() {
    while let cycle = nextInput, machine.cycle >= cycle {
      machine.receive(inputs[inputsDelivered].bytes)
      inputsDelivered += 1
    }
  }

  // MARK: Snapshots

  /// The cycle of the newest snapshot taken when no more than `count` instructions had completed; nil if there is none.
  func snapshotCycle(beforeInstruction count: UInt64) -> UInt64? {
    let entry = entries.last { $0.snapshot.instructions < count }
    return (entry ?? entries.first { $0.snapshot.instructions == count })?.snapshot.cycle
  }

  /// The cycle of the snapshot after which a byte of the page at `physical` was stored to first, as far as the present is
  /// known; nil if that page is as it was when the history began.
  public func firstStoreCycle(toPageAt physical: UInt64) -> UInt64? {
    entries.first { $0.pages[physical >> 12] != nil }?.snapshot.cycle
  }

  private var needsSnapshot: Bool {
    machine.cycle >= entries[entries.count - 1].snapshot.cycle &+ interval || currentPageBytes > budget / 4
  }

  private var currentPageBytes: Int { entries[entries.count - 1].pages.count << 12 }

  /// Takes a snapshot now, unless there is one.
  func takeSnapshot() {
    if let last = entries.last, last.snapshot.cycle == machine.cycle { return }
    if let last = entries.last { machine.board.gate.forgetSaved(last.pages.keys) }
    entries.append(HistoryEntry(snapshot: machine.snapshot(), inputsDelivered: inputsDelivered))
    entries.keepWithin(budget)
  }

  /// Keeps the page that is about to change for the first time since the last snapshot.
  private func save(_ frame: UInt64) {
    guard entries[entries.count - 1].pages[frame] == nil, let host = machine.memory.hostPage(frame) else {
      return
    }
    entries[entries.count - 1].pages[frame] = SavedPage(at: host)
    // `run` takes the next snapshot earlier than it would.
    if currentPageBytes > budget / 4 && currentPageBytes - 4096 <= budget / 4 { machine.requestStop() }
  }

  private func goBack(toSnapshotBefore cycle: UInt64) {
    let index = entries.lastIndex { $0.snapshot.cycle <= cycle } ?? 0
    for entry in entries[index...].reversed() {
      for (frame, page) in entry.pages { restore(frame, page) }
    }
    for entry in entries[(index + 1)...] { machine.board.gate.forgetSaved(entry.pages.keys) }
    entries.removeLast(entries.count - 1 - index)
    machine.restore(entries[index].snapshot)
    inputsDelivered = entries[index].inputsDelivered
  }

  private func restore(_ frame: UInt64, _ page: SavedPage) {
    guard let host = machine.memory.hostPage(frame) else { return }
    // Code that was decoded from it must go. TLB entries point to the frame, not to its contents.
    machine.board.gate.willChange(frame << 12, bytes: 4096)
    page.write(to: host)
  }
}
