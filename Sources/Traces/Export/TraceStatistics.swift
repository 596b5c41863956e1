import Emulator

/// What a trace holds, counted.
public struct TraceStatistics {
  public private(set) var events: UInt64 = 0
  /// By the number of the kind.
  public private(set) var byKind = [UInt64](repeating: 0, count: 14)
  public private(set) var walkCycles: UInt64 = 0
  public private(set) var longestWalk: UInt64 = 0
  public private(set) var failedWalks: UInt64 = 0
  public private(set) var largePages: UInt64 = 0
  public private(set) var firstCycle: UInt64 = 0
  public private(set) var lastCycle: UInt64 = 0
  /// Events by function, instructions and accesses left out; all beyond the limit under "elsewhere".
  public private(set) var byFunction: [String: UInt64] = [:]

  private static let functionLimit = 1 << 14

  public init() {}

  public mutating func add(_ event: TraceEvent, symbol: String?) {
    if events == 0 { firstCycle = event.moment.cycle }
    lastCycle = event.moment.cycle
    events += 1
    byKind[Int(event.kind)] += 1
    if event.kinds == .walk {
      walkCycles += event.duration
      longestWalk = max(longestWalk, event.duration)
      if event.has(8) { failedWalks += 1 }
      if event.fields[10] == 1 { largePages += 1 }
    }
    guard event.kind > 1 else { return }
    let function = symbol.map { String(Projection.function($0)) } ?? "elsewhere"
    let isKnown = byFunction.count < Self.functionLimit || byFunction[function] != nil
    byFunction[isKnown ? function : "elsewhere", default: 0] += 1
  }

  /// Lines for people.
  public func lines(functions: Int) -> [String] {
    var rows = [("events", events)]
    for (kind, count) in byKind.enumerated() where count > 0 {
      rows.append(("  " + EventKinds.names[kind], count))
    }
    rows += [("first cycle", firstCycle), ("last cycle", lastCycle)]
    if byKind[2] > 0 {
      rows += [
        ("cycles in walks", walkCycles), ("longest walk, cycles", longestWalk),
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
