import Emulator
import IA32
import Reports

/// What the page tables map.
enum TableCommands {
  static let all: [Command] = [
    Command(
      ["info mem"], .paging, "mapped linear ranges with their rights, from the tables",
      usage: "info mem [FROM [TO]]",
      example: "info mem 0xc0000000", completion: .expression, action: memory),
    Command(
      ["info tab"], .paging, "mapped ranges with their physical addresses", usage: "info tab [FROM [TO]]",
      example: "info tab 0x40000000 0x40ffffff", completion: .expression, action: translations),
    Command(
      ["info pg"], .paging, "the entries themselves, level by level", usage: "info pg [FROM [TO]]",
      example: "info pg 0x40000000 0x4000ffff", completion: .expression, action: entries),
  ]

  /// Ranges and entries that one command shows at most.
  private static let limit = 512
  private static let isOff = Sentences("paging is off: linear addresses are physical")

  /// The range that the arguments name: from the first address to the last one.
  static func range(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> ClosedRange<
    UInt32
  > {
    let values = try session.evaluateAll(arguments.text, atMost: 2)
    let bounds = try values.map { value throws(ShellError) -> UInt32 in
      guard let linear = DebuggerSession.linear(value) else {
        throw ShellError("0x\(String(value, radix: 16)) is not a 32-bit linear address")
      }
      return linear
    }
    let (from, to) = (bounds.first ?? 0, bounds.count > 1 ? bounds[1] : UInt32.max)
    guard from <= to else {
      throw ShellError("the range ends at \(LinearAddress(to)), before it begins at \(LinearAddress(from))")
    }
    return from...to
  }

  static func memory(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try list(session, arguments, physical: false)
  }

  static func translations(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try list(session, arguments, physical: true)
  }

  private static func list(
    _ session: DebuggerSession, _ arguments: Arguments, physical: Bool
  ) throws(ShellError) -> Answer {
    let range = try range(session, arguments)
    guard session.isPaged else { return Answer(isOff) }
    let mapped = MappedRanges(session.machine, range, physical: physical, atMost: limit)
    var table = Table(
      [.init("from"), .init("to")] + (physical ? [.init("physical")] : [])
        + [.init("bytes", right: true), .init("rights"), .init("attributes", "")],
      empty: "nothing is mapped there")
    for range in mapped.ranges {
      table.rows.append(
        [.linear(range.linear), .linear(range.last)] + (physical ? [.physical(range.physical)] : []) + [
          .init(size(range.bytes), .number(range.bytes)), .text(range.rights), .text(range.attributes),
        ])
    }
    return Answer(Composition(parts: [("ranges", table), ("findings", notes(mapped, session))]))
  }

  /// Entries that nothing can use, and whether the list was cut.
  private static func notes(_ mapped: MappedRanges, _ session: DebuggerSession) -> Findings {
    var findings = mapped.refused.prefix(20).map { linear, step in
      Finding(
        .wrong,
        "\(EntryName.text(step.level, linear, session.machine.pagingControl)) for \(LinearAddress(linear)) \(step.verdict.text)",
        step.verdict.section)
    }
    if mapped.isCut {
      findings.append(
        Finding(.note, "there is more: name the range, as in 'info mem FROM TO'", "\(limit) ranges a command")
      )
    }
    return Findings(findings: findings, none: "")
  }

  /// Such as "2 MiB"; bytes where it is no whole number of KiB.
  static func size(_ bytes: UInt64) -> String {
    for (shift, unit) in [(30 as UInt64, "GiB"), (20, "MiB"), (10, "KiB")] where bytes >= 1 << shift {
      if bytes & (1 << shift - 1) == 0 { return "\(bytes >> shift) \(unit)" }
    }
    return "\(bytes) B"
  }

  static func entries(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let range = try range(session, arguments)
    guard session.isPaged else { return Answer(isOff) }
    return Answer(EntryListing(session.machine, range, atMost: limit))
  }
}
