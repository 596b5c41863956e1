import Emulator
import IA32
import Reports

/// Looking for values in memory.
enum FindCommand {
  static let all: [Command] = [
    Command(
      ["find"], .look,
      "look for values, or a \"text\", in memory as the processor sees it; units by /b, /h, /w (as without), /g",
      usage: "find[/UNIT] START, END|+BYTES, VALUE|\"TEXT\", ...",
      example: "find 0x100000, +0x10000, 0x1badb002",
      completion: .expression, takesFormat: true, action: find)
  ]

  private static let maxFound = 1000
  private static let maxPatternBytes = 4096

  private static func find(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let parts = split(arguments.text)
    guard parts.count >= 3 else { throw ShellError("something is missing: expected \(arguments.usage)") }
    let format = try arguments.format.map { text throws(ShellError) in try ExamineFormat(text) }
    let start = try session.evaluateLinear(parts[0])
    let last: UInt32
    if parts[1].hasPrefix("+") {
      let bytes = try session.evaluate(String(parts[1].dropFirst()))
      guard bytes > 0, bytes <= 1 << 32, UInt64(start) + bytes <= 1 << 32 else {
        throw ShellError("\(bytes) bytes from \(LinearAddress(start)) on are not all inside 4 GiB")
      }
      last = UInt32(UInt64(start) + bytes - 1)
    } else {
      last = try session.evaluateLinear(parts[1])
    }
    guard last >= start else {
      throw ShellError(
        "the range ends at \(LinearAddress(last)), before it begins at \(LinearAddress(start))")
    }
    var pattern: [UInt8] = []
    for part in parts.dropFirst(2) { pattern += try bytes(session, part, format) }
    guard !pattern.isEmpty, pattern.count <= maxPatternBytes else {
      throw ShellError("\(pattern.count) bytes can't be looked for: 1 to \(maxPatternBytes) can")
    }
    let found = search(session, start...last, pattern)
    if let place = found.addresses.last { session.variables.last = UInt64(place) }
    return Answer(found)
  }

  /// The parts between commas; those in quotes don't count.
  private static func split(_ text: String) -> [String] {
    var parts = [""]
    var isQuoted = false
    for character in text {
      if character == "\"" { isQuoted.toggle() }
      if character == ",", !isQuoted { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts.map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
  }

  private static func bytes(_ session: DebuggerSession, _ text: String, _ format: ExamineFormat?)
    throws(ShellError) -> [UInt8]
  {
    if text.hasPrefix("\""), text.hasSuffix("\""), text.count > 2 {
      return Array(text.dropFirst().dropLast().utf8)
    }
    let value = try session.evaluate(text)
    let unit = format?.unit ?? (value > UInt64(UInt32.max) ? 8 : 4)
    return (0..<unit).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  private static func search(_ session: DebuggerSession, _ range: ClosedRange<UInt32>, _ pattern: [UInt8])
    -> FoundPlaces
  {
    let view = MemoryView(session.machine, .processor)
    var found = FoundPlaces()
    // What was read and may hold the beginning of a place that goes on behind it.
    var kept: [UInt8] = []
    var next = UInt64(range.lowerBound)
    let end = UInt64(range.upperBound) + 1
    session.console.progress(nil)
    while next < end {
      let pageEnd = min(end, (next | 0xfff) + 1)
      if let bytes = try? view.read(next, count: Int(pageEnd - next)) {
        let window = kept + bytes
        let start = next - UInt64(kept.count)
        for offset in window.indices.dropLast(pattern.count - 1)
        where window[offset] == pattern[0] && window[offset..<offset + pattern.count].elementsEqual(pattern) {
          guard found.addresses.count < maxFound else {
            found.rest = "and more: \(maxFound) places are shown at most"
            return found
          }
          let linear = UInt32(truncatingIfNeeded: start + UInt64(offset))
          found.addresses.append(linear)
          found.symbols.append(session.shortSymbol(linear))
        }
        kept = Array(window.suffix(pattern.count - 1))
      } else {
        kept = []
      }
      next = pageEnd
      if next & 0xff_ffff == 0, session.console.isInterrupted {
        found.rest = "interrupted at \(LinearAddress(UInt32(truncatingIfNeeded: next)))"
        return found
      }
    }
    return found
  }
}

/// What `find` found.
private struct FoundPlaces: Report {
  var addresses: [UInt32] = []
  var symbols: [String?] = []
  /// Why there may be more.
  var rest: String?

  var lines: [String] {
    guard !addresses.isEmpty else { return [rest ?? "it is nowhere in that range, as far as it is mapped"] }
    return zip(addresses, symbols).map { "\(LinearAddress($0))\($1.map { " <\($0)>" } ?? "")" }
      + (rest.map { [$0] } ?? [])
  }

  var json: JSONValue {
    .object([
      .init("addresses", .array(addresses.map { .linear($0) })), .init("rest", .optional(rest)),
    ])
  }
}
