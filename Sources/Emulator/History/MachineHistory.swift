import IA32

/// Why a position in a history can't be reached.
public enum HistoryError: Error, Hashable, Sendable {
  /// The history begins later, at `first`.
  case beforeBeginning(first: UInt64)
  /// The run ends earlier, at `cycle`, and why.
  case endsBefore(cycle: UInt64, stop: StopReason)
  /// The progress callback asked to stop; the machine stands at `cycle`.
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
  /// The machine whose past this is.
  public let machine: Machine
  /// Cycles between two snapshots, as long as the guest changes little memory: see `spacing`.
  public let interval: UInt64
  /// Bytes that snapshots and pages may take on the host.
  public let budget: Int

  private var entries: [HistoryEntry] = []
  /// All that came from outside, and how much of it had come where the machine stands.
  public private(set) var inputs = InputLog()
  /// The farthest cycle that the run has ever reached.
  public private(set) var newestCycle: UInt64

  /// Where the guest ended, and how.
  private var end: (cycle: UInt64, stop: StopReason)?

  /// Cycles between the last snapshot and the next. More than `interval` for a guest that changes so many pages that copying them
  /// would slow it down.
  public private(set) var spacing: UInt64

  /// Cycles that a guest executes at least for each page that is copied: a copy takes as long as some hundred cycles, so that
  /// copying takes a tenth of the time at most. What `budget` forces to happen earlier happens earlier.
  private static let cyclesPerCopiedPage: UInt64 = 4096
  /// What the pages of the newest snapshot may take before another one is due, whatever that costs.
  private var maxNewestBytes: Int { budget / 4 * 3 }
  /// Above this many bytes, room is made: what is left of `budget` is for the instruction that is under way.
  private var maxBytes: Int { budget - min(max(budget / 16, Self.instructionBytes), budget / 4) }
  /// What a repeated string instruction may change before it is left.
  private static let instructionBytes = 3 << 20
  /// Whether the last snapshot came before `spacing` was over, because its pages took most of `budget`: the guest is slowed down.
  public private(set) var isForced = false

  /// Begins a history of `machine`, here and now.
  public init(_ machine: Machine, interval: UInt64 = 10_000_000, budget: Int = 512 << 20) {
    self.machine = machine
    self.interval = max(1, interval)
    spacing = self.interval
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
      inputs.applyDue(to: machine)
      if needsSnapshot { takeSnapshot() }
      if olderBytes + newest.bytes > maxBytes { trim() }
      let next = min(limit, nextSnapshot, inputs.nextCycle ?? .max)
      let stop = machine.run(untilCycle: next, passingBreakpoint: isPassing)
      newestCycle = max(newestCycle, machine.cycle)
      if stop.isEnd { end = (machine.cycle, stop) }
      switch stop {
      case .cycleLimit where machine.cycle < limit: isPassing = false
      case .waiting where machine.cycle == inputs.nextCycle: isPassing = false
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
        let stop = run(untilCycle: min(cycle, nextCheck))
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

  // MARK: From and to the outside

  /// Lets an input take effect, now. In the past this makes another future: what was known of it is forgotten. A guest that
  /// has ended may go on after a register or memory was changed.
  /// - Throws: what `Machine.apply` does; then nothing has changed, nor been forgotten.
  public func apply(_ input: MachineInput) throws(MachineInputError) {
    try machine.check(input)
    if isInThePast || ended != nil && input.canRevive {
      inputs.forgetFuture()
      newestCycle = machine.cycle
      end = nil
      machine.shown = machine.sent
    }
    inputs.append(input, at: machine.cycle)
    try machine.apply(input)
  }

  /// Sends bytes to the serial port, as a terminal would.
  public func receive(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    // Bytes can always be sent.
    try? apply(machine.typing(bytes))
  }

  /// What the guest sent since the last call and had not sent before: what it says again in the past is left out.
  /// - Parameter draining: with what still waits in the transmitter, which stays there.
  public func takeSerialOutput(draining: Bool = false) -> [UInt8] {
    guard draining else { return machine.takeSerialOutput() }
    let (serial, clock, sent) = (machine.devices.serial.state, machine.clock.snapshot, machine.sent)
    defer {
      machine.devices.serial.state = serial
      machine.clock.snapshot = clock
      machine.sent = sent
    }
    return machine.takeSerialOutput(draining: true)
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
    machine.cycle >= nextSnapshot || entries[entries.count - 1].pageBytes > maxNewestBytes
  }

  private var nextSnapshot: UInt64 { entries[entries.count - 1].snapshot.cycle.addingOrMax(spacing) }

  /// A cycle at which a long way may be looked at: not so far that it would seem to stand still.
  public var nextCheck: UInt64 { machine.cycle.addingOrMax(min(interval, Self.maxCyclesUnchecked)) }
  private static let maxCyclesUnchecked: UInt64 = 100_000_000

  private var newest: HistoryEntry { entries[entries.count - 1] }
  /// What all snapshots but the newest take.
  private var olderBytes = 0

  /// Keeps within the budget while the newest snapshot's pages grow, with some room for more of them.
  private func trim() {
    entries.keepWithin(maxBytes - budget / 16)
    olderBytes = entries.dropLast().reduce(0) { $0 + $1.bytes }
  }

  /// Takes a snapshot now, unless there is one.
  func takeSnapshot() {
    if let last = entries.last, last.snapshot.cycle == machine.cycle { return }
    if let last = entries.last {
      machine.board.gate.forgetSaved(last.pages.keys)
      isForced = machine.cycle < nextSnapshot && last.pageBytes > maxNewestBytes
      spacing = max(interval, UInt64(last.pages.count) &* Self.cyclesPerCopiedPage)
    }
    entries.append(HistoryEntry(snapshot: machine.snapshot(), inputsApplied: inputs.applied))
    trim()
  }

  /// Keeps the page that is about to change for the first time since the last snapshot.
  private func save(_ frame: UInt64) {
    guard entries[entries.count - 1].pages[frame] == nil, let host = machine.memory.hostPage(frame) else {
      return
    }
    let page = SavedPage(at: host)
    entries[entries.count - 1].add(page, of: frame)
    let entry = newest
    func crosses(_ limit: Int, _ bytes: Int) -> Bool { bytes > limit && bytes - page.bytes <= limit }
    // `run` takes the next snapshot earlier than it would, or makes room.
    if crosses(maxNewestBytes, entry.pageBytes) || crosses(maxBytes, olderBytes + entry.bytes) {
      machine.requestStop()
    }
  }

  private func goBack(toSnapshotBefore cycle: UInt64) {
    let index = entries.lastIndex { $0.snapshot.cycle <= cycle } ?? 0
    for entry in entries[index...].reversed() {
      for (frame, page) in entry.pages { restore(frame, page) }
    }
    for entry in entries[(index + 1)...] { machine.board.gate.forgetSaved(entry.pages.keys) }
    entries.removeLast(entries.count - 1 - index)
    olderBytes = entries.dropLast().reduce(0) { $0 + $1.bytes }
    machine.restore(entries[index].snapshot)
    inputs.rewind(to: entries[index].inputsApplied)
  }

  private func restore(_ frame: UInt64, _ page: SavedPage) {
    guard let host = machine.memory.hostPage(frame) else { return }
    // Code that was decoded from it must go. TLB entries point to the frame, not to its contents.
    machine.board.gate.willChange(frame << 12, bytes: 4096)
    page.write(to: host)
  }
}
