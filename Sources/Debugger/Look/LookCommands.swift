import Emulator
import IA32
import Reports

/// Registers, memory, code.
enum LookCommands {
  static let all: [Command] = [
    Command(
      ["x"], .look, "memory as the processor sees it: the TLB first; -w: through memory's tables only",
      usage: "x[/COUNT FORMAT UNIT] [-w] ADDR", example: "x/8xw $esp", completion: .expression,
      takesFormat: true,
      action: examine),
    Command(
      ["xp"], .look, "memory by physical address", usage: "xp[/COUNT FORMAT UNIT] ADDR",
      example: "xp/4xg $cr3", completion: .expression, takesFormat: true, action: examinePhysical),
    Command(
      ["u", "disas", "disassemble"], .look, "instructions, from the next one on if no address is given",
      usage: "u [ADDR [COUNT]]", example: "u $eip 5", completion: .expression, action: disassemble),
    Command(
      ["print", "p"], .look, "the value of an expression: /x, /d, /u, /o, /t, /c",
      usage: "print[/FORMAT] EXPRESSION", example: "p/x $esp + 4", completion: .expression, takesFormat: true,
      action: printValue),
    Command(
      ["info registers", "info r", "regs", "reg", "r"], .look, "general registers, EFLAGS, EIP",
      usage: "info registers [NAME...]", example: "info r eax cr3", completion: .expression, action: registers
    ),
    Command(
      ["creg", "info creg", "info control"], .look, "control registers and EFER with the names of their bits",
      usage: "creg", example: "creg", action: controlRegisters),
    Command(
      ["info float"], .look, "the floating-point unit's registers, as gdb shows them", usage: "info float",
      example: "info float"
    ) { session, arguments throws(ShellError) in
      try arguments.expectNothing()
      return Answer(FloatingPointRegisters(registers: session.machine.registers.x87))
    },
    Command(
      ["info vector"], .look, "XMM and MMX registers by their elements and MXCSR, as gdb shows them",
      usage: "info vector", example: "info vector"
    ) { session, arguments throws(ShellError) in
      try arguments.expectNothing()
      let features = session.machine.model.features
      guard features.contains(.mmx) else {
        throw ShellError("this processor has neither MMX nor SSE: --cpu pentium3 has both")
      }
      let registers = session.machine.registers
      return Answer(
        VectorRegisters(sse: features.contains(.sse) ? registers.sse : nil, x87: registers.x87))
    },
    Command(
      ["sreg", "info sreg", "info segments"], .look, "segment registers with what they cache", usage: "sreg",
      example: "sreg", action: segmentRegisters),
    Command(
      ["bt", "backtrace", "where"], .look, "the calls that led here",
      usage: "bt [COUNT]",
      example: "bt", action: backtrace),
  ]

  static func examine(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    var arguments = arguments
    let kind: MemoryView.Kind = arguments.takeFlag("-w") ? .tables : .processor
    try arguments.expectSomething()
    let start = try session.evaluateLinear(arguments.text)
    return try examine(session, arguments, UInt64(start), kind, kind == .tables ? "x%f -w 0x" : "x%f 0x")
  }

