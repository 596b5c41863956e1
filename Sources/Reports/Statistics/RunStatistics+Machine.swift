import Emulator
import IA32

extension RunStatistics {
  /// The counts of a machine, without those that its timing level does not keep.
  public init(_ counters: MachineCounters, timing level: TimingLevel) {
    var all = EventCounts()
    all.instructions = counters.instructions
    all.cycles = counters.cycles
    all.breakdown = counters.breakdown
    all.paging = counters.paging
    all.caches = counters.caches
    let whole = Mode(all, timing: level)
    timing = level.rawValue
    instructions = whole.instructions
    cycles = whole.cycles
    idleCycles = counters.idleCycles
    breakdown = whole.breakdown
    tlb = whole.tlb
    walks = whole.walks
    dataReferences = whole.dataReferences
    caches = whole.caches
    branches = whole.branches
    user = Mode(counters.user, timing: level)
    kernel = Mode(counters.kernel, timing: level)
    faults = counters.faults.enumerated().filter { $0.element > 0 }.map { number, count in
      let vector = UInt8(truncatingIfNeeded: number)
      return Fault(
        vector: vector, name: ExceptionVector(rawValue: vector)?.mnemonic ?? "vector \(vector)", count: count)
    }
    interrupts = counters.interrupts
    mmio = Accesses(reads: counters.bus.mmioReads, writes: counters.bus.mmioWrites)
    ports = Accesses(reads: counters.bus.portReads, writes: counters.bus.portWrites)
    serialCharactersLost = counters.serialCharactersLost
    lost = Lost(
      romStores: .init(counters.lost.romStores), unclaimedStores: .init(counters.lost.unclaimedStores),
      unclaimedFetches: .init(counters.lost.unclaimedFetches))
  }
}

extension RunStatistics.Mode {
  /// - Parameter level: decides what is modelled.
  public init(_ counts: EventCounts, timing level: TimingLevel) {
    let paging = counts.paging
    instructions = counts.instructions
    cycles = counts.cycles
    breakdown = RunStatistics.Breakdown(counts, timing: level)
    tlb = [
      .init(
        name: TLBArrayName.instruction4K.rawValue, hits: paging.instruction4KHits,
        misses: paging.instruction4KFills),
      .init(
        name: TLBArrayName.instructionLarge.rawValue, hits: paging.instructionLargeHits,
        misses: paging.instructionLargeFills),
      .init(name: TLBArrayName.data4K.rawValue, hits: paging.data4KHits, misses: paging.data4KFills),
      .init(name: TLBArrayName.dataLarge.rawValue, hits: paging.dataLargeHits, misses: paging.dataLargeFills),
    ]
    let caches = counts.caches
    let isFull = level == .full
    walks = .init(
      count: paging.walks, references: paging.walkReferences, l1Misses: isFull ? caches.walkL1Misses : nil)
    dataReferences = counts.dataReferences
    guard isFull else { return }
    self.caches = .init(
      instructionFetches: caches.instructionFetches,
      instructionMisses: caches.instructionMisses &+ caches.uncachedFetches, dataLinesIn: caches.dataLinesIn,
      l2InstructionFetches: caches.l2InstructionFetches, l2Loads: caches.l2Loads, l2Stores: caches.l2Stores,
      l2LinesIn: caches.l2LinesIn, uncachedAccesses: caches.uncachedAccesses)
    branches = .init(
      count: caches.branches, taken: caches.branchesTaken, mispredicted: caches.branchesMispredicted)
  }
}

extension RunStatistics.Lost.Kind {
  init(_ kind: LostAccesses.Kind) {
    count = kind.count
    physical = kind.first?.physical.rawValue
    eip = kind.first?.moment.eip
    cycle = kind.first?.moment.cycle
  }
}

extension RunStatistics.Breakdown {
  /// - Parameter level: decides what is modelled.
  public init(_ counts: EventCounts, timing level: TimingLevel) {
    let parts = counts.breakdown
    self.init(base: counts.baseCycles, io: parts.io, idle: parts.idle)
    if level != .functional { walk = parts.walk }
    guard level == .full else { return }
    fetch = parts.fetch
    l1 = parts.l1
    l2 = parts.l2
    dram = parts.dram
    branch = parts.branch
  }
}
