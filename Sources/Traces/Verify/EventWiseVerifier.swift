/// Compares decoded events, as far as two builds can be compared.
final class EventWiseVerifier {
  private let cursor: TraceCursor
  private let comparison: EventComparison
  private let goldenProjection: Projection?
  private let runProjection: Projection?
  private var recent: [TraceEvent] = []
  private var number: UInt64 = 0

  private static let contextCount = 5

  init(
    _ golden: any BlockSource, _ comparison: EventComparison, _ goldenProjection: Projection?,
    _ runProjection: Projection?
  ) {
    cursor = TraceCursor(golden)
    self.comparison = comparison
    self.goldenProjection = goldenProjection
    self.runProjection = runProjection
  }

  /// The golden's last events.
  var context: [TraceEvent] { recent.suffix(Self.contextCount) }

  func nextOfGolden() throws(TraceError) -> TraceEvent? { try cursor.next() }

  /// Compares the run's next event with the golden's.
  func take(_ run: TraceEvent) throws(TraceError) -> Divergence? {
    number += 1
    guard let golden = try cursor.next() else {
      return Divergence(kind: .extra, number: number, run: run, context: context)
    }
    let kind = comparison.difference(goldenProjection?(golden) ?? golden, runProjection?(run) ?? run)
    if let kind {
      return Divergence(kind: kind, number: number, golden: golden, run: run, context: context)
    }
    if recent.count == 2 * Self.contextCount { recent.removeFirst(Self.contextCount) }
    recent.append(golden)
    return nil
  }
}

/// Compares two recorded traces.
public enum TraceDiff {
  /// The first difference of two traces; nil if there is none. `compared` counts the events that are the same.
  ///
  /// Traces of different builds are compared by the names of places.
  public static func run(
    _ a: any BlockSource, _ b: any BlockSource, timing: TimingComparison, compared: inout UInt64
  ) throws(TraceError) -> Divergence? {
    let isSameBuild = a.header.imageDigest == b.header.imageDigest
    let isExact = a.header.isExact && b.header.isExact
    let comparison = EventComparison(timing: isExact ? timing : .off, comparesCounts: isExact && isSameBuild)
    let (mapA, mapB) = (a.form == .binary ? a.map : nil, b.form == .binary ? b.map : nil)
    let named = mapA != nil && mapB != nil
    let projections: (Projection, Projection)? =
      isSameBuild
      ? nil
      : (
        Projection(map: named ? mapA : nil, other: mapA ?? mapB) { a.symbol(at: $0) ?? mapA?.symbol(at: $0) },
        Projection(map: named ? mapB : nil, other: mapA ?? mapB) { b.symbol(at: $0) ?? mapB?.symbol(at: $0) }
      )
    let verifier = EventWiseVerifier(a, comparison, projections?.0, projections?.1)
    let cursor = TraceCursor(b)
    while let event = try cursor.next() {
      if let divergence = try verifier.take(event) { return divergence }
      compared += 1
    }
    if let event = try verifier.nextOfGolden() {
      return Divergence(
        kind: .missing, number: compared + 1, golden: event, context: verifier.context, runEnding: b.ending)
    }
    if let endA = a.ending, let endB = b.ending, endA.reason != endB.reason {
      return Divergence(kind: .ending, number: compared, goldenEnding: endA, runEnding: endB)
    }
    return nil
  }
}
