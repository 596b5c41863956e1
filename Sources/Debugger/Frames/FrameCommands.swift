import Emulator
import GuestImages
import IA32
import Reports

/// Choosing a frame, and its variables.
enum FrameCommands {
  static let all: [Command] = [
    Command(
      ["up"], .look, "choose the caller's frame, or that of the N-th caller", usage: "up [N]", example: "up"
    ) { session, arguments throws(ShellError) in
      let count = try arguments.count(default: 1)
      return try choose(session, UInt64(session.selectedFrame).addingReportingOverflow(count))
    },
    Command(
      ["down"], .look, "choose the frame that this one called, or the N-th of them", usage: "down [N]",
      example: "down"
    ) { session, arguments throws(ShellError) in
      let count = try arguments.count(default: 1)
      guard session.selectedFrame > 0 else { throw ShellError("this is the innermost frame") }
      return try choose(
        session, (UInt64(session.selectedFrame) - min(count, UInt64(session.selectedFrame)), false))
    },
    Command(
      ["frame", "f"], .look, "choose a frame by its number in 'bt', or show the chosen one",
      usage: "frame [N]", example: "frame 1"
    ) { session, arguments throws(ShellError) in
      guard !arguments.isEmpty else { return try choose(session, (UInt64(session.selectedFrame), false)) }
      guard arguments.words.count == 1, let number = UInt64(arguments.text) else {
        throw ShellError("'\(arguments.text)' is not a frame's number: expected \(arguments.usage)")
      }
      return try choose(session, (number, false))
    },
    Command(
      ["info locals", "info args"], .look,
      "the variables and parameters of the chosen frame, as far as they exist",
      usage: "info locals", example: "info locals", action: locals),
  ]

  private static let maxFrame: UInt64 = 4095

  private static func choose(
    _ session: DebuggerSession, _ wanted: (partialValue: UInt64, overflow: Bool)
  ) throws(ShellError) -> Answer {
    let number = wanted.overflow ? UInt64.max : wanted.partialValue
    let calls = CallFrames(session, atMost: Int(min(number, maxFrame)) + 1)
    guard number < calls.frames.count else {
      throw ShellError(
        "the frames end at number \(calls.frames.count - 1)\(calls.end.map { ": \($0)" } ?? "")")
    }
    session.selectedFrame = Int(number)
    session.listing = nil
    let frame = calls.frames[Int(number)]
    return Answer(ChosenFrame(session, Int(number), frame))
  }

  private static func locals(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer
  {
    try arguments.expectNothing()
    let variables = try session.variablesInScope()
    let frame = try session.frame()
    var table = Table(
      [.init("name", ""), .init("value", ""), .init("type", ""), .init("place", ""), .init("function", "")],
      empty: "no variables are known at \(session.describe(frame.linear))")
    let functions = Set(variables.map(\.function))
    for variable in variables.reversed() {
      let value = VariableValue(variable, frame, session)
      table.rows.append([
        .text(variable.name), .init(value.text, .string(value.text)),
        variable.typeName.map { .text($0) } ?? .none, .text(value.place),
        functions.count > 1 ? .text("of \(variable.function)") : .init("", .string(variable.function)),
      ])
    }
    return Answer(table)
  }
}

/// What `up` and its like show.
private struct ChosenFrame: Report {
  let number: Int
  let linear: UInt32
  let place: String
  let source: String?

  init(_ session: DebuggerSession, _ number: Int, _ frame: CallFrame) {
    self.number = number
    linear = frame.linear
    place = session.description(of: frame)
    source = session.sourceLine(at: frame.inside)
  }

  var lines: [String] { ["#\(number) \(place)"] + (source.map { [$0] } ?? []) }
  var json: JSONValue {
    .object([
      .init("frame", .number(UInt64(number))), .init("linear", .linear(linear)),
      .init("place", .string(place)),
      .init("source", .optional(source)),
    ])
  }
}

/// A variable's value as text.
struct VariableValue {
  private(set) var text: String
  /// Such as "$eax" or "001057e0".
  private(set) var place = ""
  /// Its bits, where they are known and fit.
  private(set) var bits: UInt64?
  private static let maxShownBytes = 16

  init(_ variable: SourceVariable, _ frame: CallFrame, _ session: DebuggerSession) {
    text = "<optimised out>"
    let size = variable.size ?? 4
    switch variable.location {
    case nil: return
    case .value(let value): set(value, size, variable.encoding)
    case .register(let number):
      place = "$" + RegisterNames.general[number]
      guard let value = frame.general[number] else {
        text = "<lost: \(place) was not saved>"
        return
      }
      set(UInt64(value), min(size, 4), variable.encoding)
    case .memory(let linear):
      place = LinearAddress(linear).description
      let view = MemoryView(session.machine, .processor)
      let isScalar = variable.encoding != .other && (1...8).contains(size)
      do throws(ReportError) {
        let bytes = try view.read(
          UInt64(linear), count: isScalar ? size : min(max(size, 0), Self.maxShownBytes))
        if isScalar {
          set(MemoryView.value(bytes[...]), size, variable.encoding)
          return
        }
        text = bytes.map { hexadecimal(UInt64($0), digits: 2) }.joined(separator: " ")
        if size > Self.maxShownBytes { text += " ... (\(size) bytes)" }
      } catch {
        text = "<\(error.message)>"
      }
    }
  }

  private mutating func set(_ value: UInt64, _ size: Int, _ encoding: SourceVariable.Encoding) {
    let width = UInt64(min(max(size, 1), 8)) * 8
    let masked = (value << (64 - width)) >> (64 - width)
    bits = masked
    switch encoding {
    case .signed: text = String(Int64(bitPattern: masked << (64 - width)) >> Int64(64 - width))
    case .unsigned: text = String(masked)
    case .boolean: text = masked == 0 ? "false" : "true"
    case .character: text = "\(masked) \(ExamineFormat.quoted(UInt8(truncatingIfNeeded: masked)))"
    case .pointer, .other: text = "0x" + String(masked, radix: 16)
    }
  }
}
