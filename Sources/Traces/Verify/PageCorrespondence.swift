/// Which page of a run stands for which of the golden: the first that is seen where the golden has another one takes its place,
/// and keeps it.
struct PageCorrespondence {
  private var runs: [UInt64: UInt64] = [:]
  private var goldens: [UInt64: UInt64] = [:]
  /// Pairs that were made for the event at hand: it may still turn out to be another one.
  private var pending: [(golden: UInt64, run: UInt64)] = []

  /// Pairs that are kept. Beyond, what is not known is taken for the same.
  private static let maxPairs = 1 << 20

  /// What is known of two pages.
  enum Knowledge {
    case same, different, unknown
  }

  /// Whether the pages stand for each other.
  func knowledge(_ golden: UInt64, _ run: UInt64) -> Knowledge {
    let knownRun = runs[golden] ?? pending.first { $0.golden == golden }?.run
    let knownGolden = goldens[run] ?? pending.first { $0.run == run }?.golden
    if knownRun == nil, knownGolden == nil { return .unknown }
    return knownRun == run && knownGolden == golden ? .same : .different
  }

  /// From the event at hand on, the pages stand for each other.
  mutating func pair(_ golden: UInt64, _ run: UInt64) { pending.append((golden, run)) }

  /// The event at hand was the same.
  mutating func commit() {
    for pair in pending where runs.count < Self.maxPairs {
      runs[pair.golden] = pair.run
      goldens[pair.run] = pair.golden
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// The event at hand was another one.
  mutating func rollBack() { pending.removeAll(keepingCapacity: true) }
}
