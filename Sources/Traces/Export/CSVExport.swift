import Emulator
import IA32

/// Comma-separated values, RFC 4180: one row an event, one column for each field that the recorded kinds have, empty where the
/// event doesn't have it. Numbers are written as in NDJSON: counts in decimal, addresses and entries with 0x.
public struct CSVExport: TraceExport {
  private var columns: [String] = []
  /// By the kind's raw value: the column of each field.
  private var places: [[Int]] = []
  private static let common = [
    "event", "kind", "processor", "cycle", "instruction", "eip", "linear_eip", "symbol", "cycles",
  ]

  /// An export before its header.
  public init() {}

  public mutating func begin(_ header: TraceHeader) -> [UInt8] {
    columns = Self.common
    places = EventKind.allCases.map { kind in
      guard header.kinds.contains(kind) else { return [] }
      return EventSchema.fields(of: kind).map { field in
        // Fields of one name, such as the linear address, share a column.
        if let known = columns.dropFirst(Self.common.count).firstIndex(of: field.columnName) { return known }
        columns.append(field.columnName)
        return columns.count - 1
      }
    }
    return Array((columns.joined(separator: ",") + "\r\n").utf8)
  }

  public mutating func take(_ event: TraceEvent, number: UInt64, symbol: String?) -> [UInt8] {
    let moment = event.moment
    var cells = [String](repeating: "", count: columns.count)
    let common = [
      "\(number)", event.kind.name, "\(moment.processor)", "\(moment.cycle)", "\(moment.instruction)",
      "0x" + hexadecimal(UInt64(moment.eip), digits: 8), "0x" + hexadecimal(UInt64(moment.linear), digits: 8),
      symbol ?? "", event.kind == .walk ? "\(event.duration)" : "",
    ]
    for (index, cell) in common.enumerated() { cells[index] = Self.quoted(cell) }
    let places = places[Int(event.kind.rawValue)]
    for (index, field) in EventSchema.fields(of: event.kind).enumerated()
    where event.has(index) && index < places.count {
      cells[places[index]] = Self.quoted(Self.text(event[index], field))
    }
    return Array((cells.joined(separator: ",") + "\r\n").utf8)
  }

  private static func text(_ value: UInt64, _ field: EventField) -> String {
    switch field.form {
    case .hexadecimal: "0x" + field.text(value)
    case .character: "0x" + hexadecimal(value, digits: 2)
    case .decimal, .word, .flags: field.text(value)
    }
  }

  /// Between double quotes where the text has what separates cells.
  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