  static func examinePhysical(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer
  {
    try arguments.expectSomething()
    return try examine(session, arguments, session.evaluate(arguments.text), .physical, "xp%f 0x")
  }

  /// - Parameter again: how the command that goes on behind the last unit is written: "%f" is the format.
  private static func examine(
    _ session: DebuggerSession, _ arguments: Arguments, _ start: UInt64, _ kind: MemoryView.Kind,
    _ again: String
  ) throws(ShellError) -> Answer {
    let format =
      try arguments.format.map { text throws(ShellError) in try ExamineFormat(text) } ?? ExamineFormat()
    let suffix = arguments.format.map { "/" + $0 } ?? ""
    func next(_ end: UInt64) -> String {
      let parts = again.split(separator: "%f", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.joined(separator: suffix) + String(kind == .physical ? end : end & 0xffff_ffff, radix: 16)
    }
    let view = MemoryView(session.machine, kind)
    let answer: Answer
    switch format.style {
    case .instruction:
      guard kind != .physical, let linear = UInt32(exactly: start) else {
        throw ShellError("instructions are shown by linear address: use x/i")
      }
      let code = try Disassembly(session, at: linear, count: format.count, kind == .tables ? .tables : .code)
      answer = Answer(code, next: next(UInt64(code.end)))
    case .string:
      let strings = try StringDump(at: start, view, count: format.count)
      answer = Answer(strings, next: next(strings.end))
    default:
      let dump = try MemoryDump(session, at: start, view, format)
      answer = Answer(dump, next: next(dump.end))
    }
    session.variables.last = start
    note(session, start, view)
    return answer
  }

  /// `$va` and `$pa` follow what was looked at.
  private static func note(_ session: DebuggerSession, _ address: UInt64, _ view: MemoryView) {
    guard let place = try? view.place(of: address) else { return }
    session.variables.physical = place.physical
    if view.kind != .physical { session.variables.linear = UInt32(truncatingIfNeeded: address) }
  }

  static func disassemble(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let values = try session.evaluateAll(arguments.text, atMost: 2)
    var start = session.nextInstruction
    if let first = values.first {
      guard let linear = DebuggerSession.linear(first) else {
        throw ShellError("0x\(String(first, radix: 16)) is not a 32-bit linear address")
      }
      start = linear
    }
    let count = values.count > 1 ? values[1] : 10
    guard (1...UInt64(ExamineFormat.maxUnits)).contains(count) else {
      throw ShellError("the count \(count) is out of range: from 1 to \(ExamineFormat.maxUnits)")
    }
    let code = try Disassembly(session, at: start, count: Int(count))
    return Answer(code, next: "u 0x\(String(code.end, radix: 16)) \(count)")
  }

  static func printValue(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectSomething()
    let format = try arguments.format.map { text throws(ShellError) in try ExamineFormat(text) }
    let value = try session.evaluate(arguments.text)
    session.variables.last = value
    return Answer(PrintedValue(value: value, format: format, symbol: symbol(session, value)))
  }

  private static func symbol(_ session: DebuggerSession, _ value: UInt64) -> String? {
    UInt32(exactly: value).flatMap { session.shortSymbol($0) }
  }

  static func registers(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    guard arguments.isEmpty else { return try namedRegisters(session, arguments.words) }
    return Answer(
      GeneralRegisters(
        registers: session.machine.registers, place: session.describe(session.nextInstruction),
        cycle: session.machine.cycle))
  }

  private static func namedRegisters(
    _ session: DebuggerSession, _ names: [String]
  ) throws(ShellError) -> Answer {
    var table = Table([.init("register", ""), .init("value", "")], empty: "")
    for name in names {
      let bare = name.hasPrefix("$") ? String(name.dropFirst()) : name
      guard let value = try session.value(ofRegister: bare) else {
        throw ShellError("there is no register '\(bare)': \(RegisterNames.all.joined(separator: ", "))")
      }
      let digits = value > UInt64(UInt32.max) || bare.hasPrefix("pdpte") ? 16 : 8
      table.rows.append([
        .text(bare.lowercased()), .init(hexadecimal(value, digits: digits), .hex(value, digits: digits)),
      ])
    }
    return Answer(table)
  }

  static func controlRegisters(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectNothing()
    return Answer(ControlRegisters(registers: session.machine.registers))
  }

  static func segmentRegisters(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectNothing()
    return Answer(SegmentRegisters.table(session.machine.registers))
  }

  static func backtrace(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let count = try arguments.count(default: 64)
    return Answer(Backtrace(session, atMost: Int(min(count, 4096))))
  }
}

/// What `print` shows.
private struct PrintedValue: Report {
  let value: UInt64
  let format: ExamineFormat?
  let symbol: String?

  private var text: String {
    guard var format else {
      return "0x\(String(value, radix: 16)) = \(value)"
    }
    format.unit = value > UInt64(UInt32.max) ? 8 : 4
    switch format.style {
    case .hexadecimal, .string, .instruction: return "0x" + String(value, radix: 16)
    case .binary: return String(value, radix: 2)
    default: return format.text(value)
    }
  }

  var lines: [String] { [text + (symbol.map { " <\($0)>" } ?? "")] }

  var json: JSONValue {
    .object([
      .init("value", .hex(value, digits: 1)), .init("text", .string(text)),
      .init("symbol", .optional(symbol)),
    ])
  }
}
