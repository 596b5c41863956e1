import Emulator
import IA32

/// How an event is written as a line: the kind, the fields that it has, and where it happened.
public enum TextLayout {
  public static let firstLine = "# pagewalk-trace "

  /// Such as "flush by=invlpg linear=c8001000 eip=c0102034".
  ///
  /// - Parameter isExact: with the instruction's number, the cycle, and the cycles of a walk.
  public static func line(_ event: TraceEvent, isExact: Bool) -> String {
    var words = [EventKinds.names[Int(event.kind)]]
    for (index, field) in EventSchema.fields[Int(event.kind)].enumerated() where event.has(index) {
      words.append("\(field.name)=\(field.text(event.fields[index]))")
    }
    let moment = event.moment
    words.append("eip=\(hexadecimal(UInt64(moment.eip), digits: 8))")
    if moment.linear != moment.eip {
      words.append("cs-base=\(hexadecimal(UInt64(moment.linear &- moment.eip), digits: 8))")
    }
    if isExact {
      words.append("instruction=\(moment.instruction)")
      words.append("cycle=\(moment.cycle)")
      if event.kind == 2 { words.append("cycles=\(event.duration)") }
    }
    return words.joined(separator: " ")
  }

  /// The event that a line stands for; nil for a line that `line` doesn't write.
  static func event(_ line: Substring) -> TraceEvent? {
    let words = line.split(separator: " ")
    guard let name = words.first, let kind = EventKinds.names.firstIndex(of: String(name)) else { return nil }
    var event = TraceEvent(
      kind: UInt8(kind), moment: EventMoment(cycle: 0, instruction: 0, eip: 0, linear: 0))
    var base: UInt32 = 0
    let fields = EventSchema.fields[kind]
    var index = 0
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      // Fields come in the schema's order, so a name that two have is not mistaken.
      if let found = fields[index...].firstIndex(where: { $0.name == parts[0] }) {
        guard let value = fields[found].value(parts[1]) else { return nil }
        event.set(found, value)
        index = found + 1
        continue
      }
      let hexadecimalValue = UInt32(parts[1], radix: 16)
      switch (parts[0], UInt64(parts[1])) {
      case ("eip", _):
        guard let hexadecimalValue else { return nil }
        event.moment.eip = hexadecimalValue
      case ("cs-base", _):
        guard let hexadecimalValue else { return nil }
        base = hexadecimalValue
      case ("instruction", let value?): event.moment.instruction = value
      case ("cycle", let value?): event.moment.cycle = value
      case ("cycles", let value?): event.duration = value
      default: return nil
      }
    }
    guard event.present & EventSchema.alwaysPresent[kind] == EventSchema.alwaysPresent[kind] else {
      return nil
    }
    event.moment.linear = event.moment.eip &+ base
    return event
  }
}
