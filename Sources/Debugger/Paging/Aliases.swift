import IA32

/// Physical pages that several ranges map.
struct Aliases {
  /// A physical stretch and the ranges that all of it is mapped by.
  struct Group {
    var start: UInt64
    var end: UInt64
    /// By linear address.
    var ranges: [MappedRange]
  }

  private(set) var groups: [Group] = []

  /// - Parameter ranges: such as go on linearly and physically.
  init(_ ranges: [MappedRange]) {
    let sorted = ranges.sorted { ($0.physical, $0.linear) < ($1.physical, $1.linear) }
    let boundaries = Set(sorted.flatMap { [$0.physical, $0.physical + $0.bytes] }).sorted()
    var next = 0
    var open: [MappedRange] = []
    // Between two boundaries nothing begins or ends.
    for (start, end) in zip(boundaries, boundaries.dropFirst()) {
      open.removeAll { $0.physical + $0.bytes <= start }
      while next < sorted.count, sorted[next].physical <= start {
        open.append(sorted[next])
        next += 1
      }
      guard open.count > 1 else { continue }
      groups.append(Group(start: start, end: end, ranges: open.sorted { $0.linear < $1.linear }))
    }
  }
}

extension Aliases.Group {
  private static let shown = 3

  var finding: Finding {
    let places = ranges.prefix(Self.shown).map { range in
      let linear = UInt64(range.linear) + (start - range.physical)
      return "\(LinearAddress(UInt32(truncatingIfNeeded: linear))) (\(range.rights))"
    }
    let more = ranges.count > Self.shown ? " and \(ranges.count - Self.shown) more" : ""
    let text =
      "physical \(PhysicalAddress(start))-\(PhysicalAddress(end - 1)) is mapped \(ranges.count) times: at \(places.joined(separator: ", "))\(more)"
    let isMixed = ranges.contains(where: \.isCacheDisabled) && !ranges.allSatisfy(\.isCacheDisabled)
    return isMixed
      ? Finding(.wrong, text + ", in some places cached and in others not", "SDM 3A 11.12.4")
      : Finding(.note, text, "SDM 3A 4.10.2.1")
  }
}
