/// The two forms in which a run's counts are printed.
public struct StatisticsReport {
  let statistics: RunStatistics
  let run: Run?

  /// What was run, and what came of it.
  public struct Run: Sendable {
    let ending: RunEnding
    let status: Int32
    let image: String
    let start: String
    let machine: String

    /// - Parameters:
    ///   - status: the process's exit status.
    ///   - image: the image, as it was named.
    ///   - start: how it was started, a sentence.
    ///   - machine: the machine, as it was named.
    public init(ending: RunEnding, status: Int32, image: String, start: String, machine: String) {
      self.ending = ending
      self.status = status
      self.image = image
      self.start = start
      self.machine = machine
    }
  }

  /// - Parameter run: what was run and what came of it; nil where only the counts are wanted.
  public init(statistics: RunStatistics, run: Run? = nil) {
    self.statistics = statistics
    self.run = run
  }

  /// One object, keys in alphabetical order: the same counts give the same bytes.
  public var json: JSONValue {
    guard case .object(var members) = statistics.json else { return .null }
    if let run {
      members += [
        .init("ending", run.ending.json), .init("status", .number(UInt64(max(0, run.status)))),
        .init("image", .string(run.image)), .init("start", .string(run.start)),
        .init("machine", .string(run.machine)),
      ]
    }
    return JSONValue.object(members).sorted
  }

  // MARK: Text

  /// Lines of a name and aligned numbers, a blank line first. Where the guest was in user mode, user's and kernel's part
  /// of each number stand beside it.
  public func text() -> String {
    var rows: [[String]] = []
    let isSplit = statistics.user.cycles > 0
    if isSplit { rows.append(["", "total", "user", "kernel"]) }

    /// A number of the whole run and of both modes, with a remark on it; none where it is not modelled.
    func row(
      _ name: String, remark: ((RunStatistics.Mode) -> String)? = nil,
      _ number: (RunStatistics.Mode) -> UInt64?
    ) {
      guard let whole = number(statistics.whole) else { return }
      var row = [name, Self.grouped(whole)]
      if isSplit {
        for mode in [statistics.user, statistics.kernel] { row.append(Self.grouped(number(mode) ?? 0)) }
      }
      if let remark { row.append(remark(statistics.whole)) }
      rows.append(row)
    }

    row("instructions") { $0.instructions }
    row("cycles", remark: { Self.perInstruction($0) }) { $0.cycles }
    for (name, part) in Self.parts {
      let share: (RunStatistics.Mode) -> String = { Self.percent(part($0.breakdown) ?? 0, of: $0.cycles) }
      row("  \(name)", remark: share) { part($0.breakdown) }
    }
    for index in statistics.tlb.indices {
      let name = statistics.tlb[index].name
      row("\(name) hits", remark: { Self.hitRate($0.tlb[index]) }) { $0.tlb[index].hits }
      row("\(name) misses") { $0.tlb[index].misses }
    }
    row("page walks") { $0.walks.count }
    row("  references") { $0.walks.references }
    row("  missing L1D") { $0.walks.l1Misses }
    row("loads and stores") { $0.dataReferences }
    row("  uncached") { $0.caches?.uncachedAccesses }
    row("L1D lines in") { $0.caches?.dataLinesIn }
    row("L1I fetches") { $0.caches?.instructionFetches }
    row("  misses") { $0.caches?.instructionMisses }
    row("L2 fetches") { $0.caches?.l2InstructionFetches }
    row("L2 loads") { $0.caches?.l2Loads }
    row("L2 stores") { $0.caches?.l2Stores }
    row("L2 lines in") { $0.caches?.l2LinesIn }
    row("branches") { $0.branches?.count }
    row("  taken") { $0.branches?.taken }
    row("  mispredicted") { $0.branches?.mispredicted }
    for fault in statistics.faults { rows.append(["faults \(fault.name)", Self.grouped(fault.count)]) }
    rows.append(["interrupts", Self.grouped(statistics.interrupts)])
    for (name, accesses) in [("MMIO", statistics.mmio), ("port", statistics.ports)] {
      rows.append(["\(name) reads", Self.grouped(accesses.reads)])
      rows.append(["\(name) writes", Self.grouped(accesses.writes)])
    }
    for (name, count) in [
      ("serial characters lost", statistics.serialCharactersLost),
      ("stores into ROM", statistics.lost.romStores.count),
      ("stores to nowhere", statistics.lost.unclaimedStores.count),
      ("code bytes from nowhere", statistics.lost.unclaimedFetches.count),
    ] where count > 0 {
      rows.append([name, Self.grouped(count)])
    }
    return "\n" + TextTable.aligned(rows, rightAligned: isSplit ? [1, 2, 3, 4] : [1, 2])
  }

  /// The parts of the cycles by name, in the order of the way that an instruction goes.
  private static let parts: [(String, @Sendable (RunStatistics.Breakdown) -> UInt64?)] = [
    ("base", { $0.base }), ("fetch", { $0.fetch }), ("L1", { $0.l1 }), ("L2", { $0.l2 }),
    ("DRAM", { $0.dram }),
    ("walk", { $0.walk }), ("branch", { $0.branch }), ("I/O", { $0.io }), ("idle", { $0.idle }),
  ]

  /// Cycles an instruction, HLT's not among them.
  private static func perInstruction(_ mode: RunStatistics.Mode) -> String {
    guard mode.instructions > 0 else { return "" }
    let (hundredths, overflow) = (mode.cycles &- mode.breakdown.idle).multipliedReportingOverflow(by: 100)
    guard !overflow else { return "" }
    let value = hundredths / mode.instructions
    return "\(value / 100).\(Self.twoDigits(value % 100)) an instruction"
  }

  private static func hitRate(_ array: RunStatistics.TLBArray) -> String {
    let uses = array.hits &+ array.misses
    return uses == 0 ? "" : percent(array.hits, of: uses)
  }

  /// `value` in groups of three digits.
  public static func grouped(_ value: UInt64) -> String {
    let digits = Array(String(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// `part` of `whole` with two decimals, rounded down so that 100 means all.
  public static func percent(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0, part <= whole else { return "0.00 %" }
    let hundredths = whole.dividingFullWidth(part.multipliedFullWidth(by: 10_000)).quotient
    return "\(hundredths / 100).\(twoDigits(hundredths % 100)) %"
  }

  private static func twoDigits(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
