import Emulator
import IA32
import Reports

/// Where and when the guest stops.
enum StopCommands {
  static let all: [Command] = [
    Command(
      ["break", "b", "lb", "vb"], .stops, "stop before the instruction at ADDR", usage: "break ADDR",
      example: "b kernel_main", completion: .expression
    ) { session, arguments throws(ShellError) in try breakpoint(session, arguments, isTemporary: false) },
    Command(
      ["tbreak", "tb"], .stops, "the same, once", usage: "tbreak ADDR", example: "tb kernel_main",
      completion: .expression
    ) { session, arguments throws(ShellError) in try breakpoint(session, arguments, isTemporary: true) },
    Command(
      ["watch"], .stops, "stop after a write to BYTES (4) bytes at a linear address",
      usage: "watch ADDR [BYTES]",
      example: "watch 0x40000000 8", completion: .expression
    ) { session, arguments throws(ShellError) in try watch(session, arguments, .write) },
    Command(
      ["rwatch"], .stops, "stop after a read", usage: "rwatch ADDR [BYTES]", example: "rwatch 0x40000000",
      completion: .expression
    ) { session, arguments throws(ShellError) in try watch(session, arguments, .read) },
    Command(
      ["awatch"], .stops, "stop after a read or a write", usage: "awatch ADDR [BYTES]",
      example: "awatch 0x40000000 1", completion: .expression
    ) { session, arguments throws(ShellError) in try watch(session, arguments, .access) },
    Command(
      ["pwatch"], .stops,
      "stop after a store to physical memory, through whatever address, and by the walker",
      usage: "pwatch PHYSICAL [BYTES]", example: "pwatch 0x105000 8", completion: .expression,
      action: physicalWatch),
    Command(
      ["ptwatch"], .stops, "stop after a store to an entry that translates ADDR", usage: "ptwatch ADDR",
      example: "ptwatch 0x40000000", completion: .expression, action: tableWatch),
    Command(
      ["catch"], .stops, "stop at an event", usage: "catch " + CatchWord.usage, example: "catch fault 14",
      completion: .words(CatchWord.allCases.map(\.rawValue)), action: catchEvent),
    Command(
      ["info stops", "info breakpoints", "info watchpoints"], .stops, "the stops, and how often each was hit",
      usage: "info stops", example: "info stops", action: list),
    Command(
      ["delete", "d"], .stops, "remove a stop, or all", usage: "delete [N]", example: "delete 2",
      action: delete),
    Command(["enable"], .stops, "make a stop work again", usage: "enable N", example: "enable 2") {
      session, arguments throws(ShellError) in try setEnabled(session, arguments, true)
    },
    Command(
      ["disable"], .stops, "keep a stop from stopping", usage: "disable N", example: "disable 2"
    ) { session, arguments throws(ShellError) in try setEnabled(session, arguments, false) },
    Command(
      ["set stale"], .stops, "check each use of a translation against memory: not at all, tell, or stop",
      usage: "set stale off|warn|stop", example: "set stale warn",
      completion: .words(["off", "warn", "stop"]),
      action: setStale),
  ]

  private enum CatchWord: String, CaseIterable {
    case walk, fault, stale, invlpg, cr3, triple, mode, interrupt

    static let usage = "walk|fault [N]|stale|invlpg|cr3|triple|mode|interrupt [N]"
  }

  private static func breakpoint(
    _ session: DebuggerSession, _ arguments: Arguments, isTemporary: Bool
  ) throws(ShellError) -> Answer {
    let linear = arguments.isEmpty ? session.nextInstruction : try session.evaluateLinear(arguments.text)
    return session.added(.breakpoint(linear), isTemporary: isTemporary, at: session.describe(linear))
  }

  private static func watch(
    _ session: DebuggerSession, _ arguments: Arguments, _ accesses: StopKind.Accesses
  ) throws(ShellError) -> Answer {
    try arguments.expectSomething()
    let values = try session.evaluateAll(arguments.text, atMost: 2)
    guard let linear = values.first.flatMap(DebuggerSession.linear) else {
      throw ShellError("'\(arguments.text)' is no linear address of 32 bits")
    }
    let bytes = values.count > 1 ? values[1] : 4
    guard bytes > 0, UInt64(linear) + bytes <= 1 << 32, bytes <= 1 << 20 else {
      throw ShellError(
        "\(bytes) bytes at \(LinearAddress(linear)) can't be watched: 1 to 1048576 inside 4 GiB can")
    }
    return session.added(.watch(linear...(linear &+ UInt32(bytes - 1)), accesses))
  }

