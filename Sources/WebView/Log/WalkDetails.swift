import Emulator

/// What walks read, for as many as have room: the first ones of a run, and the costliest.
struct WalkDetails {
  struct Detail {
    /// The event's index in the log.
    var index: Int
    var moment: EventMoment
    var walk: WalkEvent
  }

  private(set) var first: [Detail] = []
  /// In no order.
  private(set) var costliest: [Detail] = []
  private static let maxFirst = 1 << 16
  private static let maxCostliest = 64

  mutating func add(_ walk: WalkEvent, _ moment: EventMoment, index: Int) {
    let detail = Detail(index: index, moment: moment, walk: walk)
    if first.count < Self.maxFirst { first.append(detail) }
    guard costliest.count == Self.maxCostliest else {
      costliest.append(detail)
      if costliest.count == Self.maxCostliest { findCheapest() }
      return
    }
    // Of walks that cost the same the first ones stay.
    guard walk.cycles > costliest[cheapest].walk.cycles else { return }
    costliest[cheapest] = detail
    findCheapest()
  }

  private var cheapest = 0

  private mutating func findCheapest() {
    cheapest =
      costliest.indices.min {
        (costliest[$0].walk.cycles, ~costliest[$0].index) < (costliest[$1].walk.cycles, ~costliest[$1].index)
      } ?? 0
  }

  /// The walk that event `index` of the log is, if it is kept.
  func detail(index: Int) -> Detail? {
    var (low, high) = (0, first.count)
    while low < high {
      let middle = (low + high) / 2
      if first[middle].index < index { low = middle + 1 } else { high = middle }
    }
    if low < first.count, first[low].index == index { return first[low] }
    return costliest.first { $0.index == index }
  }

  /// Forgets the walks from event `count` on.
  mutating func truncate(at count: Int) {
    first.removeAll { $0.index >= count }
    costliest.removeAll { $0.index >= count }
    cheapest = 0
    if costliest.count == Self.maxCostliest { findCheapest() }
  }
}

/// Walks by symbol and by page, counted from the log as far as it has grown.
struct WalkCensus {
  struct Share: Hashable {
    var walks: UInt64 = 0
    var cycles: UInt64 = 0
    var faults: UInt64 = 0
  }

  private(set) var symbols: [String: Share] = [:]
  private(set) var pages: [UInt32: Share] = [:]
  private(set) var total = Share()
  /// Events of the log that have been counted.
  private var counted = 0
  private var course = 0
  private var names: [UInt32: String] = [:]

  mutating func update(_ recorder: RunRecorder, name: (UInt32) -> String) {
    if recorder.courses != course || recorder.log.count < counted {
      (symbols, pages, total, counted) = ([:], [:], Share(), 0)
      course = recorder.courses
    }
    for index in counted..<recorder.log.count {
      let event = recorder.log[index]
      guard event.kind == .walk else { continue }
      let share = Share(walks: 1, cycles: event.detail, faults: event.flags & 8 == 0 ? 0 : 1)
      let symbol: String
      if let known = names[event.at] {
        symbol = known
      } else {
        symbol = name(event.at)
        names[event.at] = symbol
      }
      Self.add(share, to: &symbols[symbol, default: Share()])
      Self.add(share, to: &pages[event.linear >> 12, default: Share()])
      Self.add(share, to: &total)
    }
    counted = recorder.log.count
  }

  private static func add(_ share: Share, to sum: inout Share) {
    sum.walks += share.walks
    sum.cycles += share.cycles
    sum.faults += share.faults
  }
}
