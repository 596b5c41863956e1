import Emulator

/// Holds a run against a golden while it runs, in constant memory.
///
/// Where nothing but equality counts, the run's events are coded as the golden's were and the bytes are compared: no event of
/// the golden is decoded before one differs.
public final class TraceVerifier {
  private let golden: any BlockSource
  private let comparison: EventComparison
  private let bytes: UnsafeMutablePointer<ByteComparer>
  private var block: TraceBlock?
  private var previous: TraceBlock?
  private var isByBytes: Bool
  /// For builds that differ: events are compared one by one.
  private let byEvent: EventWiseVerifier?

  /// How many events were the same.
  public var compared: UInt64 { byEvent?.compared ?? bytes.pointee.compared }
  /// The first difference; nil as long as there is none.
  public private(set) var divergence: Divergence? { didSet { isDecided = true } }
  /// Why the golden could not be read on.
  public private(set) var failure: TraceError? { didSet { isDecided = true } }

  /// Whether there is no point in going on.
  public private(set) var isDecided = false

  /// A verifier before the golden's first event.
  ///
  /// - Parameters:
  ///   - map: the names of the image that runs.
  ///   - symbol: the symbol of an instruction of the run, such as "flush_one+0x4".
  ///   - isSameBuild: otherwise places are compared by their names.
  /// - Throws: `TraceError` for a golden whose first block can't be read.
  public init(
    golden: any BlockSource, timing: TimingComparison, isSameBuild: Bool, map: ImageMap,
    symbol: @escaping (UInt32) -> String?
  ) throws(TraceError) {
    self.golden = golden
    let isExact = golden.header.isExact
    comparison = EventComparison(
      timing: isExact ? timing : .off, comparesCounts: isExact && isSameBuild)
    bytes = .allocate(capacity: 1)
    bytes.initialize(to: ByteComparer(ignoresTime: comparison.timing == .off))
    isByBytes = isSameBuild && isExact
    if case .tolerance = timing { isByBytes = false }
    let builds = (golden: BuildNames(of: golden), run: BuildNames(map: map, symbol: symbol))
    byEvent = isByBytes ? nil : EventWiseVerifier(golden, comparison, builds: isSameBuild ? nil : builds)
    if byEvent == nil { take(try golden.nextBlock()) }
  }

  deinit {
    bytes.deinitialize(count: 1)
    bytes.deallocate()
  }

  /// Takes the run's next event. Returns whether to go on.
  @inline(__always)
  public func take(_ event: MachineEvent, _ moment: EventMoment) -> Bool {
    if isByBytes {
      let bytes = bytes
      if bytes.pointee.count > 0, bytes.pointee.take(event, moment) {
        return bytes.pointee.isAtEndOfBlock ? nextBlock() : true
      }
    }
    return takeSlowly(event, moment)
  }

  // MARK: By bytes

  @inline(never)
  private func takeSlowly(_ event: MachineEvent, _ moment: EventMoment) -> Bool {
    guard !isDecided else { return false }
    if byEvent != nil {
      takeByEvent(event, moment)
    } else if bytes.pointee.count > 0 {
      diverge(TraceEvent(event, moment))
    } else if wasStopped {
      isDecided = true
    } else {
      divergence = Divergence(
        kind: .extra, number: compared + 1, run: TraceEvent(event, moment), context: context(upTo: nil))
    }
    return !isDecided
  }

  private func take(_ block: TraceBlock?) {
    self.block = block
    bytes.pointee.begin(block)
  }

  @inline(never)
  private func nextBlock() -> Bool {
    previous = block
    guard bytes.pointee.isWhole else {
      failure = damagedEvent
      isByBytes = false
      return false
    }
    do throws(TraceError) {
      take(try golden.nextBlock())
      // Behind the end of a recording that was stopped nothing can be compared.
      if block == nil, wasStopped { isDecided = true }
    } catch {
      failure = error
    }
    if isDecided { isByBytes = false }
    return !isDecided
  }

