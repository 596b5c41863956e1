import Emulator
import IA32
import Reports

/// A divergence in words: what differs, both sides, what came before.
public struct DivergenceReport: Sendable {
  /// What to say of an instruction's place, such as "flush_one+0x4 (tlb.c:12)".
  public typealias Places = (UInt32) -> String?

  /// The report, a line each.
  public let lines: [String]

  /// The report of a divergence.
  ///
  /// - Parameters:
  ///   - names: what the two sides are called: "golden" and "run", or two files.
  ///   - registers: of the run, lines for people; none where nothing ran.
  public init(
    _ divergence: Divergence, isExact: Bool, names: (golden: String, run: String) = ("golden", "run"),
    golden: Places, run: Places, registers: [String] = []
  ) {
    var lines: [String] = []
    let width = max(names.golden.count, names.run.count)
    func side(_ name: String, _ event: TraceEvent?, _ places: Places, orElse: String) -> String {
      let padded = "  \(name):" + String(repeating: " ", count: width - name.count + 1)
      return padded + (event.map { Self.text($0, isExact, places) } ?? orElse)
    }
    lines.append(Self.headline(divergence, names))
    if let flush = Self.missingFlush(divergence, names, golden) { lines.append("  \(flush)") }
    if divergence.golden != nil || divergence.run != nil {
      var (goldenEnd, end) = ("no event: it ends here", "no event: it ends here")
      if let ending = divergence.runEnding { end = "no event: it has ended (\(ending.reason))" }
      if case .imageRights = divergence.kind { (goldenEnd, end) = ("no such walk", "no such walk") }
      lines.append(side(names.golden, divergence.golden, golden, orElse: goldenEnd))
      lines.append(side(names.run, divergence.run, run, orElse: end))
    }
    if let differing = Self.differing(divergence, names) { lines.append("  differs: \(differing)") }
    if !divergence.context.isEmpty {
      lines.append("  before it, the same in both:")
      let first = divergence.number &- UInt64(divergence.context.count)
      for (index, event) in divergence.context.enumerated() {
        let numbers = divergence.contextNumbers
        let number = index < numbers.count ? numbers[index] : first + UInt64(index)
        lines.append("    \(number): \(Self.text(event, isExact, golden))")
      }
    }
    if !registers.isEmpty {
      lines.append("  registers after that instruction of the run:")
      lines += registers.map { "    \($0)" }
    }
    self.lines = lines
  }

  /// The report as one text.
  public var text: String { lines.map { $0 + "\n" }.joined() }

  private static func text(_ event: TraceEvent, _ isExact: Bool, _ places: Places) -> String {
    TextLayout.line(event, isExact: isExact, place: places(event.moment.linear))
  }

  private static func headline(_ divergence: Divergence, _ names: (golden: String, run: String)) -> String {
    let number = divergence.number
    switch divergence.kind {
    case .fields: return "event \(number) is not the \(names.golden)'s"
    case .missing: return "event \(number) of the \(names.golden) does not come: the \(names.run) has ended"
    case .extra: return "event \(number) is one more than the \(names.golden) has"
    case .ending:
      let (golden, run) = (divergence.goldenEnding?.reason ?? "?", divergence.runEnding?.reason ?? "?")
      return
        "all \(number) events are the same, and the \(names.run) ends with '\(run)' instead of '\(golden)'"
    case .imageRights:
      let (has, lacks) = divergence.golden == nil ? (names.run, names.golden) : (names.golden, names.run)
      return
        "event \(number) of the \(has) finds a page of the image mapped with rights that the \(lacks) maps none with"
    case .time:
      if let golden = divergence.goldenEnding?.cycles, let run = divergence.runEnding?.cycles {
        return "only the time differs: the \(names.run) ends at cycle \(run) instead of \(golden)"
      }
      return "only the time differs, from event \(number) on: what happened is the same up to here"
    }
  }

  private static func differing(_ divergence: Divergence, _ names: (golden: String, run: String)) -> String? {
    guard let golden = divergence.golden, let run = divergence.run else { return nil }
    func both(_ a: String, _ b: String) -> String { "\(a) in the \(names.golden), \(b) in the \(names.run)" }
    switch divergence.kind {
    case .fields(let fields):
      return fields.map { name in
        guard let values = values(name, golden, run) else { return name }
        return "\(name) (\(both(values.0, values.1)))"
      }.joined(separator: ", ")
    case .time:
      if golden.moment.cycle == run.moment.cycle {
        return "cycles of the walk (\(both("\(golden.duration)", "\(run.duration)")))"
      }
      let later = run.moment.cycle > golden.moment.cycle
      let by = later ? run.moment.cycle - golden.moment.cycle : golden.moment.cycle - run.moment.cycle
      let cycles = both("\(golden.moment.cycle)", "\(run.moment.cycle)")
      return "cycle (\(cycles): \(by) \(later ? "later" : "earlier"))"
    default: return nil
    }
  }

  private static func values(_ name: String, _ golden: TraceEvent, _ run: TraceEvent) -> (String, String)? {
    switch name {
    case "kind": return (golden.kind.name, run.kind.name)
    case "eip":
      return (
        hexadecimal(UInt64(golden.moment.eip), digits: 8), hexadecimal(UInt64(run.moment.eip), digits: 8)
      )
    case "processor": return ("\(golden.moment.processor)", "\(run.moment.processor)")
    case "instruction": return ("\(golden.moment.instruction)", "\(run.moment.instruction)")
    default:
      let fields = EventSchema.fields(of: golden.kind)
      guard let index = fields.firstIndex(where: { $0.name == name }) else { return nil }
      func text(_ event: TraceEvent) -> String {
        event.has(index) ? fields[index].text(event[index]) : "none"
      }
      return (text(golden), text(run))
    }
  }

  /// The most useful thing to say where it applies: a flush of the golden is not there any more.
  private static func missingFlush(
    _ divergence: Divergence, _ names: (golden: String, run: String), _ places: Places
  ) -> String? {
    guard let golden = divergence.golden, golden.kind == .flush else { return nil }
    if let run = divergence.run, run.kind == .flush, run[FlushFields.by] == golden[FlushFields.by] {
      return nil
    }
    let what =
      switch FlushFields.Cause(rawValue: golden[FlushFields.by]) {
      case .invlpg: "INVLPG of \(hexadecimal(golden[FlushFields.linear], digits: 8))"
      case .cr3: "MOV to CR3 of \(hexadecimal(golden[FlushFields.cr3], digits: 8))"
      default: "a flush of everything by MOV to CR0 or CR4"
      }
    let place = places(golden.moment.linear) ?? hexadecimal(UInt64(golden.moment.linear), digits: 8)
    return "missing flush: the \(names.golden) has \(what) here, in \(place); the \(names.run) has not"
  }
}
