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
      ["step", "s"], .run,
      "run to another line of the source, into functions that have lines; without lines as stepi",
      usage: "step [N]", example: "step"
    ) { session, arguments throws(ShellError) in
      try session.repeatedly(arguments, isLine: true) { () throws(ShellError) in try session.stepLine(.into) }
    },
    Command(
      ["next", "n"], .run, "the same, with calls as part of their line; without lines as nexti",
      usage: "next [N]", example: "next"
    ) { session, arguments throws(ShellError) in
      try session.repeatedly(arguments, isLine: true) { () throws(ShellError) in try session.stepLine(.over) }
    },
    Command(
      ["stepi", "si"], .run, "execute an instruction, or N of them", usage: "stepi [N]",
      example: "si 3", action: step),
    Command(
      ["nexti", "ni"], .run, "the same, with a call, an interrupt or a REP as one step",
      usage: "nexti [N]", example: "ni", action: next),
    Command(
      ["finish", "fin"], .run, "run until the function of the chosen frame has returned", usage: "finish",
      example: "finish", action: finish),
    Command(
      ["until", "advance"], .run, "run until an instruction: of a function, of a line, at an address",
      usage: "until FUNCTION|FILE:LINE|*ADDR|ADDR",
      example: "until kernel_main", completion: .expression, action: until),
    Command(
      ["restart"], .run,
      "go to where the history begins: the guest runs again, and input that it was sent comes again",
      usage: "restart", example: "restart", action: restart),
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
    try session.repeatedly(arguments) { () throws(ShellError) in try session.stepOver() }
  }

  static func finish(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    return Answer(StopReport(session, try session.finish()))
  }

  static func until(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectSomething()
    let found = try session.locate(arguments.text)
    return Answer(StopReport(session, try session.run(to: Destination(Set(found.addresses)))))
  }

  static func restart(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    try session.go(to: session.history.firstCycle)
    return Answer(StopReport(session, Standing(reason: .stepped)))
  }

  static func type(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    session.history.receive(Array(arguments.text.utf8) + [UInt8(ascii: "\r")])
    return .nothing
  }
}

extension DebuggerSession {
  /// Takes a step as often as the command says, or until something else than a step ends it.
  fileprivate func repeatedly(
    _ arguments: Arguments, isLine: Bool = false, _ step: () throws(ShellError) -> Standing
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
    return Answer(StopReport(self, standing, isLine: isLine))
  }
}

extension DebuggerSession {
  /// One instruction, with a call, an interrupt or a repeated string instruction as one.
  /// - Throws: `ShellError` when the guest has ended.
  @discardableResult
  public func stepOver() throws(ShellError) -> Standing {
    guard let behind = behindCall else { return try step() }
    let stack = machine.registers[GeneralRegister.esp]
    return try run(to: Destination([behind], above: stack &- 1))
  }

  /// Runs until the function of the chosen frame has returned.
  /// - Throws: `ShellError` when its return address is not known, or the guest has ended.
  @discardableResult
  public func finish() throws(ShellError) -> Standing {
    let calls = CallFrames(self, atMost: selectedFrame + 2)
    guard selectedFrame + 1 < calls.frames.count, let slot = calls.frames[selectedFrame].returnSlot else {
      throw ShellError(
        "it is not known where this function returns to\(calls.end.map { ": \($0)" } ?? ""): try 'until ADDR'"
      )
    }
    return try run(to: Destination([calls.frames[selectedFrame + 1].linear], above: slot))
  }

  /// The address behind the next instruction, if that is one which comes back: CALL, INT n, or a repeated string
  /// instruction.
  var behindCall: UInt32? {
    let linear = nextInstruction
    guard let code = try? Disassembly(self, at: linear, count: 1), let row = code.rows.first else {
      return nil
    }
    let isCall = ["call", "lcall", "int ", "rep"].contains { row.text.hasPrefix($0) }
    return isCall ? code.end : nil
  }
}
