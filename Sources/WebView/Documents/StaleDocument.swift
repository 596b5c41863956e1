import Emulator
import IA32
import Reports

extension PageSource {
  /// The uses of stale translations so far: store, use and the invalidation that was missing, each with its code.
  public func stale(limit: Int = 100) -> JSONValue {
    recorder.synchronize()
    return .object([
      .init("total", .count(recorder.stale.count)),
      .init("stories", .array(recorder.stale.prefix(limit).map { story($0) })),
    ])
  }

  private func story(_ report: StaleReport) -> JSONValue {
    let text = StaleReportText(report, session.places).lines
    var scenes: [(UInt64, JSONValue)] = []
    func add(_ role: String, _ text: String, _ moment: EventMoment, _ more: [JSONValue.Member] = []) {
      scenes.append((moment.cycle, scene(role, text, moment, more)))
    }
    if let first = report.firstStore { add("first", "first store", first.moment, members(of: first)) }
    if let store = report.store {
      add("store", "\(report.level.rawValue) changed in memory", store.moment, members(of: store))
    }
    if let load = report.cr3Load { add("kept", "MOV CR3 keeps it: the translation is global", load) }
    for miss in report.nearMisses {
      switch miss {
      case .tooEarly(let moment): add("near", "INVLPG of the page, but before the store", moment)
      case .otherPage(let linear, let moment):
        add("near", "INVLPG of another page, \(LinearAddress(linear))", moment)
      case .keptGlobal(let moment): add("near", "MOV CR3, which keeps global pages", moment)
      case .notForPDPTE(let moment): add("near", "INVLPG, which does not reach the PDPTE registers", moment)
      }
    }
    add(
      "use", "stale translation used: \(EntryText.access(report.access)) of \(LinearAddress(report.linear))",
      report.use)
    // An instruction may store and use: what it stored comes first.
    let ordered = scenes.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }
    return .object([
      .init("linear", .linear(report.linear)), .init("level", .string(report.level.rawValue)),
      .init("access", .string(EntryText.access(report.access))),
      .init(
        "source",
        .string(report.array?.rawValue ?? (report.level == .pdpte ? "PDPTE register" : "cached PDE"))),
      .init("filledAt", .number(report.filledAt)), .init("usedAt", .number(report.use.cycle)),
      .init("storedAt", report.store.map { .number($0.moment.cycle) } ?? .null),
      .init("used", report.used.map { .physical($0) } ?? .null),
      .init("memory", .string(Self.text(report.memory))),
      .init("missing", .string(report.missing.rawValue)), .init("rule", .string(report.section)),
      .init("lines", .strings(text)), .init("scenes", .array(ordered.map(\.element.1))),
    ])
  }

  private static func text(_ memory: StaleReport.Memory) -> String {
    switch memory {
    case .fault(let code): code.contains(.present) ? "forbids the access" : "has no page there"
    case .physical(let address): "\(PhysicalAddress(address))"
    case .setsDirty: "has D clear"
    }
  }

  private func members(of store: StaleReport.Store) -> [JSONValue.Member] {
    [
      .init("address", .physical(store.event.address)), .init("old", .entry(store.event.old)),
      .init("new", .entry(store.event.new)),
    ]
  }

  private func scene(_ role: String, _ text: String, _ moment: EventMoment, _ more: [JSONValue.Member])
    -> JSONValue
  {
    .object(
      [
        .init("role", .string(role)), .init("text", .string(text)), .init("cycle", .number(moment.cycle)),
        .init("at", .linear(moment.linear)), .init("place", .string(session.describe(moment.linear))),
        .init("code", code(at: moment.linear, count: 3)),
        .init("source", sourceWindow(at: moment.linear, around: 3)),
      ] + more)
  }
}
