import Emulator
import IA32
import Reports

/// One address at a time, the TLB, the PDPTE registers, faults.
enum PagingCommands {
  static let all: [Command] = [
    Command(
      ["walk", "page", "gva2gpa"], .paging,
      "how an address is translated, by the TLB and by memory, without side effects; -u: in user mode",
      usage: "walk ADDR [r|w|x] [-u]", example: "walk 0x40000000 w", completion: .expression, action: walk),
    Command(
      ["info tlb"], .paging, "what the TLB holds, with set, way and rank (0 was used last)",
      usage: "info tlb [itlb|dtlb]", example: "info tlb dtlb", completion: .words(["itlb", "dtlb"]),
      action: tlb),
    Command(
      ["info pdpte"], .paging, "the PDPTE registers against the table in memory", usage: "info pdpte",
      example: "info pdpte", action: pdpte),
    Command(
      ["explain fault"], .paging, "the last fault in sentences: access, entry, bit, rule",
      usage: "explain fault",
      example: "explain fault", action: explainFault),
  ]

  static func walk(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    var arguments = arguments
    let isUser = arguments.takeFlag("-u")
    let kinds: [String: PageAccess.Kind] = ["r": .read, "w": .write, "x": .fetch]
    let kind = arguments.takeLast(of: ["r", "w", "x"]).flatMap { kinds[$0] } ?? .read
    try arguments.expectSomething()
    let linear = try session.evaluateLinear(arguments.text)
    let report = WalkReport(session.machine, linear, PageAccess(kind, user: isUser))
    session.variables.linear = linear
    if let address = report.lastEntryAddress { session.variables.physical = address }
    return Answer(report)
  }

  static func tlb(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let table = TLBReport.table(session.machine, try TLBReport.arrays(arguments.text))
    let cached = TLBReport.directoryCache(session.machine)
    guard arguments.isEmpty, !cached.rows.isEmpty else { return Answer(table) }
    return Answer(
      Composition(parts: [
        ("tlb", table), (nil, Sentences(["", "paging-structure cache"])), ("pdeCache", cached),
      ]))
  }

  static func pdpte(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    let isInForce = session.machine.pagingControl.mode == .pae
    return Answer(PointerTableReport(table: PointerTable(session.machine), isInForce: isInForce))
  }

  static func explainFault(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    let explanation = FaultExplanation(session)
    if let linear = explanation.linear { session.variables.linear = linear }
    if let address = explanation.entryAddress { session.variables.physical = address }
    return Answer(explanation)
  }
}
