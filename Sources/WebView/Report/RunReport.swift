import Debugger
import Emulator
import IA32
import Reports

/// All that a report keeps of a finished run: the answers that a live session would give, at as many moments as have room.
public struct RunReport {
  /// The document inside the file.
  public let json: JSONValue
  /// What it holds, in one line.
  public let summary: String
  /// Events that the document keeps; the others are in its counts alone.
  static let maxEvents = 20_000

  /// Goes through the past of a run that has ended.
  /// - Parameters:
  ///   - source: has listened since the run began.
  ///   - moments: at how many cycles the machine is looked at, at most.
  ///   - progress: called with the share that is done; false ends it early, with the moments that there are.
  /// - Throws: `ShellError` when the history does not reach a moment.
  public init(
    _ source: PageSource, moments: Int, progress: (Double) -> Bool = { _ in true }
  ) throws(ShellError) {
    let session = source.session
    let range = session.history.firstCycle..<session.history.newestCycle + 1
    let recorder = source.recorder
    let about = source.about(isLive: false)
    let status = source.status
    let walks = source.walks()
    let cycles = Self.cycles(source, count: max(2, moments))
    var kept: [JSONValue] = []
    for (index, cycle) in cycles.enumerated() {
      guard progress(Double(index) / Double(cycles.count)) else { break }
      try session.go(to: cycle)
      kept.append(Self.moment(source))
    }
    summary =
      "\(kept.count) moments of \(session.history.newestCycle) cycles, \(recorder.log.count) events, "
      + "\(recorder.stale.count) stale translations used"
    let start = recorder.stale.first?.use.cycle ?? session.history.newestCycle
    json = .object([
      .init("about", about), .init("status", status), .init("start", .number(start)),
      .init("stale", source.stale()), .init("walks", walks),
      .init("timeline", source.timeline(range, bins: 2000)), .init("events", Self.events(source, range)),
      .init("misses", .array(TLBArrayName.allCases.indices.map { source.misses($0, range, bins: 200) })),
      .init("firstWalks", source.firstWalks(limit: 2000)),
      .init("console", .array(recorder.console.lines.map { .array([.number($0.cycle), .string($0.text)]) })),
      .init("symbols", source.symbols(matching: "", limit: 10_000)), .init("moments", .array(kept)),
    ])
  }

  /// The moment where the machine stands, with what a live session would be asked for separately.
  private static func moment(_ source: PageSource) -> JSONValue {
    guard case .object(var members) = source.moment() else { return .null }
    members.removeAll { $0.name == "console" }
    var pages: [UInt32] = []
    let machine = source.machine
    for report in source.recorder.stale.prefix(50) { pages.append(report.linear & ~0xfff) }
    for array in TLBArrayName.allCases {
      for line in machine.tlb(array) {
        pages.append(HeldTranslation(array, line, machine.pagingControl).linear)
      }
    }
    var seen: Set<UInt32> = []
    let walks = pages.filter { seen.insert($0).inserted }.map {
      JSONValue.Member(hexadecimal(UInt64($0), digits: 8), source.walk($0))
    }
    members += [
      .init("walks", .object(walks)), .init("frames", source.frames(limit: 1500)),
      .init("kernel", source.kernelLists),
    ]
    return .object(members)
  }

  /// All events if there are few; else all of the rare kinds, and some of the others, spread over the run.
  private static func events(_ source: PageSource, _ range: Range<UInt64>) -> JSONValue {
    let all = Set(LoggedKind.allCases)
    if source.recorder.log.count <= maxEvents { return source.events(range, kinds: all, limit: maxEvents) }
    let rare: Set<LoggedKind> = [.stale, .cr3, .flush, .invlpg, .fault, .store]
    return source.events(range, kinds: rare, limit: maxEvents, spread: true)
  }

  /// The cycles of the moments: where something happens to the address space, and between them evenly.
  private static func cycles(_ source: PageSource, count: Int) -> [UInt64] {
    let history = source.session.history
    let (first, last) = (history.firstCycle, history.newestCycle)
    let log = source.recorder.log
    var chosen: Set<UInt64> = [last]
    func add(_ cycle: UInt64) { if chosen.count < count { chosen.insert(min(max(cycle, first), last)) } }
    for report in source.recorder.stale.prefix(count / 4) {
      // Before the store and behind it, and at the use.
      if let store = report.store?.moment.cycle {
        add(store)
        add(store + 1)
      }
      add(report.use.cycle)
    }
    var rare: [UInt64] = []
    var stores: [UInt64] = []
    var firstWalk: UInt64?
    for index in 0..<log.count {
      let event = log[index]
      if firstWalk == nil, event.kind == .walk { firstWalk = event.cycle }
      if [.cr3, .flush, .fault].contains(event.kind) { rare.append(event.cycle + 1) }
      if event.kind == .store { stores.append(event.cycle + 1) }
    }
    let begin = firstWalk ?? first
    add(begin)
    /// Some of `cycles`, spread over them.
    func add(_ cycles: [UInt64], share: Int) {
      let number = min(cycles.count, max(0, count - chosen.count) / share)
      for index in 0..<number { add(cycles[index * cycles.count / number]) }
    }
    add(rare, share: 3)
    // Where tables are edited there is more to see than where time passes.
    add(stores, share: 2)
    let even = max(0, count - chosen.count)
    for index in 0..<even { add(begin + (last - begin) / UInt64(even) * UInt64(index)) }
    return chosen.sorted()
  }
}
