import Debugger

/// Letting the guest go on for gdb, and saying where it came to stand.
struct Resuming {
  let session: DebuggerSession
  let console: RemoteConsole
  let stops: RemoteStops
  let client: ClientFeatures
  /// What leads away from a single step and belongs to it; nil for nothing.
  let detours: Detours?

  /// Moves the guest. Where it has ended, it does not go on.
  func perform(_ resumption: Resumption) -> StopReply {
    do throws(ShellError) {
      switch resumption {
      case .stop: return .plain(session, .interrupt)
      case .stepBack: return try stepBack()
      case .runBack: return try runBack()
      case .run, .step, .steps:
        guard session.ended == nil else { return .edge(session, isBeginning: false) }
        return .run(try forwards(resumption), session, stops, client)
      }
    } catch {
      // Ctrl-C on a long way through the past, for one.
      var reply = StopReply.plain(session, .interrupt)
      reply.lines = [error.message]
      return reply
    }
  }

  private func forwards(_ resumption: Resumption) throws(ShellError) -> Standing {
    switch resumption {
    case .step:
      if let detours { return try session.step(past: detours) }
      return try session.step()
    case .steps(let range): return try step(in: range)
    default: return try session.run()
    }
  }

  private func step(in range: Range<UInt32>) throws(ShellError) -> Standing {
    console.isHeld = true
    defer { console.isHeld = false }
    while true {
      let standing = try session.step(past: .interruptsAndFaults)
      let isStep = standing.reason == .stepped || Self.isBreakpoint(standing)
      guard standing.hits.isEmpty, isStep, session.ended == nil else { return standing }
      guard range.contains(session.machine.registers.eip) else { return standing }
      // gdb wants to know of each of its breakpoints, also inside the range.
      if session.machine.breakpoints.contains(session.nextInstruction) { return standing }
    }
  }

  private static func isBreakpoint(_ standing: Standing) -> Bool {
    if case .breakpoint = standing.reason { true } else { false }
  }

  private var isAtBeginning: Bool { session.machine.cycle <= session.history.firstCycle }

  private func stepBack() throws(ShellError) -> StopReply {
    guard !isAtBeginning else { return .edge(session, isBeginning: true) }
    try session.stepBack()
    return .plain(session)
  }

  private func runBack() throws(ShellError) -> StopReply {
    guard !isAtBeginning, let hit = try session.continueBack() else {
      return .edge(session, isBeginning: true)
    }
    return .hits([hit], session, stops, client)
  }
}
