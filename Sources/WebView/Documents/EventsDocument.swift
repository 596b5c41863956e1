import Emulator
import IA32
import Reports

extension PageSource {
  /// How many events of each kind fall into `bins` equal stretches of `range`.
  public func timeline(_ range: Range<UInt64>, bins: Int) -> JSONValue {
    recorder.synchronize()
    let timeline = recorder.log.timeline(range, bins: min(max(bins, 1), 8192))
    return .object([
      .init("from", .number(timeline.from)), .init("width", .number(timeline.width)),
      .init(
        "counts",
        .object(
          zip(LoggedKind.allCases, timeline.counts).map { kind, counts in
            .init("\(kind)", .array(counts.contains { $0 > 0 } ? counts.map { .count($0) } : []))
          })),
    ])
  }

  /// Events of `kinds` in `range`: at most `limit`, the first ones, or spread over the range where `spread` is set.
  public func events(
    _ range: Range<UInt64>, kinds: Set<LoggedKind>, limit: Int, spread: Bool = false
  ) -> JSONValue {
    recorder.synchronize()
    let log = recorder.log
    let (first, last) = (log.firstIndex(at: range.lowerBound), log.firstIndex(at: range.upperBound))
    var found: [Int] = []
    var total = 0
    for index in first..<last where kinds.contains(log[index].kind) {
      total += 1
      if spread || found.count < limit { found.append(index) }
    }
    if found.count > limit {
      let all = found
      found = (0..<limit).map { all[$0 * all.count / limit] }
    }
    var places: [UInt32: String] = [:]
    for index in found where places[log[index].at] == nil {
      places[log[index].at] = session.describe(log[index].at)
    }
    return .object([
      .init("total", .count(total)), .init("complete", .bool(found.count == total && log.notKept == 0)),
      .init("rows", .array(found.map { row($0, log[$0]) })),
      .init(
        "places",
        .object(
          places.sorted { $0.key < $1.key }.map {
            .init(hexadecimal(UInt64($0.key), digits: 8), .string($0.value))
          })),
    ])
  }

  /// [number, cycle, kind, linear, at, value, detail, flags]; addresses and values in hexadecimal digits.
  private func row(_ index: Int, _ event: LoggedEvent) -> JSONValue {
    .array([
      .count(index), .number(event.cycle), .count(event.kind.rawValue),
      .string(hexadecimal(UInt64(event.linear), digits: 8)),
      .string(hexadecimal(UInt64(event.at), digits: 8)),
      .string(String(event.value, radix: 16)), .string(String(event.detail, radix: 16)), .count(event.flags),
    ])
  }

  /// Fills of one TLB array, by set and by stretch of time: where its misses were.
  public func misses(_ array: Int, _ range: Range<UInt64>, bins: Int) -> JSONValue {
    recorder.synchronize()
    let log = recorder.log
    let names = TLBArrayName.allCases
    guard names.indices.contains(array) else { return .null }
    let sets = machine.tlbSize(names[array]).sets
    let bins = min(max(bins, 1), 512)
    let width = max(1, (range.upperBound - range.lowerBound + UInt64(bins) - 1) / UInt64(bins))
    var counts = [[UInt32]](repeating: .init(repeating: 0, count: bins), count: sets)
    for index in log.firstIndex(at: range.lowerBound)..<log.firstIndex(at: range.upperBound) {
      let event = log[index]
      guard event.kind == .fill, event.place.array == array, event.place.set < sets else { continue }
      counts[event.place.set][Int((event.cycle - range.lowerBound) / width)] &+= 1
    }
    return .object([
      .init("array", .count(array)), .init("from", .number(range.lowerBound)), .init("width", .number(width)),
      .init("sets", .array(counts.map { .array($0.map { .count($0) }) })),
    ])
  }
}
