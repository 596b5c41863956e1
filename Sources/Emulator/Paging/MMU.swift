import IA32

/// Counts of what the paging unit did since reset.
public struct PagingCounters: Hashable, Codable, Sendable {
  /// Lookups that each array answered. A lookup is one data access (an access that crosses pages makes two), or one
  /// 32-byte line of instructions entered.
  public var instruction4KHits: UInt64 = 0
  /// See `instruction4KHits`.
  public var instructionLargeHits: UInt64 = 0
  /// See `instruction4KHits`.
  public var data4KHits: UInt64 = 0
  /// See `instruction4KHits`.
  public var dataLargeHits: UInt64 = 0
  /// Lookups that neither array of the side answered: each is followed by a walk.
  public var instructionMisses: UInt64 = 0
  /// See `instructionMisses`.
  public var dataMisses: UInt64 = 0
  /// Data accesses with paging off, which ask no array.
  public var dataUntranslated: UInt64 = 0
  /// Walks by the size of page that they found.
  public var instruction4KFills: UInt64 = 0
  /// See `instruction4KFills`.
  public var instructionLargeFills: UInt64 = 0
  /// See `instruction4KFills`.
  public var data4KFills: UInt64 = 0
  /// See `instruction4KFills`.
  public var dataLargeFills: UInt64 = 0
  /// All walks, those for setting D after a hit included.
  public var walks: UInt64 = 0
  /// Entries that walks read from memory.
  public var walkReferences: UInt64 = 0
  /// Walks that a cached PDE spared the reference to the page directory.
  public var directoryCacheHits: UInt64 = 0
  /// Locked writes of A and D.
  public var accessedDirtyUpdates: UInt64 = 0
  /// INVLPG instructions, and loads of CR3.
  public var pageInvalidations: UInt64 = 0
  /// Loads of CR3.
  public var cr3Loads: UInt64 = 0

  /// Nothing counted yet.
  public init() {}
}

/// The paging unit: the TLB arrays, the walker's access to memory, and the filter that makes hits fast.
///
/// What it promises is in docs/paging.md: an entry stays until the manual says that it goes, stores to page tables
/// change nothing here, and a walk is made by `PageWalk` alone.
final class MMU {
  let state: UnsafeMutablePointer<CPUState>
  let memory: PhysicalMemory
  let bus: Bus
  let clock: Clock
  let gate: StoreGate
  let caches: CacheHierarchy
  let observation: Observation
  let addressWidth: UInt8
  /// The processor has a page attribute table: entries' PAT bits are not reserved.
  let hasAttributeTable: Bool
  let instruction4K: TLBArray
  let instructionLarge: TLBArray
  let data4K: TLBArray
  let dataLarge: TLBArray
  let directoryCache: DirectoryCache
  let filter = AccessFilter()
  let fetchPage: UnsafeMutablePointer<FetchPage>
  let counters: UnsafeMutablePointer<PagingCounters>
  /// The registers that walks obey; rebuilt when one of them is written.
  let control: UnsafeMutablePointer<PagingControl>
  /// Cycles that one reference of a walk costs where there are no caches: 0 in the `functional` level.
  var walkReferenceCost: UInt64 = 0
  /// Off, the filter stays empty.
  var usesFastPaths = true
  /// For each set of the data arrays, the entry that was used last. Kept under tree-PLRU alone.
  let recent4K: UnsafeMutablePointer<UnsafeMutablePointer<TLBEntry>?>
  let recentLarge: UnsafeMutablePointer<UnsafeMutablePointer<TLBEntry>?>
  /// The TLB entry that the last page fault came from; nil where a walk found it.
  var refusal: TLBRefusal?
  /// Finds uses of stale translations of this processor; nil while that is off.
  var stale: StaleCheck? { didSet { observationChanged() } }
  /// Follows this processor's translations step by step; nil for none.
  var stepper: (any TranslationStepper)? { didSet { observationChanged() } }
  /// Breakpoints on data in this processor's debug registers.
  var dataBreakpoints = DataBreakpoints() { didSet { observationChanged() } }
  /// Called when an access has met one: a trap follows the instruction.
  var onDataBreakpoint: () -> Void = {}
  /// Misaligned accesses of user mode raise #AC: no filter answers then.
  var checksAlignment = false { didSet { if checksAlignment && !oldValue { filter.dropAll() } } }
  /// Whether data accesses have to be told: all of them, or those to pages that are followed.
  private(set) var followsAccesses = false
  /// Whether `walk` has to tell its steps or mark the pages it reads.
  private(set) var followsWalks = false
  /// Whether the translation made last allows caching (PCD clear).
  let lastWasCacheable: UnsafeMutablePointer<Bool>

