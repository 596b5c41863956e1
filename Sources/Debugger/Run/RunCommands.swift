import Emulator
import IA32

/// Letting the guest go on.
enum RunCommands {
  static let all: [Command] = [
    Command(
      ["continue", "c", "cont"], .run, "let the guest run until something stops it", usage: "continue",
      example: "c", action: goOn),
    Command(
      ["stepi", "si"], .run, "execute an instruction, or N of them", usage: "stepi [N]", example: "si 3",
      action: step),
    Command(
      ["type"], .run, "send a line to the guest's serial console", usage: "type [TEXT]", example: "type help",
      action: type),
  ]

  static func goOn(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    return Answer(StopReport(session, try session.run()))
  }

  static func step(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let count = try arguments.count(default: 1)
    var reason = StopReason.cycleLimit
    for _ in 0..<count {
      reason = try session.step()
      if reason != .cycleLimit { break }
    }
    return Answer(StopReport(session, reason))
  }

  static func type(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    session.runner.receive(Array(arguments.text.utf8) + [UInt8(ascii: "\r")])
    return .nothing
  }
}

extension DebuggerSession {
  /// Lets the guest run until `cycle`, or until something else stops it. The instruction it stands at is executed even if it
  /// has a breakpoint.
  /// - Throws: `ShellError` when the guest has ended.
  func run(untilCycle cycle: UInt64 = .max) throws(ShellError) -> StopReason {
    if let ended { throw ShellError("the guest has ended (\(ended.name)): it can't go on") }
    let reason = runner.run(untilCycle: cycle, passingBreakpoint: true)
    listing = nil
    if reason.isEnd { ended = reason }
    return reason
  }

  /// One instruction: each costs a cycle at least, and a run ends at the first boundary behind its limit.
  func step() throws(ShellError) -> StopReason { try run(untilCycle: machine.cycle &+ 1) }
}
