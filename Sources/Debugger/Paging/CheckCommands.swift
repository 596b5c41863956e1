import Emulator
import IA32
import Reports

/// Looking for mistakes.
enum CheckCommands {
  static let all: [Command] = [
    Command(
      ["check tlb"], .check, "every TLB entry against memory's tables", usage: "check tlb",
      example: "check tlb",
      action: tlb),
    Command(
      ["check pdpte"], .check, "the PDPTE registers against memory", usage: "check pdpte",
      example: "check pdpte",
      action: pdpte),
    Command(
      ["check reserved"], .check, "present entries with reserved bits set",
      usage: "check reserved [FROM [TO]]",
      example: "check reserved", completion: .expression, action: reserved),
    Command(
      ["check wx"], .check, "pages that can be both written and executed", usage: "check wx [FROM [TO]]",
      example: "check wx", completion: .expression, action: writableAndExecutable),
    Command(
      ["check alias"], .check, "physical pages that are mapped more than once",
      usage: "check alias [FROM [TO]]",
      example: "check alias", completion: .expression, action: alias),
  ]

  static func tlb(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    let machine = session.machine
    let control = machine.pagingControl
    var findings: [Finding] = []
    var count = 0
    for array in TLBArrayName.allCases {
      for line in machine.tlb(array) {
        let held = HeldTranslation(array, line, control)
        count += 1
        findings += held.findings(in: machine, at: held.linear)
      }
    }
    return Answer(Findings(findings: findings, none: "\(count) TLB entries, all as memory has them"))
  }

  static func pdpte(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    guard session.machine.pagingControl.mode == .pae else {
      return Answer(Findings(findings: [], none: "PAE paging is off: the PDPTE registers are not in use"))
    }
    return Answer(
      Findings(
        findings: PointerTable(session.machine).findings,
        none: "the four PDPTE registers are as memory has them"))
  }

  static func reserved(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let mapped = try ranges(session, arguments, physical: false)
    let findings = mapped.refused.map { linear, step in
      Finding(
        .wrong,
        "\(EntryName.text(step.level, linear, session.machine.pagingControl)) for \(LinearAddress(linear)) \(step.verdict.text)",
        "SDM 3A 4.7")
    }
    return Answer(Findings(findings: findings, none: "no present entry has reserved bits set"))
  }

  static func writableAndExecutable(
    _ session: DebuggerSession, _ arguments: Arguments
  ) throws(ShellError) -> Answer {
    let mapped = try ranges(session, arguments, physical: false)
    guard session.machine.pagingControl.noExecute else {
      let text = "without EFER.NXE under PAE every page can be executed: all writable pages are both"
      return Answer(Findings(findings: [Finding(.note, text, "SDM 3A 4.6.1")], none: ""))
    }
    let findings = mapped.ranges.filter { $0.isWritable && !$0.isNoExecute }.map { range in
      Finding(
        .wrong,
        "\(LinearAddress(range.linear))-\(LinearAddress(range.last)) can be written and executed\(range.isUser ? ", in user mode, too" : "")",
        "SDM 3A 4.6.1")
    }
    return Answer(Findings(findings: findings, none: "no page can be both written and executed"))
  }

  /// Ranges whose frames overlap; more than these many ranges are not compared.
  private static let maxRanges = 20_000

  private static func ranges(
    _ session: DebuggerSession, _ arguments: Arguments, physical: Bool
  ) throws(ShellError) -> MappedRanges {
    let range = try TableCommands.range(session, arguments)
    guard session.isPaged else { throw ShellError("paging is off: there are no tables to check") }
    let mapped = MappedRanges(session.machine, range, physical: physical, atMost: maxRanges)
    guard !mapped.isCut else {
      throw ShellError("more than \(maxRanges) ranges are mapped: name a part, as in 'check wx FROM TO'")
    }
    return mapped
  }

  static func alias(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let mapped = try ranges(session, arguments, physical: true)
    let findings = Aliases(mapped.ranges).groups.map(\.finding)
    return Answer(Findings(findings: findings, none: "no physical page is mapped twice"))
  }
}
