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
      courses += 1
    }
    frontier = newest
  }

  private func take(_ event: MachineEvent, _ moment: EventMoment) {
    guard isNew(moment.cycle) else { return }
    switch event {
    case .console(let event):
      // What the transmitter still held at the end is sent then, and again at each return to the end, and where a guest goes
      // on from there: a byte is known by how many were sent before it.
      if event.port == .serial, session.machine.serialBytesSent < console.serialCount { return }
      console.append(event.byte, event.port, at: moment.cycle)
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
}
