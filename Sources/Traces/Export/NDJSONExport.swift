import Emulator
import Reports

/// One JSON object a line. Counts, sizes and cycles are numbers; addresses, entries, registers and whatever else traces write in
/// hexadecimal are strings such as "0x00100000", since many readers lose bits of large numbers.
public struct NDJSONExport: TraceExport {
  /// An export before its first event.
  public init() {}

  public mutating func take(_ event: TraceEvent, number: UInt64, symbol: String?) -> [UInt8] {
    let moment = event.moment
    var members: [JSONValue.Member] = [
      .init("event", .number(number)), .init("kind", .string(event.kind.name)),
      .init("processor", .number(UInt64(moment.processor))),
    ]
    for (index, field) in EventSchema.fields(of: event.kind).enumerated() where event.has(index) {
      members.append(.init(field.columnName, Self.value(event[index], field)))
    }
    members += [.init("eip", .linear(moment.eip)), .init("linear_eip", .linear(moment.linear))]
    if let symbol { members.append(.init("symbol", .string(symbol))) }
    members += [.init("instruction", .number(moment.instruction)), .init("cycle", .number(moment.cycle))]
    if event.kind == .walk { members.append(.init("cycles", .number(event.duration))) }
    return Array((JSONValue.object(members).text + "\n").utf8)
  }

  private static func value(_ value: UInt64, _ field: EventField) -> JSONValue {
    switch field.form {
    case .decimal: .number(value)
    case .hexadecimal(let digits): .hex(value, digits: digits)
    case .character: .hex(value, digits: 2)
    case .word, .flags: .string(field.text(value))
    }
  }
}

extension EventField {
  /// As a column or a member is called: names that programs take without quotes.
  var columnName: String { name.replacing("-", with: "_") }
}
