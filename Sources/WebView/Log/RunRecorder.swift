import Debugger
import Emulator
import IA32
import Reports

/// Listens to a run and keeps what a page shows of its past.
///
/// The machine may go back and execute a stretch again: what it does then is known already. An event is new if its cycle is
/// not before the farthest that the history has been to. A change in the past makes another future: what was kept of
/// the old one is forgotten.
final class RunRecorder {
  private let session: DebuggerSession
  private var observer: ObserverID?
  private(set) var log = EventLog()
  /// What is kept of walks beyond their events: of the first ones, and of the costliest.
  private(set) var walks = WalkDetails()
  private(set) var stale: [StaleReport] = []
  private(set) var console = ConsoleLog()
  private(set) var profile: Profile?
  /// How far the history had been when this was looked at last.
  private var frontier: UInt64 = 0
  /// Bytes of the serial line that were in the log when bytes were shown last.
  private var serialSeen = 0
  /// How often the log has been cut.
  private(set) var courses = 0

  static let kinds: EventKinds = [
    .walk, .tlbFill, .tlbEvict, .flush, .pteStore, .fault, .interrupt, .console,
  ]
  static let samplingPeriod: UInt64 = 2000
  private static let maxStale = 1000

  init(_ session: DebuggerSession) {
    self.session = session
    let machine = session.machine
    observer = machine.observe(Self.kinds) { [unowned self] event, moment in self.take(event, moment) }
    session.onStale = { [unowned self] in self.take($0) }
    let elf = session.image?.elf
    let places = session.places
    profile = Profile { linear, isPaged in
      elf?.symbol(at: linear, isPaged: isPaged)?.symbol.displayName
    } line: { linear, isPaged in
      places.line(at: linear, isPaged: isPaged)?.description
    }
    machine.beginSampling(every: Self.samplingPeriod) { [unowned self] in self.take($0) }
  }

  /// Stops listening.
  func end() {
    if let observer { session.machine.stopObserving(observer) }
    observer = nil
    session.onStale = nil
    session.machine.endSampling()
  }

  /// Whether what happens at `cycle` has not been seen before.
  private func isNew(_ cycle: UInt64) -> Bool {
    synchronize()
    return cycle >= frontier
  }

  /// Follows the history: forgets a future that will not be.
  func synchronize() {
    let newest = session.history.newestCycle
    if newest < frontier {
      log.truncate(at: newest)
      walks.truncate(at: log.count)
      stale.removeAll { $0.use.cycle >= newest }
      console.truncate(at: newest)
      serialSeen = min(serialSeen, console.serialCount)
      courses += 1
    }
    frontier = newest
  }

  private func take(_ event: MachineEvent, _ moment: EventMoment) {
    guard isNew(moment.cycle) else { return }
    switch event {
    case .console(let event): console.append(event.byte, event.port, at: moment.cycle)
    case .walk(let walk):
      walks.add(walk, moment, index: log.count)
      if let logged = LoggedEvent(event, moment) { log.append(logged) }
    default: if let logged = LoggedEvent(event, moment) { log.append(logged) }
    }
  }

  private func take(_ report: StaleReport) {
    guard isNew(report.use.cycle) else { return }
    log.append(LoggedEvent(.stale, report.use, linear: report.linear, value: report.used ?? 0))
    if stale.count < Self.maxStale { stale.append(report) }
  }

  private func take(_ sample: ProfileSample) {
    // The first sample after a way through the past counts from another cycle.
    guard isNew(session.machine.cycle), sample.cycles < 1 << 48, sample.idleCycles < 1 << 48 else { return }
    profile?.add(sample)
  }

  /// The guest has shown `bytes` of its serial line. What it sends at its end, without the time to send it, is no event.
  func noteShown(_ bytes: [UInt8]) {
    let events = max(0, console.serialCount - serialSeen)
    for byte in bytes.suffix(max(0, bytes.count - events)) {
      console.append(byte, .serial, at: session.machine.cycle)
    }
    serialSeen = console.serialCount
  }
}

/// What the guest printed, with the cycle of each byte.
struct ConsoleLog {
  private(set) var bytes: [UInt8] = []
  private(set) var cycles: [UInt64] = []
  /// Bytes that came over the serial line.
  private(set) var serialCount = 0
  /// Bytes beyond this many are left out.
  private static let maxBytes = 4 << 20

  mutating func append(_ byte: UInt8, _ port: ConsoleEvent.Port, at cycle: UInt64) {
    if port == .serial { serialCount += 1 }
    guard bytes.count < Self.maxBytes else { return }
    bytes.append(byte)
    cycles.append(cycle)
  }

  mutating func truncate(at cycle: UInt64) {
    let kept = count(before: cycle)
    serialCount -= bytes.count - kept
    bytes.removeLast(bytes.count - kept)
    cycles.removeLast(cycles.count - kept)
  }

  /// How many bytes were sent before `cycle`.
  func count(before cycle: UInt64) -> Int {
    var (low, high) = (0, cycles.count)
    while low < high {
      let middle = (low + high) / 2
      if cycles[middle] < cycle { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The lines, each with the cycle of its first byte.
  var lines: [(cycle: UInt64, text: String)] {
    var lines: [(UInt64, String)] = []
    var start = 0
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") || index == bytes.count - 1 {
      lines.append((cycles[start], Self.text(bytes[start...index])))
      start = index + 1
    }
    return lines
  }

  /// Bytes as text: without escape sequences' effects and carriage returns.
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.filter { $0 != 13 }, as: UTF8.self)
  }
}
