import Emulator
import IA32
import Reports

/// Where and when the guest stops.
enum StopCommands {
  static let all: [Command] = [
    Command(
      ["break", "b", "lb", "vb"], .stops,
      "stop before an instruction: of a function, in each of its copies; of a line; at an address",
      usage: "break [FUNCTION|FILE:LINE|*ADDR|ADDR] [if EXPRESSION]",
      example: "b kernel_main if $eax == 1", completion: .expression
    ) { session, arguments throws(ShellError) in try breakpoint(session, arguments, isTemporary: false) },
    Command(
      ["tbreak", "tb"], .stops, "the same, once",
      usage: "tbreak [FUNCTION|FILE:LINE|*ADDR|ADDR] [if EXPRESSION]", example: "tb kernel_main",
      completion: .expression
    ) { session, arguments throws(ShellError) in try breakpoint(session, arguments, isTemporary: true) },
    Command(
      ["watch"], .stops, "stop after a write to BYTES (4) bytes at a linear address",
      usage: "watch ADDR [BYTES] [if EXPRESSION]",
      example: "watch 0x40000000 8", completion: .expression
    ) { session, arguments throws(ShellError) in try watch(session, arguments, .write) },
    Command(
      ["rwatch"], .stops, "stop after a read", usage: "rwatch ADDR [BYTES] [if EXPRESSION]",
      example: "rwatch 0x40000000",
      completion: .expression
    ) { session, arguments throws(ShellError) in try watch(session, arguments, .read) },
    Command(
      ["awatch"], .stops, "stop after a read or a write", usage: "awatch ADDR [BYTES] [if EXPRESSION]",
      example: "awatch 0x40000000 1", completion: .expression
    ) { session, arguments throws(ShellError) in try watch(session, arguments, .access) },
    Command(
      ["pwatch"], .stops,
      "stop after a store to physical memory, through whatever address, and by the walker",
      usage: "pwatch PHYSICAL [BYTES] [if EXPRESSION]", example: "pwatch 0x105000 8", completion: .expression,
      action: physicalWatch),
    Command(
      ["ptwatch"], .stops, "stop after a store to an entry that translates ADDR",
      usage: "ptwatch ADDR [if EXPRESSION]",
      example: "ptwatch 0x40000000", completion: .expression, action: tableWatch),
    Command(
      ["catch"], .stops, "stop at an event", usage: "catch \(CatchWord.usage) [if EXPRESSION]",
      example: "catch fault 14",
      completion: .words(CatchWord.allCases.map(\.rawValue)), action: catchEvent),
    Command(
      ["info stops", "info breakpoints", "info watchpoints"], .stops, "the stops, and how often each was hit",
      usage: "info stops", example: "info stops", action: list),
    Command(
      ["delete", "d"], .stops, "remove a stop, or all", usage: "delete [N]", example: "delete 2",
      action: delete),
    Command(
      ["condition"], .stops, "let a stop count only where an expression is not 0; without one: always",
      usage: "condition N [EXPRESSION]", example: "condition 1 $eax == 0x40000000", completion: .expression,
      action: setCondition),
    Command(
      ["commands"], .stops,
      "execute the lines that follow, up to 'end', at each hit of a stop (the last one)",
      usage: "commands [N]", example: "commands 1", action: setCommands),
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
    var arguments = arguments
    let condition = try session.takeCondition(&arguments)
    guard !arguments.isEmpty else {
      let linear = session.nextInstruction
      return try session.added(
        .breakpoint([linear]), isTemporary: isTemporary, condition, at: [session.describe(linear)])
    }
    let found = try session.locate(arguments.text)
    return try session.added(
      .breakpoint(found.addresses), isTemporary: isTemporary, condition,
      at: found.addresses.prefix(AddedStop.maxShownPlaces).map(session.describe))
  }

  private static func watch(
    _ session: DebuggerSession, _ arguments: Arguments, _ accesses: StopKind.Accesses
  ) throws(ShellError) -> Answer {
    var arguments = arguments
    let condition = try session.takeCondition(&arguments)
    try arguments.expectSomething()
    let values = try session.evaluateAll(arguments.text, atMost: 2)
    guard let linear = values.first.flatMap(DebuggerSession.linear) else {
      throw ShellError("'\(arguments.text)' is not a 32-bit linear address")
    }
    let bytes = values.count > 1 ? values[1] : 4
    guard bytes > 0, bytes <= maxWatchedBytes, UInt64(linear) + bytes <= 1 << 32 else {
      throw ShellError(
        "\(bytes) bytes at \(LinearAddress(linear)) can't be watched: 1 to \(maxWatchedBytes) inside 4 GiB can"
      )
    }
    return try session.added(.watch(linear...(linear &+ UInt32(bytes - 1)), accesses), condition)
  }

