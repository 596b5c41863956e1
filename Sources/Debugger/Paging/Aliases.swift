import IA32
import Reports

/// Physical pages that several ranges map.
struct Aliases {
  /// A physical stretch, and by how many ranges all of it is mapped.
  struct Group {
    var start: UInt64
    var end: UInt64
    var count: Int
    /// The first ones by linear address.
    var first: [MappedRange]
    /// Some map it uncached and some do not.
    var isMixed: Bool
  }

  private(set) var groups: [Group] = []
  /// More than these are not looked for.
  private static let limit = 1000

  /// - Parameter ranges: such as go on linearly and physically.
  init(_ ranges: [MappedRange]) {
    let sorted = ranges.sorted { ($0.physical, $0.linear) < ($1.physical, $1.linear) }
    let boundaries = Set(sorted.flatMap { [$0.physical, $0.physical + $0.bytes] }).sorted()
    var next = 0
    var open: [MappedRange] = []
    // Between two boundaries nothing begins or ends.
    for (start, end) in zip(boundaries, boundaries.dropFirst()) where groups.count < Self.limit {
      open.removeAll { $0.physical + $0.bytes <= start }
      while next < sorted.count, sorted[next].physical <= start {
        open.append(sorted[next])
        next += 1
      }
      if open.count > 1 { groups.append(Group(start, end, open)) }
    }
  }
}

extension Aliases.Group {
  private static let shown = 3

  fileprivate init(_ start: UInt64, _ end: UInt64, _ ranges: [MappedRange]) {
    self.start = start
    self.end = end
    count = ranges.count
    isMixed = ranges.contains(where: \.isCacheDisabled) && !ranges.allSatisfy(\.isCacheDisabled)
    first = []
    for range in ranges {
      let place = first.firstIndex { $0.linear > range.linear } ?? first.count
      guard place < Self.shown else { continue }
      first.insert(range, at: place)
      if first.count > Self.shown { first.removeLast() }
    }
  }

  var finding: Finding {
    let places = first.map { range in
      let linear = UInt64(range.linear) + (start - range.physical)
      return "\(LinearAddress(UInt32(truncatingIfNeeded: linear))) (\(range.rights))"
    }
    let more = count > first.count ? " and \(count - first.count) more" : ""
    let text =
      "physical \(PhysicalAddress(start))-\(PhysicalAddress(end - 1)) is mapped \(count) times: "
      + "at \(places.joined(separator: ", "))\(more)"
    return isMixed
      ? Finding(.wrong, text + ", in some places cached and in others not", "SDM 3A 11.12.4")
      : Finding(.note, text, "SDM 3A 4.10.2.1")
  }
}
