import Emulator
import IA32

/// Why the guest stands still, and where.
struct StopReport: Report {
  let reason: StopReason
  /// Such as "00100014 kernel_main+0x14 (main.c:12)".
  let place: String
  let linear: UInt32
  let cycle: UInt64
  /// More lines: the next instruction, the faults that ended the guest.
  var details: [String] = []

  init(_ session: DebuggerSession, _ reason: StopReason) {
    self.reason = reason
    linear = session.nextInstruction
    place = session.describe(linear)
    cycle = session.machine.cycle
    if reason == .tripleFault {
      details = FaultExplanation(session).lines
    } else if !reason.isEnd, let code = try? Disassembly(session, at: linear, count: 1) {
      details = code.lines
    }
  }

  var lines: [String] { ["\(reason.text) \(place), cycle \(cycle)"] + details }

  var json: JSONValue {
    .object([
      .init("reason", .string(reason.name)), .init("linear", .linear(linear)), .init("place", .string(place)),
      .init("cycle", .number(cycle)),
      .init("status", reason.status.map { .number(UInt64($0)) } ?? .null),
      .init("details", .array(details.map { .string($0) })),
    ])
  }
}

extension StopReason {
  /// Whether the guest can't go on.
  public var isEnd: Bool {
    switch self {
    case .exit, .tripleFault, .halted, .reset: true
    case .waiting, .breakpoint, .cycleLimit, .interrupted: false
    }
  }

  /// The beginning of a sentence that ends with a place.
  var text: String {
    switch self {
    case .exit(let value): "the guest exited with \(value) at"
    case .tripleFault: "triple fault at"
    case .halted: "halted for good at"
    case .waiting: "the guest waits for input at"
    case .reset: "reset by the guest at"
    case .breakpoint: "stopped before"
    case .cycleLimit: "at"
    case .interrupted: "interrupted at"
    }
  }

  /// The word for programs.
  var name: String {
    switch self {
    case .exit: "exit"
    case .tripleFault: "triple-fault"
    case .halted: "halted"
    case .waiting: "waiting"
    case .reset: "reset"
    case .breakpoint: "breakpoint"
    case .cycleLimit: "step"
    case .interrupted: "interrupted"
    }
  }

  var status: UInt8? { if case .exit(let value) = self { value } else { nil } }
}
