import Emulator
import IA32
import Reports

/// Why the guest stands still, and where.
struct StopReport: Report {
  let standing: Standing
  /// Such as "00100014 kernel_main+0x14 (main.c:12)".
  let place: String
  let linear: UInt32
  let cycle: UInt64
  /// More lines: the next instruction, the faults that ended the guest.
  var details: [String] = []
  /// Places of the hits that are not where the guest stands.
  private let hitPlaces: [String?]
  /// What `display` asked for.
  private let displays: ShownDisplays

  /// - Parameter isLine: a line of the source has been stepped: it is shown instead of the instruction.
  init(_ session: DebuggerSession, _ standing: Standing, isLine: Bool = false) {
    self.standing = standing
    displays = session.shownDisplays()
    let next = session.nextInstruction
    linear = next
    place = session.describe(next)
    cycle = session.machine.cycle
    hitPlaces = standing.hits.map {
      $0.moment.linear == next || $0.namesPlace ? nil : session.describe($0.moment.linear)
    }
    if standing.reason == .tripleFault {
      details = FaultExplanation(session).lines
    } else if !standing.reason.isEnd, isLine, let line = session.sourceLine(at: next) {
      details = [line]
    } else if !standing.reason.isEnd, let code = try? Disassembly(session, at: next, count: 1) {
      details = code.lines
    }
  }

  private var reason: StopReason { standing.reason }

  var lines: [String] {
    var lines: [String] = []
    for (hit, place) in zip(standing.hits, hitPlaces) {
      let number = hit.stop.map { "\($0): " } ?? ""
      lines.append(number + hit.text + (place.map { ", by \($0)" } ?? ""))
      lines += hit.details
    }
    let isStopped = !standing.hits.isEmpty && !reason.isEnd
    lines.append("\(isStopped ? "stopped at" : reason.sentence) \(place), cycle \(cycle)")
    return lines + details + displays.lines
  }

  var json: JSONValue {
    .object([
      .init("reason", .string(standing.hits.isEmpty || reason.isEnd ? reason.name : "stop")),
      .init("linear", .linear(linear)), .init("place", .string(place)), .init("cycle", .number(cycle)),
      .init("status", reason.exitValue.map { .number(UInt64($0)) } ?? .null),
      .init("stops", .array(standing.hits.map(\.json))),
      .init("details", .array(details.map { .string($0) })), .init("displays", displays.json),
    ])
  }
}

extension StopReason {
  /// Whether a breakpoint stopped the guest.
  var isBreakpoint: Bool { if case .breakpoint = self { true } else { false } }
}
