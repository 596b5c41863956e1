/// L1I, L1D and the unified L2 of the `full` level, and what their misses cost.
///
/// In front of each L1 stands a filter: for every set the line used last, by its host address. An access to that line
/// changes nothing in the set under any `ReplacementPolicy`, so the interpreter compares and goes on; everything else comes through here. An L1
/// way is at most a page, so linear and physical addresses choose the same set.
final class CacheHierarchy {
  let clock: Clock
  let latencies: Latencies
  /// Whether the level is `full`: off, nothing here is ever called or counted.
  private(set) var isOn: Bool
  /// Off, the filters stay empty and every access is looked up.
  var usesFilters = true
  /// CR0.CD is clear: lines are brought in. While it is set, every access goes past the caches.
  var isEnabled = false {
    didSet { if !isEnabled { forgetRecent() } }
  }

  static let lineShift: UInt32 = 5

  /// For each set of L1D and L1I the host address / 32 of the line used last; 0 for none.
  let recentData: UnsafeMutablePointer<UInt>
  let recentInstruction: UnsafeMutablePointer<UInt>
  let dataSetMask: UInt32
  let instructionSetMask: UInt32
  let breakdown: UnsafeMutablePointer<CycleBreakdown>
  let counters: UnsafeMutablePointer<CacheCounters>

  private let data: CacheArray
  private let instruction: CacheArray
  private let l2: CacheArray
  private let isPerfect: Bool
  private let keepsTwoLatest: Bool
  private let ramBase: UInt

  init(_ geometries: CacheGeometries, latencies: Latencies, isOn: Bool, clock: Clock, memory: PhysicalMemory)
  {
    self.clock = clock
    self.latencies = latencies
    self.isOn = isOn
    data = CacheArray(geometries.data)
    instruction = CacheArray(geometries.instruction)
    l2 = CacheArray(geometries.l2)
    isPerfect = geometries.isPerfect
    keepsTwoLatest = geometries.data.keepsTwoLatest
    dataSetMask = UInt32(geometries.data.sets - 1)
    instructionSetMask = UInt32(geometries.instruction.sets - 1)
    recentData = .allocate(capacity: geometries.data.sets)
    recentInstruction = .allocate(capacity: geometries.instruction.sets)
    recentData.initialize(repeating: 0, count: geometries.data.sets)
    recentInstruction.initialize(repeating: 0, count: geometries.instruction.sets)
    breakdown = .allocate(capacity: 1)
    breakdown.initialize(to: CycleBreakdown())
    counters = .allocate(capacity: 1)
    counters.initialize(to: CacheCounters())
    ramBase = UInt(bitPattern: memory.base)
  }

  deinit {
    recentData.deallocate()
    recentInstruction.deallocate()
    breakdown.deallocate()
    counters.deallocate()
  }

  enum Kind {
    case load
    case store
    case walk
  }

  // MARK: Data

  /// An access to `bytes` of RAM at a physical address: each line it touches is looked up.
  func access(_ physical: UInt64, bytes: UInt32, _ kind: Kind) {
    let first = physical >> UInt64(Self.lineShift)
    let last = (physical &+ UInt64(bytes) &- 1) >> UInt64(Self.lineShift)
    look(first, kind)
    if last != first { look(last, kind) }
  }

  private func look(_ line: UInt64, _ kind: Kind) {
    guard isEnabled else { return uncached(kind) }
    let set = Int(line & UInt64(dataSetMask))
    let hit = isPerfect || data.access(line)
    if usesFilters { recentData[set] = (ramBase >> UInt(Self.lineShift)) &+ UInt(line) }
    if hit { return }
    counters.pointee.dataLinesIn &+= 1
    switch kind {
    case .load: counters.pointee.l2Loads &+= 1
    case .store: counters.pointee.l2Stores &+= 1
    case .walk:
      counters.pointee.l2Loads &+= 1
      counters.pointee.walkL1Misses &+= 1
    }
    let inL2 = l2.access(line)
    if !inL2 { counters.pointee.l2LinesIn &+= 1 }
    let extra = (inL2 ? latencies.l2 : latencies.dram) &- latencies.l1
    clock.state.pointee.now &+= extra
    if kind == .walk {
      breakdown.pointee.walk &+= extra
    } else if inL2 {
      breakdown.pointee.l2 &+= extra
    } else {
      breakdown.pointee.dram &+= extra
    }
  }

