import Emulator
import GuestImages
import IA32

/// A report of a stale translation in words: the use, what memory says, the store, the invalidation that was missing.
public struct StaleReportText {
  /// The report.
  public let report: StaleReport
  /// Names for the guest's addresses.
  public let places: GuestPlaces

  /// - Parameter places: names for the guest's addresses.
  public init(_ report: StaleReport, _ places: GuestPlaces) {
    self.report = report
    self.places = places
  }

  /// A line for each fact, the first one the summary.
  public var lines: [String] {
    var lines = [summary]
    lines.append("  used     \(use)")
    lines.append("  memory   \(memory)")
    if let first = report.firstStore { lines += Self.row("first", storeText(first, level: .pde)) }
    if let store = report.store { lines += Self.row("store", storeText(store, level: report.level)) }
    if let load = report.cr3Load {
      lines += Self.row("kept", "by the MOV to CR3 at \(place(load)): the translation is global")
    }
    lines.append("  missing  \(missing)  [\(report.section)]")
    lines += report.nearMisses.map { "           \(nearMiss($0))" }
    return lines
  }

  private static func row(_ name: String, _ text: String) -> [String] {
    ["  " + name.padded(to: 9) + text]
  }

  private var summary: String {
    let kind =
      switch report.access.kind {
      case .read: "read of"
      case .write: "write to"
      case .fetch: "fetch from"
      }
    let mode = report.access.isUser ? "user " : ""
    return "stale translation: \(mode)\(kind) \(LinearAddress(report.linear)) at \(place(report.use))"
  }

  private var use: String {
    let filled = "\(report.array == nil ? "loaded" : "filled") at cycle \(report.filledAt)"
    let source = report.array?.rawValue ?? (report.level == .pdpte ? "PDPTE register" : "cached PDE")
    let place = report.used.map { "-> \(PhysicalAddress($0))" } ?? "gives no page"
    return "\(source)  \(LinearAddress(report.linear)) \(place), \(filled)"
  }

  private var memory: String {
    switch report.memory {
    case .fault(let code):
      code.contains(.present)
        ? "forbids the access: \(Self.forbidden(code))" : "has no page there: not present"
    case .physical(let address): "\(LinearAddress(report.linear)) -> \(PhysicalAddress(address))"
    case .setsDirty: "has D clear in the leaf, and this write does not set it"
    }
  }

  private static func forbidden(_ code: PageFaultErrorCode) -> String {
    if code.contains(.reservedBit) { return "a reserved bit is set" }
    if code.contains(.instructionFetch) { return "no execution (NX), or supervisor only" }
    return code.contains(.write) ? "read-only, or supervisor only" : "supervisor only"
  }

  private func storeText(_ store: StaleReport.Store, level: StaleReport.Level) -> String {
    let event = store.event
    let values = "\(hexadecimal(event.old, digits: 16)) -> \(hexadecimal(event.new, digits: 16))"
    return
      "\(level.rawValue) at \(PhysicalAddress(event.address))  \(values)  by \(place(store.moment))"
  }

  private var missing: String {
    let page = LinearAddress(report.linear & ~0xfff)
    return switch report.missing {
    case .invlpg: "INVLPG \(page) (or MOV CR3) between the store and the use"
    case .invlpgOrPGE: "INVLPG \(page) (or a change of CR4.PGE): the page is global, MOV CR3 keeps it"
    case .movCR3: "MOV CR3 between the store and the use: nothing else loads the PDPTE registers"
    }
  }

  private func nearMiss(_ miss: StaleReport.NearMiss) -> String {
    switch miss {
    case .tooEarly(let moment): "the INVLPG at \(place(moment)) came before the store"
    case .otherPage(let linear, let moment):
      "the INVLPG at \(place(moment)) was of another page, \(LinearAddress(linear))"
    case .keptGlobal(let moment): "the MOV CR3 at \(place(moment)) kept it: the page is global"
    case .notForPDPTE(let moment): "the INVLPG at \(place(moment)) does not reach the PDPTE registers"
    }
  }

  private func place(_ moment: EventMoment) -> String {
    "\(places.description(of: moment.linear, isPaged: true)), cycle \(moment.cycle)"
  }
}