  /// The bytes differ: find out what they say.
  @inline(never)
  private func diverge(_ run: TraceEvent) {
    guard let block else { return }
    // What comes after a difference is not compared.
    isByBytes = false
    let index = bytes.pointee.encoder.count &- 1
    var decoder = EventDecoder(events: block.events, times: block.times, count: block.count)
    for _ in 0..<index { _ = decoder.next() }
    guard let event = decoder.next() else {
      failure = damagedEvent
      return
    }
    // A block may end otherwise for all the same events; then there is nothing to tell.
    guard let kind = comparison.difference(event, run) else {
      failure = TraceError(
        file: golden.file, .corrupt, "event \(compared + 1) is coded in no way that a recorder does",
        expected: "a trace as it was recorded")
      return
    }
    divergence = Divergence(
      kind: kind, number: compared + 1, golden: event, run: run, context: context(upTo: (block, index)))
  }

  private var damagedEvent: TraceError {
    TraceError(
      file: golden.file, .corrupt, "event \(compared + 1) is damaged", expected: "a trace as it was recorded")
  }

  private static let contextCount = 5

  /// The golden's last few events before the one with that index in its block.
  private func context(upTo place: (block: TraceBlock, index: UInt32)?) -> [TraceEvent] {
    var events: [TraceEvent] = []
    func read(_ block: TraceBlock, _ end: UInt32) {
      var decoder = EventDecoder(events: block.events, times: block.times, count: block.count)
      for index in 0..<end {
        guard let event = decoder.next() else { return }
        if Int(end - index) <= Self.contextCount { events.append(event) }
      }
    }
    if let previous, (place?.index ?? 0) < UInt32(Self.contextCount) { read(previous, previous.count) }
    if let place { read(place.block, place.index) }
    return events.suffix(Self.contextCount)
  }

  // MARK: By events

  private func takeByEvent(_ event: MachineEvent, _ moment: EventMoment) {
    guard let byEvent else { return }
    do throws(TraceError) {
      if let found = try byEvent.take(TraceEvent(event, moment)) {
        if case .extra = found.kind, wasStopped { isDecided = true } else { divergence = found }
      } else if wasStopped, compared == golden.ending?.events {
        isDecided = true
      }
    } catch {
      failure = error
    }
  }

  // MARK: The end

  /// The run has ended: has the golden, and in the same way?
  public func finish(_ ending: TraceEnding) {
    guard !isDecided else { return }
    do throws(TraceError) {
      if let byEvent {
        if let found = try byEvent.finish(ending) { divergence = found }
      } else if let block {
        var decoder = EventDecoder(events: block.events, times: block.times, count: block.count)
        for _ in 0..<bytes.pointee.encoder.count { _ = decoder.next() }
        if let event = decoder.next() {
          divergence = Divergence(
            kind: .missing, number: compared + 1, golden: event,
            context: context(upTo: (block, bytes.pointee.encoder.count)),
            runEnding: ending)
        } else if !decoder.isAtEnd || !decoder.isSound {
          // The block's header promises more events than there are.
          failure = damagedEvent
        }
      }
    } catch {
      failure = error
      return
    }
    guard !isDecided, !wasStopped, let expected = golden.ending else { return }
    if expected.reason != ending.reason {
      divergence = Divergence(
        kind: .ending, number: compared, context: [], goldenEnding: expected, runEnding: ending)
    } else if comparison.comparesCounts, !comparison.isInTime(expected.cycles, ending.cycles) {
      divergence = Divergence(
        kind: .time, number: compared, context: [], goldenEnding: expected, runEnding: ending)
    }
  }

  /// Whether the golden's recorder was stopped: behind its last event nothing can be compared.
  private var wasStopped: Bool { golden.ending?.wasInterrupted ?? false }
}

extension ImageMap {
  /// Such as "flush_one+0x4".
  public func symbol(at linear: UInt32) -> String? {
    let inside = contains(linear: linear) ? linear : linked(ofPhysical: UInt64(linear))
    return inside.flatMap { name(at: $0) }.map {
      $0.name.name + ($0.offset == 0 ? "" : "+0x" + String($0.offset, radix: 16))
    }
  }
}
