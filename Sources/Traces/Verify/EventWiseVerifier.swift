import Emulator

/// Compares decoded events one by one, as far as two builds can be compared.
final class EventWiseVerifier {
  private let cursor: TraceCursor
  private let comparison: EventComparison
  private let builds: BuildComparison?
  private var effectsOfGolden: LayoutEffects?
  private var effectsOfRun: LayoutEffects?
  /// The golden's event that waits for one of the run.
  private var next: TraceEvent?
  private var isNextEffect = false
  private var hasEnded = false
  private var recent: [(number: UInt64, event: TraceEvent)] = []
  /// How many events of the run came.
  private var taken: UInt64 = 0
  /// How many events were the same.
  private(set) var compared: UInt64 = 0

  private static let contextCount = 5

  /// - Parameter builds: the golden's build and the run's, where they differ.
  init(
    _ golden: any BlockSource, _ comparison: EventComparison,
    builds: (golden: BuildNames, run: BuildNames)?
  ) {
    cursor = TraceCursor(golden)
    self.comparison = comparison
    self.builds = builds.map {
      BuildComparison(golden: $0.golden, run: $0.run, memoryBytes: golden.header.memoryBytes)
    }
    effectsOfGolden = builds.map { LayoutEffects($0.golden, golden.header.kinds) }
    effectsOfRun = builds.map { LayoutEffects($0.run, golden.header.kinds) }
  }

  private func divergence(
    _ kind: Divergence.Kind, _ number: UInt64, golden: TraceEvent? = nil, run: TraceEvent? = nil,
    runEnding: TraceEnding? = nil
  ) -> Divergence {
    var divergence = Divergence(kind: kind, number: number, golden: golden, run: run, runEnding: runEnding)
    // The golden's last events that were the same.
    divergence.context = recent.suffix(Self.contextCount).map(\.event)
    divergence.contextNumbers = recent.suffix(Self.contextCount).map(\.number)
    return divergence
  }

  private func fetch() throws(TraceError) {
    guard next == nil, !hasEnded else { return }
    next = try cursor.next()
    hasEnded = next == nil
    if let next { isNextEffect = effectsOfGolden?.take(next, number: cursor.number) ?? false }
  }

  /// Compares the run's next event with the golden's.
  func take(_ run: TraceEvent) throws(TraceError) -> Divergence? {
    taken += 1
    let isEffect = effectsOfRun?.take(run, number: taken) ?? false
    while true {
      try fetch()
      guard let golden = next else {
        if isEffect { return nil }
        return divergence(.extra, cursor.number + 1, run: run)
      }
      guard let kind = difference(golden, run) else {
        next = nil
        note(golden)
        return nil
      }
      if isNextEffect {
        next = nil
      } else if isEffect {
        return nil
      } else {
        return divergence(kind, cursor.number, golden: golden, run: run)
      }
    }
  }

  private func difference(_ golden: TraceEvent, _ run: TraceEvent) -> Divergence.Kind? {
    guard let builds else { return comparison.difference(golden, run) }
    let kind = comparison.difference(golden, builds.inTerms(of: golden, run))
    if kind == nil { builds.commit() } else { builds.rollBack() }
    return kind
  }

  private func note(_ golden: TraceEvent) {
    compared += 1
    if recent.count == 2 * Self.contextCount { recent.removeFirst(Self.contextCount) }
    recent.append((cursor.number, golden))
  }

  /// The run has ended: what the golden has beyond, or what one side has of the image's rights and the other not.
  func finish(_ ending: TraceEnding?) throws(TraceError) -> Divergence? {
    while true {
      try fetch()
      guard let golden = next else { break }
      guard isNextEffect else {
        return divergence(.missing, cursor.number, golden: golden, runEnding: ending)
      }
      next = nil
    }
    guard let effectsOfGolden, let effectsOfRun else { return nil }
    if let (number, event) = effectsOfGolden.unmatched(in: effectsOfRun) {
      return Divergence(kind: .imageRights, number: number, golden: event)
    }
    if let (number, event) = effectsOfRun.unmatched(in: effectsOfGolden) {
      return Divergence(kind: .imageRights, number: number, run: event)
    }
    return nil
  }
}

/// Compares two recorded traces.
public enum TraceDiff {
  /// The first difference of two traces; nil if there is none. `compared` counts the events that are the same.
  ///
  /// Traces of different builds are compared by the names of places.
  ///
  /// - Throws: `TraceError` for a trace that is damaged or was not finished.
  public static func run(
    _ a: any BlockSource, _ b: any BlockSource, timing: TimingComparison, compared: inout UInt64
  ) throws(TraceError) -> Divergence? {
    let isSameBuild = a.header.imageDigest == b.header.imageDigest
    let isExact = a.header.isExact && b.header.isExact
    let comparison = EventComparison(timing: isExact ? timing : .off, comparesCounts: isExact && isSameBuild)
    let builds = isSameBuild ? nil : (golden: BuildNames(of: a), run: BuildNames(of: b))
    let verifier = EventWiseVerifier(a, comparison, builds: builds)
    defer { compared = verifier.compared }
    let cursor = TraceCursor(b)
    while let event = try cursor.next() {
      if let divergence = try verifier.take(event) { return divergence }
    }
    if let divergence = try verifier.finish(b.ending) { return divergence }
    if let endA = a.ending, let endB = b.ending, endA.reason != endB.reason {
      return Divergence(
        kind: .ending, number: verifier.compared, goldenEnding: endA, runEnding: endB)
    }
    return nil
  }
}

extension BuildNames {
  /// The build that a trace was recorded from, as far as the trace tells.
  init(of trace: any BlockSource) {
    let map = trace.map
    self.init(map: map) { [unowned trace] in trace.symbol(at: $0) ?? map.symbol(at: $0) }
  }
}