  private static func physicalWatch(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    var arguments = arguments
    let condition = try session.takeCondition(&arguments)
    try arguments.expectSomething()
    let values = try session.evaluateAll(arguments.text, atMost: 2)
    let bytes = values.count > 1 ? values[1] : 8
    guard bytes > 0, bytes <= maxWatchedBytes,
      session.machine.memory.isRAM(PhysicalAddress(values[0]), count: bytes)
    else {
      throw ShellError(
        "\(bytes) bytes at physical \(PhysicalAddress(values[0])) can't be watched: they are not all RAM")
    }
    return try session.added(.physicalWatch(values[0]..<(values[0] + bytes)), condition)
  }

  private static func tableWatch(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    var arguments = arguments
    let condition = try session.takeCondition(&arguments)
    try arguments.expectSomething()
    let linear = try session.evaluateLinear(arguments.text)
    let entries = try EntryPlaces.some(session, linear)
    let places = entries.map { "\($0.name) at \(PhysicalAddress($0.address))" }
    return try session.added(.tableWatch(linear), condition, at: places)
  }

  private static func catchEvent(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    var arguments = arguments
    let condition = try session.takeCondition(&arguments)
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
    return try session.added(.event(caught), condition)
  }

  private static func setStale(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    guard arguments.words.count == 1, let setting = StaleWatch.Setting(rawValue: arguments.text) else {
      throw ShellError("'\(arguments.text)' is not a way to check: expected \(arguments.usage)")
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
      table.rows.append([
        .number(stop.number), .text(stop.text + (stop.condition.map { " if \($0)" } ?? "")),
        .number(stop.hits),
        .text(state),
      ])
      for line in stop.commands { table.rows.append([.none, .text("  " + line), .none, .none]) }
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

  private static func setCondition(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    guard let word = arguments.words.first, let number = Int(word) else {
      throw ShellError("'\(arguments.text)' is not the number of a stop: expected \(arguments.usage)")
    }
    let condition = arguments.words.dropFirst().joined(separator: " ")
    let stop = session.stops.stops.first { $0.number == number }
    if !condition.isEmpty { try session.checkNames(in: condition, at: stop?.kind.addresses ?? []) }
    guard session.stops.setCondition(number, condition.isEmpty ? nil : condition) else {
      throw ShellError("there is no stop \(number): 'info stops' lists them")
    }
    return .nothing
  }

  private static func setCommands(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    let wanted = arguments.isEmpty ? session.stops.stops.last?.number : try number(arguments)
    // The lines are read all the same, so that they are not taken for commands.
    let body = try session.takeBody()
    guard let wanted else { throw ShellError("there are no stops to execute commands at") }
    guard session.stops.setCommands(wanted, body) else { throw noSuchStop(arguments) }
    return .nothing
  }

  private static let maxWatchedBytes: UInt64 = 1 << 20

  private static func number(_ arguments: Arguments) throws(ShellError) -> Int {
    guard arguments.words.count == 1, let number = Int(arguments.text) else {
      throw ShellError("'\(arguments.text)' is not the number of a stop: expected \(arguments.usage)")
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
  /// The first places, in words.
  let places: [String]
  static let maxShownPlaces = 8

  private var suffix: String {
    (stop.isTemporary ? ", once" : "") + (stop.condition.map { ", if \($0)" } ?? "")
  }

  var lines: [String] {
    switch stop.kind {
    case .breakpoint(let linears) where linears.count > 1:
      let rest = linears.count - places.count
      return ["\(stop.number): breakpoint at \(linears.count) places\(suffix)"] + places.map { "  " + $0 }
        + (rest > 0 ? ["  and \(rest) more"] : [])
    case .breakpoint: return ["\(stop.number): breakpoint at \(places.joined())\(suffix)"]
    case .tableWatch: return ["\(stop.number): \(stop.text)\(suffix): \(places.joined(separator: ", "))"]
    default: return ["\(stop.number): \(stop.text)\(suffix)"]
    }
  }

  var json: JSONValue {
    .object([
      .init("number", .number(UInt64(stop.number))), .init("stop", .string(stop.text)),
      .init("place", .optional(places.first)), .init("places", .array(places.map { .string($0) })),
      .init("condition", .optional(stop.condition)),
    ])
  }
}

extension DebuggerSession {
  fileprivate func added(
    _ kind: StopKind, isTemporary: Bool = false, _ condition: String?, at places: [String] = []
  ) throws(ShellError) -> Answer {
    // A mistyped name is found now, and not at the first hit.
    if let condition { try checkNames(in: condition, at: kind.addresses) }
    return Answer(
      AddedStop(stop: stops.add(kind, isTemporary: isTemporary, condition: condition), places: places))
  }

  /// Takes `if EXPRESSION` off the end of a stop's arguments; nil without one.
  /// - Throws: `ShellError` when nothing stands behind the `if`.
  fileprivate func takeCondition(_ arguments: inout Arguments) throws(ShellError) -> String? {
    guard let text = arguments.takeAll(after: "if") else { return nil }
    guard !text.isEmpty else {
      throw ShellError("a condition is missing behind 'if': expected \(arguments.usage)")
    }
    return text
  }
}