  init(
    state: UnsafeMutablePointer<CPUState>, on board: SystemBoard, addressWidth: UInt8, geometry: TLBGeometry,
    caches: CacheHierarchy, hasAttributeTable: Bool = false
  ) {
    self.hasAttributeTable = hasAttributeTable
    self.state = state
    memory = board.memory
    bus = board.bus
    clock = board.clock
    gate = board.gate
    observation = board.observation
    self.caches = caches
    self.addressWidth = addressWidth
    instruction4K = TLBArray(geometry.instruction4K)
    instructionLarge = TLBArray(geometry.instructionLarge)
    data4K = TLBArray(geometry.data4K)
    dataLarge = TLBArray(geometry.dataLarge)
    directoryCache = DirectoryCache(geometry.directoryCache)
    fetchPage = .allocate(capacity: 1)
    fetchPage.initialize(to: FetchPage())
    counters = .allocate(capacity: 1)
    counters.initialize(to: PagingCounters())
    control = .allocate(capacity: 1)
    control.initialize(
      to: PagingControl(cr0: [], cr3: 0, cr4: [], efer: 0, addressWidth: addressWidth))
    recent4K = .allocate(capacity: data4K.sets)
    recent4K.initialize(repeating: nil, count: data4K.sets)
    lastWasCacheable = .allocate(capacity: 1)
    lastWasCacheable.initialize(to: true)
    recentLarge = .allocate(capacity: dataLarge.sets)
    recentLarge.initialize(repeating: nil, count: dataLarge.sets)
  }

  deinit {
    fetchPage.deallocate()
    counters.deallocate()
    control.deallocate()
    recent4K.deallocate()
    recentLarge.deallocate()
    lastWasCacheable.deallocate()
  }

  /// The counts so far, the filter's included.
  var currentCounters: PagingCounters {
    var counts = counters.pointee
    counts.data4KHits &+= data4K.filterHits
    counts.dataLargeHits &+= dataLarge.filterHits
    counts.dataUntranslated &+= filter.untranslatedHits
    let page = fetchPage.pointee
    switch page.source {
    case .identity: break
    case .instruction4K: counts.instruction4KHits &+= page.lookups
    case .instructionLarge: counts.instructionLargeHits &+= page.lookups
    }
    counts.instruction4KHits &-= counts.instruction4KFills
    counts.instructionLargeHits &-= counts.instructionLargeFills
    return counts
  }

  /// Counts a lookup of one line through `translation`.
  func countFetch(_ translation: Translation) {
    if translation.isLarge {
      counters.pointee.instructionLargeHits &+= 1
    } else {
      counters.pointee.instruction4KHits &+= 1
    }
  }

  /// What is followed has changed: everything asks the TLB again.
  func observationChanged() {
    followsAccesses = observation.followsAccesses || stepper != nil || !dataBreakpoints.isEmpty
    followsWalks = observation.followsWalks || stale != nil || stepper != nil
    filter.dropAll()
    askAgainForFetchPage()
    markPointerTable()
  }

  /// Whether data accesses to the page of `linear` must not take a shortcut.
  @inline(__always)
  func followsPage(of linear: UInt32) -> Bool {
    followsAccesses
      && (stepper != nil || dataBreakpoints.touches(page: linear >> 12)
        || observation.followsAccesses(toPage: linear >> 12))
  }

  /// Whether explicit accesses are user-mode accesses now.
  @inline(__always)
  var isUserMode: Bool { state.pointee.privilegeLevel == 3 }

  /// The PDPTE register that `linear` chooses.
  @inline(__always)
  func pdpte(for linear: UInt32) -> UInt64 {
    switch linear >> 30 {
    case 0: state.pointee.pdpte.0
    case 1: state.pointee.pdpte.1
    case 2: state.pointee.pdpte.2
    default: state.pointee.pdpte.3
    }
  }
}

/// Stores past the gate go by the filter.
extension MMU: StoreShortcut {
  func close(hostPage: UnsafeRawPointer) { filter.forbidWrites(toHostPage: hostPage) }

  func closeAll() { filter.dropAll() }
}

/// The page that instructions come from: the instruction TLB's answer for it, kept while nothing can change it.
struct FetchPage: Codable {
  enum Source: UInt8, Codable {
    /// Paging is off.
    case identity
    case instruction4K
    case instructionLarge
  }

  /// Linear page number; `AccessFilter.none` when the next fetch must ask the TLB.
  var page = AccessFilter.none
  var source = Source.identity
  /// Physical address of the page, as the A20 gate lets it through.
  var physical: UInt64 = 0
  /// Host address of the page; nil where no memory answers (MMIO, unclaimed).
  var host: UnsafeRawPointer?
  /// Lines entered in the page since it became the current one.
  var lookups: UInt64 = 0
  /// The page whose line the fetch unit still holds although the next fetch asks the TLB: an onlooker wants that, not the
  /// processor.
  var held = AccessFilter.none
  /// The page that fetches came from last, whether or not the next one asks the TLB for an onlooker's sake.
  var current: UInt32 { page == AccessFilter.none ? held : page }
  /// The 32-byte line (linear address / 32) that the fetch unit holds; a lookup is made when another is entered.
  var line = UInt32.max

  /// All but the host's address, which `physical` gives on any host.
  private enum CodingKeys: CodingKey {
    case page
    case source
    case physical
    case lookups
    case held
    case line
  }
}