  private static func physicalWatch(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectSomething()
    let values = try session.evaluateAll(arguments.text, atMost: 2)
    let bytes = values.count > 1 ? values[1] : 8
    guard bytes > 0, bytes <= 1 << 20, session.machine.memory.isRAM(PhysicalAddress(values[0]), count: bytes)
    else {
      throw ShellError(
        "\(bytes) bytes at physical \(PhysicalAddress(values[0])) can't be watched: they are not all RAM")
    }
    return session.added(.physicalWatch(values[0]..<(values[0] + bytes)))
  }

  private static func tableWatch(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectSomething()
    let linear = try session.evaluateLinear(arguments.text)
    let entries = try EntryPlaces.some(session, linear)
    let places = entries.map { "\($0.name) at \(PhysicalAddress($0.address))" }.joined(separator: ", ")
    return session.added(.tableWatch(linear), at: places)
  }

  private static func catchEvent(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    guard let word = arguments.words.first.flatMap(CatchWord.init(rawValue:)) else {
      throw ShellError("'\(arguments.text)' can't be caught: expected \(CatchWord.usage)")
    }
    var vector: UInt8?
    if arguments.words.count > 1 {
      let text = arguments.words.dropFirst().joined(separator: " ")
      guard word == .fault || word == .interrupt, let number = UInt8(exactly: try session.evaluate(text))
      else {
        throw ShellError("'\(text)' is too much behind '\(word.rawValue)': expected \(CatchWord.usage)")
      }
      vector = number
    }
    let caught: Caught =
      switch word {
      case .walk: .walk
      case .fault: .fault(vector)
      case .stale: .stale
      case .invlpg: .invlpg
      case .cr3: .cr3
      case .triple: .triple
      case .mode: .mode
      case .interrupt: .interrupt(vector)
      }
    return session.added(.event(caught))
  }

  private static func setStale(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    guard arguments.words.count == 1, let setting = StaleWatch.Setting(rawValue: arguments.text) else {
      throw ShellError("'\(arguments.text)' is no way to check: expected \(arguments.usage)")
    }
    session.stale.set(setting)
    return .nothing
  }

  // MARK: The list

  private static func list(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    var table = Table(
      [.init("number", "#", right: true), .init("stop"), .init("hits", right: true), .init("state")],
      empty: "there are no stops: 'help stops' lists the kinds")
    for stop in session.stops.stops {
      let state = !stop.isEnabled ? "disabled" : stop.isTemporary ? "once" : ""
      table.rows.append([.number(stop.number), .text(stop.text), .number(stop.hits), .text(state)])
    }
    return Answer(table)
  }

  private static func delete(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer
  {
    if arguments.isEmpty {
      session.stops.removeAll()
    } else {
      guard session.stops.remove(try number(arguments)) else { throw noSuchStop(arguments) }
    }
    return .nothing
  }

  private static func setEnabled(
    _ session: DebuggerSession, _ arguments: Arguments, _ isEnabled: Bool
  ) throws(ShellError) -> Answer {
    guard session.stops.setEnabled(try number(arguments), isEnabled) else { throw noSuchStop(arguments) }
    return .nothing
  }

  private static func number(_ arguments: Arguments) throws(ShellError) -> Int {
    guard arguments.words.count == 1, let number = Int(arguments.text) else {
      throw ShellError("'\(arguments.text)' is no number of a stop: expected \(arguments.usage)")
    }
    return number
  }

  private static func noSuchStop(_ arguments: Arguments) -> ShellError {
    ShellError("there is no stop \(arguments.text): 'info stops' lists them")
  }
}

/// What a new stop is told by.
private struct AddedStop: Report {
  let stop: Stop
  let place: String?

  var lines: [String] {
    let text = if case .breakpoint = stop.kind, let place { "breakpoint at \(place)" } else { stop.text }
    var line = "\(stop.number): \(text)\(stop.isTemporary ? ", once" : "")"
    if case .tableWatch = stop.kind, let place { line += ": \(place)" }
    return [line]
  }

  var json: JSONValue {
    .object([
      .init("number", .number(UInt64(stop.number))), .init("stop", .string(stop.text)),
      .init("place", .optional(place)),
    ])
  }
}

extension DebuggerSession {
  fileprivate func added(_ kind: StopKind, isTemporary: Bool = false, at place: String? = nil) -> Answer {
    Answer(AddedStop(stop: stops.add(kind, isTemporary: isTemporary), place: place))
  }
}
