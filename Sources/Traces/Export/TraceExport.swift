/// Turns a trace into another format, event by event, in constant memory.
public protocol TraceExport {
  /// What comes before the first event.
  mutating func begin(_ header: TraceHeader) -> [UInt8]
  /// The next event.
  ///
  /// - Parameters:
  ///   - number: from 1 on.
  ///   - symbol: of the instruction, such as "flush_one+0x4".
  mutating func take(_ event: TraceEvent, number: UInt64, symbol: String?) -> [UInt8]
  /// What comes behind the last event.
  mutating func end() -> [UInt8]
}

extension TraceExport {
  public mutating func begin(_ header: TraceHeader) -> [UInt8] { [] }
  public mutating func end() -> [UInt8] { [] }
}

/// The formats, as the command line calls them.
public enum ExportFormat: String, CaseIterable, Sendable {
  /// For ui.perfetto.dev.
  case perfetto
  /// One JSON object a line.
  case ndjson
  /// Comma-separated values, one row an event.
  case csv
  /// Instructions and accesses for ChampSim.
  case champsim
  /// Instructions and accesses as Valgrind's lackey prints them.
  case lackey

  /// An export in this format, before its first event.
  public func make() -> any TraceExport {
    switch self {
    case .perfetto: PerfettoExport()
    case .ndjson: NDJSONExport()
    case .csv: CSVExport()
    case .champsim: ChampSimExport()
    case .lackey: LackeyExport()
    }
  }

  /// The kinds that must have been recorded for it to make sense.
  public var needs: [String] {
    switch self {
    case .perfetto, .ndjson, .csv: []
    case .champsim: ["instruction"]
    case .lackey: ["instruction", "access"]
    }
  }
}
