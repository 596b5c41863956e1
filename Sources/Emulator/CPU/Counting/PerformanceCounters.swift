import IA32

/// What a performance counter can count. SDM vol. 3B, table 19-37; `paging` is this processor's own.
enum PerformanceEvent: UInt8 {
  /// Ours: what the P6's list lacks about paging. See `PagingUnitMask`.
  case paging = 0x08
  /// L2_LINES_IN.
  case l2LinesIn = 0x24
  /// L2_IFETCH.
  case l2InstructionFetches = 0x28
  /// L2_LD.
  case l2Loads = 0x29
  /// L2_ST.
  case l2Stores = 0x2a
  /// DATA_MEM_REFS.
  case dataReferences = 0x43
  /// DCU_LINES_IN.
  case dataLinesIn = 0x45
  /// CPU_CLK_UNHALTED.
  case clocksNotHalted = 0x79
  /// IFU_IFETCH: 32-byte lines entered.
  case instructionFetches = 0x80
  /// IFU_IFETCH_MISS, uncached fetches included.
  case instructionFetchMisses = 0x81
  /// ITLB_MISS.
  case instructionTLBMisses = 0x85
  /// INST_RETIRED.
  case instructions = 0xc0
  /// BR_INST_RETIRED.
  case branches = 0xc4
  /// BR_MISS_PRED_RETIRED.
  case branchesMispredicted = 0xc5
  /// BR_TAKEN_RETIRED.
  case branchesTaken = 0xc9

  func count(_ counts: EventCounts, unitMask: PagingUnitMask) -> UInt64 {
    switch self {
    case .paging: unitMask.count(counts)
    case .l2LinesIn: counts.caches.l2LinesIn
    case .l2InstructionFetches: counts.caches.l2InstructionFetches
    case .l2Loads: counts.caches.l2Loads
    case .l2Stores: counts.caches.l2Stores
    case .dataReferences: counts.dataReferences
    case .dataLinesIn: counts.caches.dataLinesIn
    case .clocksNotHalted: counts.cycles &- counts.breakdown.idle
    case .instructionFetches: counts.caches.instructionFetches
    case .instructionFetchMisses: counts.caches.instructionMisses &+ counts.caches.uncachedFetches
    case .instructionTLBMisses: counts.paging.instructionMisses
    case .instructions: counts.instructions
    case .branches: counts.caches.branches
    case .branchesMispredicted: counts.caches.branchesMispredicted
    case .branchesTaken: counts.caches.branchesTaken
    }
  }
}

/// What event 08h counts: the sum of what the bits name.
struct PagingUnitMask: OptionSet {
  let rawValue: UInt8
  static let dataTLBMisses = PagingUnitMask(rawValue: 0x01)
  static let walks = PagingUnitMask(rawValue: 0x02)
  static let walkCycles = PagingUnitMask(rawValue: 0x04)
  static let walkReferences = PagingUnitMask(rawValue: 0x08)
  static let walkReferencesMissingL1 = PagingUnitMask(rawValue: 0x10)

  func count(_ counts: EventCounts) -> UInt64 {
    var sum: UInt64 = 0
    if contains(.dataTLBMisses) { sum &+= counts.paging.dataMisses }
    if contains(.walks) { sum &+= counts.paging.walks }
    if contains(.walkCycles) { sum &+= counts.breakdown.walk }
    if contains(.walkReferences) { sum &+= counts.paging.walkReferences }
    if contains(.walkReferencesMissingL1) { sum &+= counts.caches.walkL1Misses }
    return sum
  }
}

/// PerfEvtSel0 or PerfEvtSel1. SDM vol. 3B, figure 18-50.
struct PerformanceEventSelect: Codable {
  let rawValue: UInt32

  init(rawValue: UInt32 = 0) { self.rawValue = rawValue }

  /// Bit 21; the upper half of the MSR is reserved too.
  static let reserved: UInt64 = 0xffff_ffff_0020_0000

  /// EN, which stands in PerfEvtSel0 for both counters.
  var enablesCounters: Bool { rawValue & 1 << 22 != 0 }

