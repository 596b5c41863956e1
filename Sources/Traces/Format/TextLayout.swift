import Emulator
import IA32

/// How a trace is written as text: the header's lines, and one line for each event.
public enum TextLayout {
  /// How the first line begins; the version follows.
  public static let firstLine = "# pagewalk-trace "
  /// What stands between an event and what is said of its place.
  static let beforePlace = " ; "
  /// How the line of a loaded segment begins, behind "# ".
  static let segment = "segment: "

  /// All lines before the first event.
  public static func header(_ header: TraceHeader, _ map: ImageMap) -> [String] {
    ["\(firstLine)\(TraceHeader.version)"] + header.lines.map { "# \($0)" }
      + map.parts.map { "# \(segment)\($0.text)" }
  }

  /// Such as "flush by=invlpg linear=c8001000 eip=c0102034 ; flush_one+0x4 (tlb.c:12)".
  ///
  /// - Parameters:
  ///   - isExact: with the instruction's number, the cycle, and the cycles of a walk.
  ///   - place: printable, on one line.
  public static func line(_ event: TraceEvent, isExact: Bool, place: String? = nil) -> String {
    var text = event.kind.name
    for (index, field) in EventSchema.fields(of: event.kind).enumerated() where event.has(index) {
      text += " \(field.name)=\(field.text(event[index]))"
    }
    let moment = event.moment
    text += " eip=\(hexadecimal(UInt64(moment.eip), digits: 8))"
    if moment.linear != moment.eip {
      text += " cs-base=\(hexadecimal(UInt64(moment.linear &- moment.eip), digits: 8))"
    }
    if moment.processor != 0 { text += " processor=\(moment.processor)" }
    if isExact {
      text += " instruction=\(moment.instruction) cycle=\(moment.cycle)"
      if event.kind == .walk { text += " cycles=\(event.duration)" }
    }
    if let place { text += beforePlace + place }
    return text
  }

  /// The event that a line stands for; nil for a line that `line` doesn't write.
  static func event(_ line: Substring) -> TraceEvent? {
    var line = line
    return line.withUTF8 { TextGrammar.shared.parse(UnsafeRawBufferPointer($0))?.event }
  }
}
