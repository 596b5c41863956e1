import Debugger
import Emulator
import IA32
import Reports

extension PageSource {
  /// All that a page shows of the moment at which the machine stands, but for frames.
  public func moment() -> JSONValue {
    recorder.synchronize()
    let next = session.nextInstruction
    return .object([
      .init("cycle", .number(machine.cycle)), .init("instruction", .number(session.history.instruction)),
      .init("first", .number(session.history.firstCycle)),
      .init("newest", .number(session.history.newestCycle)),
      .init("ended", .optional(ending)), .init("linear", .linear(next)),
      .init("place", .string(session.describe(next))), .init("paging", .string(pagingMode)),
      .init("cr3", .linear(machine.registers.cr3)), .init("registers", answer("info registers")),
      .init("control", answer("creg")), .init("segments", answer("sreg")),
      .init("pdpte", PointerTableReport(table: PointerTable(machine), isInForce: pagingMode == "pae").json),
      .init("space", space()), .init("tables", tables()), .init("tlb", tlb),
      .init("disagreements", disagreements), .init("code", code(at: next, count: 12)),
      .init("source", sourceWindow(at: next)), .init("console", console(before: machine.cycle)),
    ])
  }

  /// What the TLB holds.
  var tlb: JSONValue {
    let control = machine.pagingControl
    return .array(
      TLBArrayName.allCases.enumerated().flatMap { number, array in
        machine.tlb(array).map { line -> JSONValue in
          let held = HeldTranslation(array, line, control)
          let findings = held.findings(in: machine, at: held.linear).filter { $0.severity != .note }
          return .object([
            .init("array", .count(number)), .init("set", .count(line.set)), .init("way", .count(line.way)),
            .init("rank", .count(line.rank)), .init("linear", .linear(held.linear)),
            .init("physical", .physical(held.translation.frame)),
            .init("size", .string(EntryText.size(isLarge: held.translation.isLarge, control))),
            .init("rights", .string(EntryText.rights(held.translation))),
            .init("filledAt", .number(line.entry.filledAt)),
            .init("stale", .optional(findings.first?.text)),
          ])
        }
      })
  }

  // MARK: Code

  /// Instructions from `linear` on.
  func code(at linear: UInt32, count: Int) -> JSONValue {
    answer("u 0x\(String(linear, radix: 16)) \(count)")
  }

  /// The source around the line of `linear`: null without one. Without the file there is the place alone.
  func sourceWindow(at linear: UInt32, around: Int = 8) -> JSONValue {
    guard let place = session.places.line(at: linear, isPaged: session.isPaged) else { return .null }
    var members: [JSONValue.Member] = [.init("file", .string(place.file)), .init("line", .count(place.line))]
    if let lines = source(place.file), place.line > 0, place.line <= lines.count {
      let first = max(1, place.line - around)
      let last = min(lines.count, place.line + around)
      members.append(.init("first", .count(first)))
      members.append(.init("lines", .strings(lines[first - 1..<last].map { String($0.prefix(400)) })))
    }
    return .object(members)
  }

  // MARK: Console

  /// The end of what the guest had printed before `cycle`.
  func console(before cycle: UInt64, atMost limit: Int = 16384) -> JSONValue {
    // At the guest's end what it had given to the line belongs to it.
    let log = recorder.console
    let count = session.ended != nil && cycle == machine.cycle ? log.bytes.count : log.count(before: cycle)
    let start = max(0, count - limit)
    return .string(ConsoleLog.text(log.bytes[start..<count]))
  }
}
