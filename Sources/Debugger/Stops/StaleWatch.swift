import Emulator
import IA32
import Reports
import Runs

/// The check for stale translations in a session: `set stale`, and `catch stale`.
final class StaleWatch {
  enum Setting: String, CaseIterable {
    case off
    case warn
    case stop
  }

  private unowned let session: DebuggerSession
  private(set) var setting = Setting.off
  private var isOn = false
  /// Told of each use of a stale translation, whatever is set; nil for nobody.
  var listener: ((StaleReport) -> Void)? { didSet { update() } }
  /// The stores that made translations stale, as far as uses of them have been reported, by cycle.
  private(set) var causes: [UInt64: Hit] = [:]

  init(_ session: DebuggerSession) { self.session = session }

  func set(_ setting: Setting) {
    self.setting = setting
    update()
  }

  /// Switches the machine's check on or off.
  func update() {
    let isWanted = setting != .off || session.stops.enabled(.stale) != nil || listener != nil
    guard isWanted != isOn else { return }
    isOn = isWanted
    session.machine.checkStale(isWanted ? { [unowned self] in self.found($0) } : nil)
  }

  private func found(_ report: StaleReport) {
    listener?(report)
    let stop = session.stops.enabled(.stale)
    // Only who listens wants it: nothing else changes in the session.
    guard stop != nil || setting != .off else { return }
    if let store = report.store { causes[store.moment.cycle] = cause(store, report) }
    guard !session.stops.isQuiet else { return }
    let lines = StaleReportText(report, session.places).lines
    guard stop != nil || setting == .stop else {
      if session.stops.isStopping { session.console.say(lines.map(PlainText.of)) }
      return
    }
    session.stops.hit(
      Hit(
        stop: stop?.number, moment: report.use, text: lines[0], namesPlace: true,
        details: Array(lines.dropFirst()),
        linear: report.linear, physical: report.store?.event.address))
  }

  private func cause(_ store: StaleReport.Store, _ report: StaleReport) -> Hit {
    Hit(
      stop: nil, moment: store.moment,
      text:
        "the store to the \(report.level.rawValue) at \(PhysicalAddress(store.event.address)) that made \(LinearAddress(report.linear)) stale",
      details: ["  used at cycle \(report.use.cycle) by \(session.describe(report.use.linear))"],
      linear: report.linear, physical: store.event.address)
  }
}
