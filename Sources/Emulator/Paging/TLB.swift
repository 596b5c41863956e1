import IA32

/// One translation that the processor holds. SDM vol. 3A, 4.10.2.2.
public struct TLBEntry: Sendable {
  /// The linear page number: bits 31-12 for a 4 KiB page, 31-21 (PAE) or 31-22 for a large one.
  public var page: UInt32
  public var isValid: Bool
  public var translation: Translation
  /// Position in the set's order of use: the larger, the more recent.
  public var lastUse: UInt64
  /// The cycle of the fill.
  public var filledAt: UInt64
}

/// One set-associative TLB array with true LRU replacement.
struct TLBArray: ~Copyable {
  let sets: Int
  let ways: Int
  private let entries: UnsafeMutablePointer<TLBEntry>
  /// Counts uses, so that each has its place in the order.
  private let useCounter: UnsafeMutablePointer<UInt64>

  /// - Parameter entryCount: a multiple of `ways`; the number of sets must be a power of two.
  init(entryCount: Int, ways: Int) {
    precondition(entryCount % ways == 0 && (entryCount / ways).nonzeroBitCount == 1)
    sets = entryCount / ways
    self.ways = ways
    let empty = TLBEntry(
      page: 0, isValid: false,
      translation: Translation(
        frame: 0, isLarge: false, isWritable: false, isUser: false, isNoExecute: false, isGlobal: false,
        isDirty: false, isCacheDisabled: false, isWriteThrough: false, leafAddress: 0,
        directoryEntryAddress: 0),
      lastUse: 0, filledAt: 0)
    entries = .allocate(capacity: entryCount)
    entries.initialize(repeating: empty, count: entryCount)
    useCounter = .allocate(capacity: 1)
    useCounter.initialize(to: 0)
  }

  deinit {
    entries.deallocate()
    useCounter.deallocate()
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
    useCounter.pointee &+= 1
    entry.pointee.lastUse = useCounter.pointee
  }

  /// The way that a fill of `page` takes: a free one, or the least recently used.
  func victim(for page: UInt32) -> UnsafeMutablePointer<TLBEntry> {
    let first = entries + set(of: page) &* ways
    var oldest = first
    for way in 0..<ways {
      let entry = first + way
      if !entry.pointee.isValid { return entry }
      if entry.pointee.lastUse < oldest.pointee.lastUse { oldest = entry }
    }
    return oldest
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

  /// A copy of the entry in `way` of `set`, and its rank: 0 is the most recently used of the valid ones.
  func inspect(set: Int, way wanted: Int) -> (entry: TLBEntry, rank: Int)? {
    let entry = way(wanted, ofSet: set).pointee
    guard entry.isValid else { return nil }
    var rank = 0
    for other in 0..<ways {
      let candidate = way(other, ofSet: set).pointee
      if candidate.isValid && candidate.lastUse > entry.lastUse { rank += 1 }
    }
    return (entry, rank)
  }
}

/// Sizes of the four TLB arrays: entries and ways of each.
public struct TLBGeometry: Hashable, Sendable {
  public struct Array: Hashable, Sendable {
    public var entries: Int
    public var ways: Int

    public init(entries: Int, ways: Int) {
      self.entries = entries
      self.ways = ways
    }
  }

  public var instruction4K: Array
  public var instructionLarge: Array
  public var data4K: Array
  public var dataLarge: Array

  /// The P6's arrays. SDM vol. 2A, table 3-12, CPUID leaf 2 bytes 01h-04h.
  public static let p6 = TLBGeometry(
    instruction4K: Array(entries: 32, ways: 4), instructionLarge: Array(entries: 2, ways: 2),
    data4K: Array(entries: 64, ways: 4), dataLarge: Array(entries: 8, ways: 4))
}
