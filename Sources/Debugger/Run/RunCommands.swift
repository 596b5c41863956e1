import Emulator
import IA32
import Reports

/// Letting the guest go on.
enum RunCommands {
  static let all: [Command] = [
    Command(
      ["continue", "c", "cont"], .run, "let the guest run until something stops it", usage: "continue",
      example: "c", action: goOn),
    Command(
      ["stepi", "si", "step", "s"], .run, "execute an instruction, or N of them", usage: "stepi [N]",
      example: "si 3", action: step),
    Command(
      ["nexti", "ni", "next", "n"], .run, "the same, with a call, an interrupt or a REP as one step",
      usage: "nexti [N]", example: "ni", action: next),
    Command(
      ["finish", "fin"], .run, "run until this function returns (by its frame pointer)", usage: "finish",
      example: "finish", action: finish),
    Command(
      ["until", "advance"], .run, "run until the instruction at ADDR", usage: "until ADDR",
      example: "until kernel_main", completion: .expression, action: until),
    Command(
      ["type"], .run, "send a line to the guest's serial console", usage: "type [TEXT]", example: "type help",
      action: type),
  ]

  static func goOn(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    return Answer(StopReport(session, try session.run()))
  }

  static func step(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try session.repeatedly(arguments) { () throws(ShellError) in try session.step() }
  }

  static func next(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try session.repeatedly(arguments) { () throws(ShellError) in
      guard let behind = session.behindCall else { return try session.step() }
      let stack = session.machine.registers[GeneralRegister.esp]
      return try session.run(to: Destination(linear: behind, above: stack &- 1))
    }
  }

  static func finish(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    let registers = session.machine.registers
    let frame = registers[GeneralRegister.ebp]
    let view = MemoryView(session.machine, .processor)
    guard frame != 0, frame & 3 == 0, let back = try? view.load32(frame &+ 4) else {
      throw ShellError(
        "EBP is \(LinearAddress(frame)), which is no frame with a return address: try 'until ADDR'")
    }
    let linear = registers[SegmentRegister.cs].base &+ back
    return Answer(
      StopReport(session, try session.run(to: Destination(linear: linear, above: frame &+ 4))))
  }

  static func until(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectSomething()
    let linear = try session.evaluateLinear(arguments.text)
    return Answer(StopReport(session, try session.run(to: Destination(linear: linear))))
  }

  static func type(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    session.history.receive(Array(arguments.text.utf8) + [UInt8(ascii: "\r")])
    return .nothing
  }
}

extension DebuggerSession {
  /// Takes a step as often as the command says, or until something else than a step ends it.
  fileprivate func repeatedly(
    _ arguments: Arguments, _ step: () throws(ShellError) -> Standing
  ) throws(ShellError) -> Answer {
    let count = try arguments.count(default: 1)
    var standing = Standing(reason: .stepped)
    for done in 0..<count {
      // At the end of the guest the steps that were possible have been taken.
      if done > 0 && ended != nil { break }
      standing = try step()
      let isStep = standing.reason == .stepped || standing.reason.isBreakpoint
      if !standing.hits.isEmpty || !isStep { break }
    }
    if standing.reason.isBreakpoint { standing.reason = .stepped }
    return Answer(StopReport(self, standing))
  }

  /// The address behind the next instruction, if that is one which comes back: CALL, INT n, or a repeated string
  /// instruction.
  fileprivate var behindCall: UInt32? {
    let linear = nextInstruction
    guard let code = try? Disassembly(self, at: linear, count: 1), let row = code.rows.first else {
      return nil
    }
    let isCall = ["call", "lcall", "int ", "rep"].contains { row.text.hasPrefix($0) }
    return isCall ? code.end : nil
  }
}
