import IA32

/// One translation that the processor holds. SDM vol. 3A, 4.10.2.2.
public struct TLBEntry: Codable, Sendable {
  /// The linear page number: bits 31-12 for a 4 KiB page, 31-21 (PAE) or 31-22 for a large one.
  public var page: UInt32
  /// Whether the way holds anything.
  public var isValid: Bool
  /// What the walk found when the entry was filled.
  public var translation: Translation
  /// Position in the set's order of use, whatever the policy: the larger, the more recent.
  public var lastUse: UInt64
  /// The cycle of the fill.
  public var filledAt: UInt64
  /// One of the paging-structure entries it came from has changed since, as far as a `StaleCheck` knows: its uses are
  /// compared with memory. The processor knows nothing of it.
  public internal(set) var isSuspect = false
  /// Entries of the access filter that may stand for this one, a bit each; all that do are among them.
  var filterEntries: UInt64 = 0

  /// What the processor knows: neither suspicions nor the filter.
  private enum CodingKeys: CodingKey {
    case page
    case isValid
    case translation
    case lastUse
    case filledAt
  }

  /// A way that holds nothing.
  static let empty = TLBEntry(
    page: 0, isValid: false,
    translation: Translation(
      frame: 0, isLarge: false, isWritable: false, isUser: false, isNoExecute: false, isGlobal: false,
      isDirty: false, isCacheDisabled: false, isWriteThrough: false, leafAddress: 0, directoryEntryAddress: 0),
    lastUse: 0, filledAt: 0)
}

/// One set-associative TLB array.
struct TLBArray: ~Copyable {
  let sets: Int
  let ways: Int
  private let entries: UnsafeMutablePointer<TLBEntry>
  /// Counts uses, those included that the access filter answers, so that each has its place in the order.
  let useCounter: UnsafeMutablePointer<UInt64>
  /// Those of the uses that came through `touch`.
  private let touches: UnsafeMutablePointer<UInt64>
  /// Whether the filter may stand for no other entry than the one its set used last.
  let hasTree: Bool
  private let replacement: ReplacementState

  /// - Parameter geometry: entries are a multiple of the ways, and the number of sets is a power of two.
  init(_ geometry: TLBGeometry.Array) {
    let entryCount = geometry.entries
    ways = geometry.ways
    precondition(entryCount % ways == 0 && (entryCount / ways).nonzeroBitCount == 1)
    sets = entryCount / ways
    hasTree = geometry.policy == .treePLRU
    replacement = ReplacementState(geometry.policy, sets: sets, ways: ways)
    entries = .allocate(capacity: entryCount)
    entries.initialize(repeating: .empty, count: entryCount)
    useCounter = .allocate(capacity: 1)
    useCounter.initialize(to: 0)
    touches = .allocate(capacity: 1)
    touches.initialize(to: 0)
  }

  deinit {
    entries.deallocate()
    useCounter.deallocate()
    touches.deallocate()
    replacement.deallocate()
  }

  /// The set that `page` belongs to: its low bits.
  @inline(__always)
  func set(of page: UInt32) -> Int { Int(page) & (sets &- 1) }

  @inline(__always)
  func way(_ way: Int, ofSet set: Int) -> UnsafeMutablePointer<TLBEntry> { entries + (set &* ways &+ way) }

  /// The entry for `page`, its place in the order left alone.
  @inline(__always)
  func find(_ page: UInt32) -> UnsafeMutablePointer<TLBEntry>? {
    var entry = entries + set(of: page) &* ways
    for _ in 0..<ways {
      if entry.pointee.page == page && entry.pointee.isValid { return entry }
      entry += 1
    }
    return nil
  }

  /// Makes `entry` its set's most recent.
  @inline(__always)
  func touch(_ entry: UnsafeMutablePointer<TLBEntry>) {
    touches.pointee &+= 1
    useCounter.pointee &+= 1
    entry.pointee.lastUse = useCounter.pointee
    if hasTree { touchTree(entry) }
  }

