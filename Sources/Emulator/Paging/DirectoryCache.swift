/// An entry of the paging-structure cache with its place.
public struct DirectoryCacheLine: Hashable, Sendable {
  /// Its set, from 0.
  public var set: Int
  /// Its way in the set, from 0.
  public var way: Int
  /// The linear addresses that the PDE serves: bits 31-21 under PAE, 31-22 in 32-bit paging.
  public var region: UInt32
  /// The PDE that it holds.
  public var entry: CachedDirectoryEntry
}

/// A paging-structure cache of PDEs, set-associative with true LRU. SDM vol. 3A, 4.10.3.
///
/// It holds what successful walks read: P = 1, PS = 0, no reserved bit, A = 1. A store to the page directory does not reach
/// it: until an invalidation, walks go on with the old table and the old rights, and set no A in the directory. It knows
/// no G. What empties it is the same as in the TLB, and any INVLPG drops all of it; SDM vol. 3A, 4.10.4.1.
struct DirectoryCache: ~Copyable {
  fileprivate struct Slot: Codable {
    var region: UInt32 = 0
    var entry: CachedDirectoryEntry?
    var lastUse: UInt64 = 0
  }

  /// Whether the machine has one.
  let isOn: Bool
  private let sets: Int
  private let ways: Int
  private let slots: UnsafeMutablePointer<Slot>
  private let useCounter: UnsafeMutablePointer<UInt64>

  /// - Parameter geometry: nil for a machine without; its policy is true LRU.
  init(_ geometry: TLBGeometry.Array?) {
    isOn = geometry != nil
    let count = geometry?.entries ?? 0
    ways = geometry?.ways ?? 1
    sets = count / ways
    precondition(count % ways == 0 && sets.nonzeroBitCount <= 1)
    slots = .allocate(capacity: count)
    slots.initialize(repeating: Slot(), count: count)
    useCounter = .allocate(capacity: 1)
    useCounter.initialize(to: 0)
  }

  deinit {
    slots.deallocate()
    useCounter.deallocate()
  }

  /// The slots of the set of `region`, which its low bits choose.
  private func slots(of region: UInt32) -> UnsafeMutableBufferPointer<Slot> {
    UnsafeMutableBufferPointer(start: slots + (Int(region) & (sets &- 1)) &* ways, count: ways)
  }

  /// The PDE for `region`, made the most recent of its set.
  @inline(__always)
  func find(_ region: UInt32) -> CachedDirectoryEntry? { isOn ? lookUp(region) : nil }

  @inline(never)
  private func lookUp(_ region: UInt32) -> CachedDirectoryEntry? {
    let set = slots(of: region)
    for way in 0..<ways where set[way].region == region {
      guard let entry = set[way].entry else { continue }
      use(set, way)
      return entry
    }
    return nil
  }

  /// Puts `entry`, which was not there, in the place of a free or the least recent one.
  func insert(_ entry: CachedDirectoryEntry, _ region: UInt32) {
    let set = slots(of: region)
    var victim = 0
    for way in 0..<ways {
      if set[way].entry == nil {
        victim = way
        break
      }
      if set[way].lastUse < set[victim].lastUse { victim = way }
    }
    set[victim].region = region
    set[victim].entry = entry
    use(set, victim)
  }

  private func use(_ set: UnsafeMutableBufferPointer<Slot>, _ way: Int) {
    useCounter.pointee &+= 1
    set[way].lastUse = useCounter.pointee
  }

  /// Drops the PDE for `region`: a page fault there.
  func drop(_ region: UInt32) {
    guard isOn else { return }
    let set = slots(of: region)
    for way in 0..<ways where set[way].region == region { set[way].entry = nil }
  }

  func dropAll() {
    for index in 0..<(sets &* ways) { slots[index].entry = nil }
  }

  struct Saved: Codable {
    fileprivate var slots: [Slot]
    fileprivate var useCounter: UInt64
  }

  var saved: Saved {
    Saved(
      slots: Array(UnsafeBufferPointer(start: slots, count: sets * ways)), useCounter: useCounter.pointee)
  }

  /// Whether a saved state is one of a cache of this shape.
  func accepts(_ saved: Saved) -> Bool { saved.slots.count == sets * ways }

  func restore(_ saved: Saved) {
    for index in saved.slots.indices { slots[index] = saved.slots[index] }
    useCounter.pointee = saved.useCounter
  }

  /// What it holds.
  var lines: [DirectoryCacheLine] {
    (0..<(sets * ways)).compactMap { index in
      slots[index].entry.map {
        DirectoryCacheLine(set: index / ways, way: index % ways, region: slots[index].region, entry: $0)
      }
    }
  }
}
