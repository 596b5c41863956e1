/// The first place at which a run, or another trace, is not as the golden says.
public struct Divergence: Sendable {
  /// What kind of difference it is.
  public enum Kind: Sendable {
    /// The same event with other fields, or another event altogether: "kind" is the first field then.
    case fields([String])
    /// What happened is the same, and when is not.
    case time
    /// The golden goes on and the run has ended, or the other way round.
    case missing
    case extra
    /// All events are the same and the run ended otherwise.
    case ending
    /// One of two builds maps a page of its image with rights that the other maps none with.
    case imageRights
  }

  /// What differs.
  public var kind: Kind
  /// The event's number, counted from 1.
  public var number: UInt64
  /// The golden's event; nil where it has ended.
  public var golden: TraceEvent?
  /// The run's event; nil where it has ended.
  public var run: TraceEvent?
  /// The golden's last events before it, which the run has too.
  public var context: [TraceEvent] = []
  /// Their numbers, counted from 1, where they don't just lead up to `number`.
  var contextNumbers: [UInt64] = []
  /// How the golden ends, where that matters.
  public var goldenEnding: TraceEnding?
  /// How the run ended, where that matters.
  public var runEnding: TraceEnding?

  /// Whether what happened is the same, and when is not.
  public var isTimingOnly: Bool { if case .time = kind { true } else { false } }
}

/// How much a difference in time matters.
public enum TimingComparison: Hashable, Sendable {
  /// Every cycle.
  case strict
  /// An event may come earlier or later by this percentage of its cycle.
  case tolerance(percent: Double)
  /// Not at all.
  case off
}

/// Compares two events.
public struct EventComparison: Sendable {
  /// How much a difference in time matters.
  public var timing: TimingComparison
  /// Whether instructions are counted.
  public var comparesCounts: Bool

  /// A comparison of that strictness.
  public init(timing: TimingComparison, comparesCounts: Bool) {
    self.timing = timing
    self.comparesCounts = comparesCounts
  }

  /// What differs; nil where nothing does.
  func difference(_ golden: TraceEvent, _ run: TraceEvent) -> Divergence.Kind? {
    let names = fieldDifference(golden, run)
    if !names.isEmpty { return .fields(names) }
    return isInTime(golden.moment.cycle, run.moment.cycle) && isInTime(golden.duration, run.duration)
      ? nil : .time
  }

  private func fieldDifference(_ golden: TraceEvent, _ run: TraceEvent) -> [String] {
    guard golden.kind == run.kind else { return ["kind"] }
    var names: [String] = []
    for (index, field) in EventSchema.fields(of: golden.kind).enumerated()
    where golden.has(index) != run.has(index) || golden[index] != run[index] {
      names.append(field.name)
    }
    if golden.moment.processor != run.moment.processor { names.append("processor") }
    if golden.moment.linear != run.moment.linear || golden.moment.eip != run.moment.eip {
      names.append("eip")
    }
    if comparesCounts, golden.moment.instruction != run.moment.instruction { names.append("instruction") }
    return names
  }

  func isInTime(_ golden: UInt64, _ run: UInt64) -> Bool {
    switch timing {
    case .strict: return golden == run
    case .off: return true
    case .tolerance(let percent):
      let difference = golden > run ? golden - run : run - golden
      // Short times differ by more than they are long.
      return difference <= 100 || Double(difference) <= Double(golden) * percent / 100
    }
  }
}