  /// The counts so far of the selected event in the selected modes. 0 for an event that is not modelled, and for
  /// edge detection, INV and CMASK: they count cycles in which an event occurs, which are not recorded.
  func count(_ split: PrivilegeSplit) -> UInt64 {
    let countsCycles = rawValue & (1 << 18 | 1 << 23 | 0xff << 24) != 0
    guard !countsCycles, let event = PerformanceEvent(rawValue: UInt8(truncatingIfNeeded: rawValue)) else {
      return 0
    }
    let mask = PagingUnitMask(rawValue: UInt8(truncatingIfNeeded: rawValue >> 8))
    let countsUser = rawValue & 1 << 16 != 0
    let countsKernel = rawValue & 1 << 17 != 0
    let user = countsUser ? event.count(split.user, unitMask: mask) : 0
    let kernel = countsKernel ? event.count(split.kernel, unitMask: mask) : 0
    return user &+ kernel
  }
}

/// The P6's two performance counters. SDM vol. 3B, 18.22.
///
/// They count nothing themselves: a counter's value is what it was when it was last set, and how far the emulator's own
/// count has come since.
struct PerformanceCounters: Codable {
  static let count = 2
  /// Counters have 40 bits.
  private static let valueMask: UInt64 = 1 << 40 - 1

  private struct Counter: Codable {
    var select = PerformanceEventSelect()
    var value: UInt64 = 0
    /// The event's count when `value` was right.
    var mark: UInt64 = 0
  }

  private var counters = [Counter](repeating: Counter(), count: Self.count)

  /// Whether there are as many as the processor has: what was read from a file may have others.
  var isWhole: Bool { counters.count == Self.count }

  /// PerfEvtSel0 or 1.
  func select(_ index: Int) -> PerformanceEventSelect { counters[index].select }

  /// The 40 bits of a counter, `split` being up to date.
  func value(_ index: Int, _ split: PrivilegeSplit) -> UInt64 {
    let counter = counters[index]
    guard counters[0].select.enablesCounters else { return counter.value }
    return (counter.value &+ counter.select.count(split) &- counter.mark) & Self.valueMask
  }

  /// Writes a counter: it takes the low half, sign-extended. SDM vol. 3B, 18.22.2.
  mutating func set(_ index: Int, _ value: UInt64, _ split: PrivilegeSplit) {
    counters[index].value = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value))) & Self.valueMask
    counters[index].mark = counters[index].select.count(split)
  }

  /// Writes PerfEvtSel0 or 1. EN concerns both counters: both are brought up to date first.
  mutating func set(_ index: Int, _ select: PerformanceEventSelect, _ split: PrivilegeSplit) {
    for index in counters.indices { counters[index].value = value(index, split) }
    counters[index].select = select
    for index in counters.indices { counters[index].mark = counters[index].select.count(split) }
  }
}

/// The counters' instructions and MSRs.
extension CPU {
  /// RDPMC.
  /// - Throws: #GP(0) outside ring 0 without CR4.PCE, and for an index above 1.
  func readPerformanceCounter(_ index: UInt32) throws(GuestFault) -> UInt64 {
    if !state.pointee.cr4.contains(.performanceCounterEnable) { try requireRing0() }
    guard index < PerformanceCounters.count else { throw .generalProtection() }
    return performanceCounter(Int(index))
  }

  /// PerfCtr0 or 1, as of now.
  func performanceCounter(_ index: Int) -> UInt64 {
    attributeCounts()
    return performance.value(index, split)
  }

  func setPerformanceCounter(_ index: Int, _ value: UInt64) {
    attributeCounts()
    performance.set(index, value, split)
  }

  /// - Throws: #GP(0) for reserved bits.
  func setPerformanceEventSelect(_ index: Int, _ value: UInt64) throws(GuestFault) {
    guard value & PerformanceEventSelect.reserved == 0 else { throw .generalProtection() }
    attributeCounts()
    performance.set(index, PerformanceEventSelect(rawValue: UInt32(truncatingIfNeeded: value)), split)
  }
}
