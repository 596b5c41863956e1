import Emulator
import IA32
import Reports

/// The past: going there, and who wrote what.
enum HistoryCommands {
  static let all: [Command] = [
    Command(
      ["reverse-stepi", "rsi"], .history, "go back an instruction, or N of them", usage: "reverse-stepi [N]",
      example: "rsi 10", action: stepBack),
    Command(
      ["reverse-continue", "rc"], .history,
      "go back to the last stop, or to the store that a stale translation comes from",
      usage: "reverse-continue",
      example: "rc", action: goOnBack),
    Command(
      ["goto"], .history, "go to a cycle, back or forward", usage: "goto CYCLE", example: "goto $cycle-1000",
      completion: .expression, action: goTo),
    Command(
      ["who"], .history, "who stored to the last entry that translates ADDR, or to physical memory",
      usage: "who ADDR | who -p PHYSICAL [BYTES]", example: "who $va", completion: .expression, action: who),
    Command(
      ["ptlog"], .history, "the stores to all entries that translate ADDR", usage: "ptlog ADDR",
      example: "ptlog 0x40000000", completion: .expression, action: tableLog),
    Command(
      ["diff-pt"], .history, "which pages the tables mapped otherwise at two cycles (the second: now)",
      usage: "diff-pt CYCLE [CYCLE]", example: "diff-pt $cycle-100000", completion: .expression,
      action: difference),
    Command(
      ["info history"], .history, "how far the history goes, and what it takes", usage: "info history",
      example: "info history", action: info),
  ]

  private static func stepBack(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try session.stepBack(try arguments.count(default: 1))
    return Answer(StopReport(session, Standing(reason: .stepped)))
  }

  private static func goOnBack(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectNothing()
    guard let hit = try session.continueBack() else {
      return Answer(
        Composition(parts: [
          (nil, Sentences("no stop before that: this is the beginning of the history")),
          ("stop", StopReport(session, Standing(reason: .stepped))),
        ]))
    }
    return Answer(StopReport(session, Standing(reason: .stepped, hits: [hit])))
  }

  private static func goTo(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectSomething()
    try session.go(to: try session.evaluateCycle(arguments.text))
    return Answer(StopReport(session, Standing(reason: .stepped)))
  }

  private static func who(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    var arguments = arguments
    let isPhysical = arguments.takeFlag("-p") || arguments.words.first == "$pa"
    try arguments.expectSomething()
    if isPhysical {
      let values = try session.evaluateAll(arguments.text, atMost: 2)
      let bytes = values.count > 1 ? values[1] : 8
      guard (1...8).contains(bytes), session.machine.memory.isRAM(PhysicalAddress(values[0]), count: bytes)
      else {
        throw ShellError(
          "\(bytes) bytes at physical \(PhysicalAddress(values[0])): expected 1 to 8 bytes of RAM")
      }
      return Answer(try session.writers("physical memory", values[0], Int(bytes)))
    }
    let linear = try session.evaluateLinear(arguments.text)
    guard let entry = EntryPlaces(session.machine, linear).entries.last else {
      throw ShellError(
        "paging is off: no entry translates \(LinearAddress(linear)); 'who -p' asks for physical memory")
    }
    session.variables.linear = linear
    session.variables.physical = entry.address
    return Answer(
      try session.writers("\(entry.name) of \(LinearAddress(linear))", entry.address, entry.bytes))
  }

  private static func tableLog(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectSomething()
    let linear = try session.evaluateLinear(arguments.text)
    let entries = try EntryPlaces.some(session, linear)
    session.variables.linear = linear
    var parts: [(name: String?, report: any Report)] = []
    for entry in entries {
      parts.append(
        (
          entry.name,
          try session.writers("\(entry.name) of \(LinearAddress(linear))", entry.address, entry.bytes)
        ))
    }
    return Answer(Composition(parts: parts))
  }

  private static func difference(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectSomething()
    let present = session.machine.cycle
    var cycles: [UInt64] = []
    for value in try session.evaluateAll(arguments.text, atMost: 2) {
      cycles.append(try DebuggerSession.cycle(value, arguments.text))
    }
    let second = cycles.count > 1 ? cycles[1] : present
    let (standing, frame) = (session.standing, session.selectedFrame)
    let report = try session.travel(to: max(cycles[0], second)) { progress throws(HistoryError) in
      try session.history.goTo(cycle: cycles[0], progress: progress)
      let first = (session.machine.cycle, MappingDifference.Mapping(session.machine))
      try session.history.goTo(cycle: second, progress: progress)
      let last = (session.machine.cycle, MappingDifference.Mapping(session.machine))
      try session.history.goTo(cycle: present, progress: progress)
      return MappingDifference(first.1, at: first.0, last.1, at: last.0)
    }
    (session.standing, session.selectedFrame) = (standing, frame)
    return Answer(report)
  }

  private static func info(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    return Answer(HistoryReport(session))
  }
}

extension DebuggerSession {
  /// Looks for the writers of a place, and stands where it stood.
  fileprivate func writers(_ what: String, _ physical: UInt64, _ bytes: Int) throws(ShellError) -> Writers {
    let (standing, frame) = (standing, selectedFrame)
    defer { (self.standing, selectedFrame) = (standing, frame) }
    return try travel { progress throws(HistoryError) in
      try Writers(self, what, physical, bytes: bytes, progress)
    }
  }
}

/// `info history`.
private struct HistoryReport: Report {
  let first: UInt64
  let now: UInt64
  let newest: UInt64
  let snapshots: Int
  let bytes: Int
  let budget: Int
  let spacing: UInt64
  let interval: UInt64
  let isForced: Bool

  init(_ session: DebuggerSession) {
    let history = session.history
    first = history.firstCycle
    now = session.machine.cycle
    newest = history.newestCycle
    snapshots = history.snapshotCycles.count
    bytes = history.memoryBytes
    budget = history.budget
    spacing = history.spacing
    interval = history.interval
    isForced = history.isForced
  }

  var lines: [String] {
    [
      "begins at cycle  \(first)", "now              \(now)\(now < newest ? ", in the past" : "")",
      "has been to      \(newest)", "snapshots        \(snapshots)",
      "memory           \(bytes >> 20) MiB of \(budget >> 20) MiB",
    ] + remarks
  }

  private var remarks: [String] {
    if isForced {
      return [
        "the guest changes more memory than the history may take, and is slowed down: --history-memory gives it more"
      ]
    }
    guard spacing > interval else { return [] }
    return [
      "the guest changes much memory: snapshots are \(spacing) cycles apart instead of \(interval), so as not to slow it down"
    ]
  }

  var json: JSONValue {
    .object([
      .init("first", .number(first)), .init("now", .number(now)), .init("newest", .number(newest)),
      .init("snapshots", .number(UInt64(snapshots))), .init("bytes", .number(UInt64(bytes))),
      .init("budget", .number(UInt64(budget))), .init("spacing", .number(spacing)),
    ])
  }
}
