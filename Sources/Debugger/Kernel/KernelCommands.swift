import IA32
import KernelAudit
import Reports

/// The mini-kernel's structures.
enum KernelCommands {
  static let all: [Command] = [
    Command(
      ["info vmalloc"], .kernel, "the areas of the vmalloc range", usage: "info vmalloc",
      example: "info vmalloc",
      action: areas),
    Command(
      ["info buddy"], .kernel, "the page allocator's zones and free blocks", usage: "info buddy",
      example: "info buddy", action: zones),
    Command(
      ["audit"], .kernel, "check all of the mini-kernel's invariants", usage: "audit", example: "audit",
      action: audit),
  ]

  private static func kernel(
    _ session: DebuggerSession, _ arguments: Arguments
  ) throws(ShellError) -> (audit: KernelAudit, moment: KernelAudit.Moment) {
    try arguments.expectNothing()
    guard let image = session.image else {
      throw ShellError("no image is loaded, so there is no kernel to look at")
    }
    let kernel: KernelAudit
    do throws(KernelAuditError) {
      kernel = try KernelAudit(machine: session.machine, image: image)
    } catch {
      throw ShellError(error.description)
    }
    let moment = kernel.moment
    guard moment != .notStarted else { throw ShellError("the kernel's memory management is not up yet") }
    return (kernel, moment)
  }

  /// Said where lists may be half changed.
  private static let busy = Finding(
    .note, "the kernel is in the middle of a change: what it changes may look wrong", "vm_update_depth")

  static func areas(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let (kernel, moment) = try kernel(session, arguments)
    var table = Table(
      [
        .init("from"), .init("to"), .init("pages", right: true), .init("kind"), .init("state", ""),
        .init("physical"), .init("descriptor"),
      ], empty: "vmlist is empty")
    for area in kernel.areas {
      table.rows.append([
        .linear(area.start), .linear(area.start &+ area.size &- 1),
        .number(UInt64(area.size >> 12) &- min(1, UInt64(area.size >> 12))), .text(area.kind),
        .text(area.isLazilyFreed ? "freed, waits for a flush" : ""),
        area.kind == "ioremap" ? .physical(area.physical) : .none, .linear(area.descriptor),
      ])
    }
    return answer(table, moment, name: "areas")
  }

  static func zones(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let (kernel, moment) = try kernel(session, arguments)
    var table = Table(
      [
        .init("zone"), .init("start", "first frame", right: true), .init("present", right: true),
        .init("free", right: true),
      ]
        + (0...10).map { .init("order\($0)", "\($0)", right: true) }
        + [.init("min", right: true), .init("low", right: true), .init("high", right: true)], empty: "")
    for zone in kernel.zones {
      let numbers = [zone.startFrame, zone.presentPages, zone.freePages] + zone.freeBlocks + zone.watermarks
      table.rows.append([.text(zone.name)] + numbers.map { .number(UInt64($0)) })
    }
    return answer(table, moment, name: "zones")
  }

  private static func answer(_ table: Table, _ moment: KernelAudit.Moment, name: String) -> Answer {
    guard moment == .busy else { return Answer(table) }
    return Answer(Composition(parts: [(name, table), ("findings", Findings(findings: [busy], none: ""))]))
  }

  static func audit(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let (kernel, moment) = try kernel(session, arguments)
    guard moment == .quiet else {
      throw ShellError("the kernel is in the middle of a change: its invariants hold again a moment later")
    }
    let violations = kernel.run()
    return Answer(AuditReport(violations: violations))
  }
}

private struct AuditReport: Report {
  let violations: [Violation]

  var lines: [String] {
    violations.isEmpty
      ? ["all \(AuditCheck.allCases.count) invariants hold"] : violations.map { "! \($0.description)" }
  }

  var json: JSONValue {
    .array(
      violations.map {
        .object([.init("check", .string($0.check.rawValue)), .init("sentence", .string($0.sentence))])
      })
  }
}