  /// Uses that the access filter has answered: hits not counted elsewhere.
  var filterHits: UInt64 { useCounter.pointee &- touches.pointee }

  @inline(never)
  private func touchTree(_ entry: UnsafeMutablePointer<TLBEntry>) {
    let place = entry - entries
    replacement.touchTree(set: place / ways, way: place % ways)
  }

  /// The way that a fill of `page` takes: a free one, or the one that the policy gives up. Called once a fill.
  func victim(for page: UInt32) -> UnsafeMutablePointer<TLBEntry> {
    let set = set(of: page)
    let first = entries + set &* ways
    var oldest = first
    for way in 0..<ways {
      let entry = first + way
      if !entry.pointee.isValid { return entry }
      if entry.pointee.lastUse < oldest.pointee.lastUse { oldest = entry }
    }
    switch replacement.policy {
    case .lru: return oldest
    case .treePLRU: return first + replacement.treeVictim(set: set)
    case .random: return first + replacement.randomVictim()
    }
  }

  /// Set and way of an entry.
  func place(of entry: UnsafeMutablePointer<TLBEntry>) -> (set: Int, way: Int) {
    let (set, way) = (entry - entries).quotientAndRemainder(dividingBy: ways)
    return (set, way)
  }

  /// Calls `body` with each valid entry, by set and way.
  func forEachValid(_ body: (UnsafeMutablePointer<TLBEntry>) -> Void) {
    for index in 0..<(sets * ways) where entries[index].isValid { body(entries + index) }
  }

  /// All that the array holds.
  struct Saved: Codable {
    var entries: [TLBEntry]
    var useCounter: UInt64
    var touches: UInt64
    var replacement: ReplacementState.Saved
  }

  var saved: Saved {
    Saved(
      entries: Array(UnsafeBufferPointer(start: entries, count: sets * ways)), useCounter: useCounter.pointee,
      touches: touches.pointee, replacement: replacement.saved)
  }

  /// Whether a saved state is one of an array of this shape, with frames of `addressWidth` bits.
  func accepts(_ saved: Saved, addressWidth: UInt8) -> Bool {
    saved.entries.count == sets * ways && replacement.accepts(saved.replacement)
      && saved.entries.allSatisfy { entry in
        entry.translation.frame & 0xfff == 0 && entry.translation.frame >> UInt64(addressWidth) == 0
      }
  }

  func restore(_ saved: Saved) {
    for index in saved.entries.indices { entries[index] = saved.entries[index] }
    useCounter.pointee = saved.useCounter
    touches.pointee = saved.touches
    replacement.restore(saved.replacement)
  }

  /// Drops the entry for `page`, global or not.
  func invalidate(_ page: UInt32) {
    if let entry = find(page) { entry.pointee.isValid = false }
  }

  /// Drops every entry, or all but the global ones.
  func invalidateAll(keepingGlobal: Bool) {
    for index in 0..<(sets * ways) where !(keepingGlobal && entries[index].translation.isGlobal) {
      entries[index].isValid = false
    }
  }

  /// A copy of the entry in `way` of `set`, and its rank among the valid ones. Under true LRU and random replacement rank
  /// 0 is the one used last, though random replacement does not ask. Under tree-PLRU it is the one that newcomers would
  /// replace last, were no other use to come between.
  func inspect(set: Int, way wanted: Int) -> (entry: TLBEntry, rank: Int)? {
    let entry = way(wanted, ofSet: set).pointee
    guard entry.isValid else { return nil }
    if hasTree {
      let later = replacement.treeOrder(set: set).drop { $0 != wanted }.dropFirst()
      return (entry, later.count { self.way($0, ofSet: set).pointee.isValid })
    }
    var rank = 0
    for other in 0..<ways {
      let candidate = way(other, ofSet: set).pointee
      if candidate.isValid && candidate.lastUse > entry.lastUse { rank += 1 }
    }
    return (entry, rank)
  }
}
