/// Counts of everything that the processor did, in one privilege mode or in all. Every stored property is a count, so
/// that two values can be added and subtracted whole.
public struct EventCounts: Hashable, Codable, Sendable {
  /// Instructions that completed; each iteration of a repeated string instruction is one.
  public var instructions: UInt64 = 0
  /// Cycles.
  public var cycles: UInt64 = 0
  /// Where they went, as far as the timing level models it.
  public var breakdown = CycleBreakdown()
  /// What the paging unit did.
  public var paging = PagingCounters()
  /// Counted in the `full` level only.
  public var caches = CacheCounters()

  /// Nothing counted yet.
  public init() {}

  /// The cycles that no part of `breakdown` claims: executing instructions and delivering interrupts and exceptions.
  public var baseCycles: UInt64 { cycles &- breakdown.sum }

  /// Loads and stores. One that crosses pages is two, a read-modify-write is one.
  public var dataReferences: UInt64 {
    paging.data4KHits &+ paging.dataLargeHits &+ paging.dataMisses &+ paging.dataUntranslated
  }

  static func - (a: EventCounts, b: EventCounts) -> EventCounts {
    var result = a
    result.combine(b) { $0 &- $1 }
    return result
  }

  static func += (a: inout EventCounts, b: EventCounts) { a.combine(b) { $0 &+ $1 } }

  /// Applies `operation` to each count and its counterpart. The layout of a structure of nothing but `UInt64` is theirs
  /// in a row.
  private mutating func combine(_ other: EventCounts, _ operation: (UInt64, UInt64) -> UInt64) {
    withUnsafeBytes(of: other) { other in
      withUnsafeMutableBytes(of: &self) { mine in
        let mine = mine.assumingMemoryBound(to: UInt64.self)
        let other = other.assumingMemoryBound(to: UInt64.self)
        for index in mine.indices { mine[index] = operation(mine[index], other[index]) }
      }
    }
  }
}

/// All counts, by the mode in which they came up: CPL 3, or any other.
///
/// Nothing is attributed while instructions execute. At each change between the two modes, and when the counts are
/// read, what has been added since the last time goes to the mode that was on.
struct PrivilegeSplit: Codable {
  private(set) var user = EventCounts()
  private(set) var kernel = EventCounts()
  private var last = EventCounts()

  /// - Parameter now: the counts of the whole run, which never fall.
  mutating func attribute(_ now: EventCounts, toUser isUser: Bool) {
    let added = now - last
    if isUser { user += added } else { kernel += added }
    last = now
  }
}

extension CPU {
  /// The counts of the whole run, exact in the middle of a block too: the instructions before the current one are in.
  var currentCounts: EventCounts {
    var counts = EventCounts()
    counts.instructions = counters.pointee.instructions
    counts.cycles = clock.state.pointee.now
    counts.breakdown = caches.breakdown.pointee
    counts.paging = mmu.currentCounters
    counts.caches = caches.counters.pointee
    if let op = control.pointee.current {
      counts.instructions &+= UInt64(op.pointee.position)
      if caches.isOn { counts.breakdown.l1 &+= l1Cycles(before: op) }
    }
    return counts
  }

  /// Brings `split` up to date.
  func attributeCounts() {
    split.attribute(currentCounts, toUser: state.pointee.privilegeLevel == 3)
  }
}
