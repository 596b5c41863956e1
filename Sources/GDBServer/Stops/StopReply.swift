import Debugger
import Emulator
import IA32
import Reports

/// What gdb is told when the guest stands still: a sentence for the person where gdb's words would not do, and the packet.
struct StopReply {
  /// Lines to print.
  var lines: [String] = []
  /// The stop reply packet.
  var payload: [UInt8]

  /// The numbers of signals on Linux, which the protocol uses for these.
  enum Signal: UInt8 {
    case interrupt = 2
    case illegal = 4
    case trap = 5
    case floatingPoint = 8
    case segment = 11
  }

  /// The guest stands, and there is no more to say.
  static func plain(_ session: DebuggerSession, _ signal: Signal = .trap) -> StopReply {
    StopReply(payload: payload(session, signal, ""))
  }

  /// The history does not reach farther in the direction that was asked for.
  static func edge(_ session: DebuggerSession, isBeginning: Bool) -> StopReply {
    StopReply(payload: payload(session, .trap, "replaylog:\(isBeginning ? "begin" : "end");"))
  }

  /// gdb's client ends with the guest.
  static func exited(_ value: UInt8) -> StopReply {
    StopReply(payload: [UInt8(ascii: "W")] + HexText.encoded([value]))
  }

  /// How a run ended.
  static func run(
    _ standing: Standing, _ session: DebuggerSession, _ stops: RemoteStops, _ client: ClientFeatures
  )
    -> StopReply
  {
    if standing.reason.isEnd { return end(standing.reason, session) }
    if !standing.hits.isEmpty { return hits(standing.hits, session, stops, client) }
    switch standing.reason {
    case .interrupted: return plain(session, .interrupt)
    case .waiting:
      var reply = plain(session)
      reply.lines = [sentence(.waiting, session)]
      return reply
    default: return plain(session)
    }
  }

  private static func end(_ reason: StopReason, _ session: DebuggerSession) -> StopReply {
    if let value = reason.exitValue { return exited(value) }
    var reply = plain(session, reason == .tripleFault ? .segment : .trap)
    reply.lines = [sentence(reason, session)]
    if reason == .tripleFault {
      reply.lines += PostMortem(session.machine) { session.describe($0) }.lines
    }
    return reply
  }

  private static func sentence(_ reason: StopReason, _ session: DebuggerSession) -> String {
    "\(reason.sentence) \(session.describe(session.nextInstruction)), cycle \(session.machine.cycle)"
  }

  // MARK: Hits

  /// What made it stop. gdb's own stops are told by their kinds, others in words.
  static func hits(
    _ hits: [Hit], _ session: DebuggerSession, _ stops: RemoteStops, _ client: ClientFeatures
  ) -> StopReply {
    let lines = hits.filter { stops.key(of: $0) == nil }.flatMap { hit in
      let number = hit.stop.map { "\($0): " } ?? ""
      let isHere = hit.moment.linear == session.nextInstruction
      return [number + hit.text + (isHere ? "" : ", by \(session.describe(hit.moment.linear))")] + hit.details
    }
    let keys = hits.compactMap { hit in stops.key(of: hit).map { (hit, $0) } }
    var reason = ""
    if let (hit, key) = keys.first(where: { $0.1.kind.watchName != nil }), let name = key.kind.watchName {
      // An access may begin below the watched bytes; gdb looks for one of its watchpoints at the address.
      let address = max(hit.linear ?? key.address, key.address)
      reason = "\(name):\(String(address, radix: 16));"
    } else if let key = keys.first?.1 {
      if key.kind == .software, client.hasSoftwareBreakpoints { reason = "swbreak:;" }
      if key.kind == .hardware, client.hasHardwareBreakpoints { reason = "hwbreak:;" }
    }
    let signal = keys.isEmpty ? hits.lazy.compactMap { $0.fault.flatMap(Self.signal) }.first ?? .trap : .trap
    return StopReply(lines: lines, payload: payload(session, signal, reason))
  }

  /// What a fault that was asked for would be to a program; nil where it would be no signal of its own.
  private static func signal(_ fault: ExceptionVector) -> Signal? {
    switch fault {
    case .pageFault, .generalProtection, .stackSegmentFault, .segmentNotPresent: .segment
    case .invalidOpcode: .illegal
    case .divideError, .floatingPointError: .floatingPoint
    default: nil
    }
  }

  private static func payload(_ session: DebuggerSession, _ signal: Signal, _ reason: String) -> [UInt8] {
    var payload = Array("T".utf8) + HexText.encoded([signal.rawValue])
    payload += Array("thread:1;\(reason)".utf8)
    let values = RegisterValues(session.machine)
    for number in RegisterTable.expedited {
      guard let register = RegisterTable.register(number) else { continue }
      payload += HexText.encoded([UInt8(number)]) + [UInt8(ascii: ":")] + register.text(values)
      payload.append(UInt8(ascii: ";"))
    }
    return payload
  }
}

/// What the client said that it understands.
struct ClientFeatures: Hashable {
  var hasSoftwareBreakpoints = false
  var hasHardwareBreakpoints = false
}
