import Emulator

/// What a trace holds, counted.
public struct TraceStatistics {
  /// All of them.
  public private(set) var events: UInt64 = 0
  /// By the raw value of the kind.
  public private(set) var byKind = [UInt64](repeating: 0, count: EventKind.allCases.count)
  /// Cycles that walks took, all together.
  public private(set) var walkCycles: UInt64 = 0
  /// Cycles of the walk that took most.
  public private(set) var maxWalkCycles: UInt64 = 0
  /// Walks that ended in a page fault.
  public private(set) var failedWalks: UInt64 = 0
  /// Walks that ended at a large page.
  public private(set) var largePages: UInt64 = 0
  /// The cycle of the first event.
  public private(set) var firstCycle: UInt64 = 0
  /// The cycle of the last event.
  public private(set) var lastCycle: UInt64 = 0
  /// Events by function, instructions and accesses left out; all beyond the limit under "elsewhere".
  public private(set) var byFunction: [String: UInt64] = [:]

  private static let maxFunctions = 1 << 14

  /// Nothing counted yet.
  public init() {}

  /// Counts an event.
  ///
  /// - Parameter symbol: of the instruction, such as "flush_one+0x4".
  public mutating func add(_ event: TraceEvent, symbol: String?) {
    if events == 0 { firstCycle = event.moment.cycle }
    lastCycle = event.moment.cycle
    events += 1
    byKind[Int(event.kind.rawValue)] += 1
    if event.kind == .walk {
      // A file may claim any duration.
      walkCycles = walkCycles &+ min(event.duration, .max - walkCycles)
      maxWalkCycles = max(maxWalkCycles, event.duration)
      if event.has(WalkFields.fault) { failedWalks += 1 }
      if event[WalkFields.page] == 1 { largePages += 1 }
    }
    guard !event.kind.isNumerous else { return }
    let function = symbol.map { String(BuildNames.function($0)) } ?? "elsewhere"
    let isKnown = byFunction.count < Self.maxFunctions || byFunction[function] != nil
    byFunction[isKnown ? function : "elsewhere", default: 0] += 1
  }

  /// Lines for people.
  public func lines(functions: Int) -> [String] {
    var rows = [("events", events)]
    for (kind, count) in zip(EventKind.allCases, byKind) where count > 0 {
      rows.append(("  " + kind.name, count))
    }
    rows += [("first cycle", firstCycle), ("last cycle", lastCycle)]
    if byKind[Int(EventKind.walk.rawValue)] > 0 {
      rows += [
        ("cycles in walks", walkCycles), ("longest walk, cycles", maxWalkCycles),
        ("walks that fault", failedWalks),
        ("walks to a large page", largePages),
      ]
    }
    let top = byFunction.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(functions)
    var lines = Self.table(rows)
    if !top.isEmpty {
      lines += ["", "events by function, instructions and accesses left out:"]
      lines += Self.table(top.map { ("  " + $0.key, $0.value) })
    }
    return lines
  }

  private static func table(_ rows: [(String, UInt64)]) -> [String] {
    let name = rows.map(\.0.count).max() ?? 0
    let number = rows.map { String($0.1).count }.max() ?? 0
    return rows.map { row in
      let digits = String(row.1)
      return row.0 + String(repeating: " ", count: name - row.0.count + 2 + number - digits.count) + digits
    }
  }
}
