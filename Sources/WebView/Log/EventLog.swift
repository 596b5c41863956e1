/// The events of a run in the order of their cycles, and how many of each kind fall into each stretch of time.
///
/// Events are kept in pieces, so that the log never has to be copied as a whole. Counts are kept for all of the run at a
/// resolution that halves whenever the run has become twice as long: the overview costs the same for any run.
struct EventLog {
  private var pieces: [[LoggedEvent]] = []
  private static let pieceBits = 16
  private static let pieceSize = 1 << pieceBits
  /// Events beyond this many are counted and not kept.
  static let maxEvents = 16 << 20

  /// Events that are kept.
  private(set) var count = 0
  /// Events that were counted alone.
  private(set) var notKept = 0
  private(set) var bins = EventBins()

  subscript(index: Int) -> LoggedEvent { pieces[index >> Self.pieceBits][index & (Self.pieceSize - 1)] }

  /// The cycle of the last event that is kept.
  var lastCycle: UInt64? { count == 0 ? nil : self[count - 1].cycle }

  mutating func append(_ event: LoggedEvent) {
    bins.add(event.kind, at: event.cycle)
    guard count < Self.maxEvents else {
      notKept += 1
      return
    }
    if count & (Self.pieceSize - 1) == 0 {
      pieces.append([])
      pieces[pieces.count - 1].reserveCapacity(Self.pieceSize)
    }
    pieces[count >> Self.pieceBits].append(event)
    count += 1
  }

  /// The first event at or after `cycle`.
  func firstIndex(at cycle: UInt64) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].cycle < cycle { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Forgets what happened at `cycle` and later: the run has taken another course.
  mutating func truncate(at cycle: UInt64) {
    let kept = firstIndex(at: cycle)
    pieces.removeLast(pieces.count - (kept + Self.pieceSize - 1) >> Self.pieceBits)
    if let last = pieces.indices.last {
      pieces[last].removeLast(pieces[last].count - (kept - last << Self.pieceBits))
    }
    count = kept
    notKept = 0
    bins = EventBins()
    for index in 0..<count { bins.add(self[index].kind, at: self[index].cycle) }
  }

  /// Events by kind in `bins` equal stretches of `range`: from the events themselves where there are few, else from the counts,
  /// whose stretches may be wider.
  func timeline(_ range: Range<UInt64>, bins wanted: Int) -> Timeline {
    let wanted = max(1, wanted)
    let (first, last) = (firstIndex(at: range.lowerBound), firstIndex(at: range.upperBound))
    let span = range.upperBound - range.lowerBound
    let width = max(1, (span + UInt64(wanted) - 1) / UInt64(wanted))
    if notKept == 0, last - first <= Self.maxCounted || width < bins.width {
      var timeline = Timeline(from: range.lowerBound, width: width, bins: Int((span + width - 1) / width))
      for index in first..<last { timeline.add(self[index].kind, at: self[index].cycle) }
      return timeline
    }
    return bins.timeline(range, width: width)
  }

  private static let maxCounted = 1 << 18
}

/// Counts of events by kind in stretches of time of one width.
struct Timeline: Hashable {
  let from: UInt64
  let width: UInt64
  /// By kind, then by stretch.
  private(set) var counts: [[UInt32]]

  init(from: UInt64, width: UInt64, bins: Int) {
    self.from = from
    self.width = width
    counts = .init(repeating: .init(repeating: 0, count: bins), count: LoggedKind.allCases.count)
  }

  mutating func add(_ kind: LoggedKind, _ number: UInt32 = 1, at cycle: UInt64) {
    let kind = Int(kind.rawValue)
    guard cycle >= from, (cycle - from) / width < UInt64(counts[kind].count) else { return }
    counts[kind][Int((cycle - from) / width)] &+= number
  }
}

/// The counts of a whole run, whatever its length.
struct EventBins {
  private static let size = 8192
  /// Cycles of a stretch: a power of two.
  private(set) var width: UInt64 = 64
  private var counts: [[UInt32]]

  init() {
    counts = .init(repeating: .init(repeating: 0, count: Self.size), count: LoggedKind.allCases.count)
  }

  mutating func add(_ kind: LoggedKind, at cycle: UInt64) {
    while cycle / width >= UInt64(Self.size) { widen() }
    counts[Int(kind.rawValue)][Int(cycle / width)] &+= 1
  }

  private mutating func widen() {
    width *= 2
    for kind in counts.indices {
      for index in 0..<Self.size / 2 {
        counts[kind][index] = counts[kind][2 * index] &+ counts[kind][2 * index + 1]
      }
      for index in Self.size / 2..<Self.size { counts[kind][index] = 0 }
    }
  }

  func timeline(_ range: Range<UInt64>, width wanted: UInt64) -> Timeline {
    // Whole multiples of the counts' own stretches, from the beginning of one.
    let width = max(1, (wanted + self.width - 1) / self.width) * self.width
    let from = range.lowerBound / self.width * self.width
    var timeline = Timeline(
      from: from, width: width, bins: Int((range.upperBound - from + width - 1) / width))
    let end = min(UInt64(Self.size), (range.upperBound + self.width - 1) / self.width)
    for kind in LoggedKind.allCases {
      for bin in from / self.width..<max(from / self.width, end) {
        let number = counts[Int(kind.rawValue)][Int(bin)]
        if number > 0 { timeline.add(kind, number, at: bin * self.width) }
      }
    }
    return timeline
  }
}