  /// Whether two lines that were accessed one after the other are both in L1D then, wherever they lie.
  func keepsBoth(_ one: UInt64, _ other: UInt64) -> Bool {
    keepsTwoLatest || (one ^ other) >> UInt64(Self.lineShift) & UInt64(dataSetMask) != 0
  }

  /// An access to a device, to unclaimed addresses, to a page with PCD, or with the caches off.
  func uncached(_ kind: Kind) {
    counters.pointee.uncachedAccesses &+= 1
    clock.state.pointee.now &+= latencies.uncached
    if kind == .walk {
      breakdown.pointee.walk &+= latencies.uncached
    } else {
      breakdown.pointee.io &+= latencies.uncached
    }
  }

  // MARK: Instructions

  /// The fetch unit enters the line of `host`, a page of RAM or ROM, at a physical address.
  func fetch(_ physical: UInt64, host: UInt) {
    let line = physical >> UInt64(Self.lineShift)
    guard isEnabled else {
      counters.pointee.uncachedFetches &+= 1
      clock.state.pointee.now &+= latencies.uncached
      breakdown.pointee.fetch &+= latencies.uncached
      return
    }
    let hit = isPerfect || instruction.access(line)
    if usesFilters {
      recentInstruction[Int(line & UInt64(instructionSetMask))] = host >> UInt(Self.lineShift)
    }
    if hit { return }
    counters.pointee.instructionMisses &+= 1
    counters.pointee.l2InstructionFetches &+= 1
    let inL2 = l2.access(line)
    if !inL2 { counters.pointee.l2LinesIn &+= 1 }
    let extra = inL2 ? latencies.l2 : latencies.dram
    clock.state.pointee.now &+= extra
    breakdown.pointee.fetch &+= extra
  }

  // MARK: Saving

  /// Contents, counts and switches; the arrays are empty while the model is off.
  struct Saved: Codable {
    var isOn: Bool
    var isEnabled: Bool
    var arrays: [CacheArray.Saved]
    var breakdown: CycleBreakdown
    var counters: CacheCounters
  }

  var saved: Saved {
    Saved(
      isOn: isOn, isEnabled: isEnabled, arrays: isOn ? [data.saved, instruction.saved, l2.saved] : [],
      breakdown: breakdown.pointee, counters: counters.pointee)
  }

  /// Whether a saved state is one of caches of this shape.
  func accepts(_ saved: Saved) -> Bool {
    guard saved.isOn else { return saved.arrays.isEmpty }
    return saved.arrays.count == 3 && data.accepts(saved.arrays[0]) && instruction.accepts(saved.arrays[1])
      && l2.accepts(saved.arrays[2])
  }

  /// The filters begin empty: a line that is its set's last is looked up once more, which changes nothing.
  func restore(_ saved: Saved) {
    setOn(saved.isOn)
    isEnabled = saved.isEnabled
    breakdown.pointee = saved.breakdown
    counters.pointee = saved.counters
    guard saved.isOn else { return }
    data.restore(saved.arrays[0])
    instruction.restore(saved.arrays[1])
    l2.restore(saved.arrays[2])
  }

  // MARK: All

  /// Turns the model on, with nothing in any cache, or off.
  func setOn(_ on: Bool) {
    isOn = on
    invalidateAll()
  }

  /// INVD and WBINVD: nothing is left in any cache.
  func invalidateAll() {
    data.invalidateAll()
    instruction.invalidateAll()
    l2.invalidateAll()
    forgetRecent()
  }

  /// A device stores to `bytes` of RAM, within one line: a P6 snoops it and drops the line. SDM vol. 3A, 11.4.
  func snoopStore(_ physical: UInt64, bytes: UInt32) {
    guard isOn else { return }
    let line = physical >> UInt64(Self.lineShift)
    data.invalidate(line)
    instruction.invalidate(line)
    l2.invalidate(line)
    let host = (ramBase >> UInt(Self.lineShift)) &+ UInt(line)
    for (recent, mask) in [(recentData, dataSetMask), (recentInstruction, instructionSetMask)] {
      let set = Int(line & UInt64(mask))
      if recent[set] == host { recent[set] = 0 }
    }
  }

  /// Makes the next access to each set look: what a host address stands for may have changed.
  func forgetRecent() {
    recentData.update(repeating: 0, count: Int(dataSetMask) + 1)
    recentInstruction.update(repeating: 0, count: Int(instructionSetMask) + 1)
  }
}
