import Emulator
import Reports

/// One JSON object a line. Entries of paging structures, which need all 64 bits, are strings in hexadecimal; addresses, being
/// shorter, are numbers.
public struct NDJSONExport: TraceExport {
  public init() {}

  public mutating func take(_ event: TraceEvent, number: UInt64, symbol: String?) -> [UInt8] {
    var text = #"{"event":\#(number),"kind":"\#(EventKinds.names[Int(event.kind)])""#
    for (index, field) in EventSchema.fields[Int(event.kind)].enumerated() where event.has(index) {
      text += #","\#(field.name.replacing("-", with: "_"))":\#(Self.value(event.fields[index], field))"#
    }
    text += #","eip":\#(event.moment.eip),"linear_eip":\#(event.moment.linear)"#
    if let symbol { text += #","symbol":\#(JSONText.quote(symbol))"# }
    text += #","instruction":\#(event.moment.instruction),"cycle":\#(event.moment.cycle)"#
    if event.kind == 2 { text += #","cycles":\#(event.duration)"# }
    return Array((text + "}\n").utf8)
  }

  private static func value(_ value: UInt64, _ field: EventField) -> String {
    switch field.form {
    case .decimal, .character: String(value)
    case .hexadecimal(let digits): digits == 16 ? "\"0x\(field.text(value))\"" : String(value)
    case .word, .flags: JSONText.quote(field.text(value))
    }
  }
}
