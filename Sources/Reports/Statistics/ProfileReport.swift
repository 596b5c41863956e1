/// The two forms in which a profile is written: tables for people, folded stacks for viewers.
public struct ProfileReport {
  let profile: Profile
  /// The image's name.
  let image: String
  /// Cycles between two samples on average.
  let period: UInt64

  /// - Parameters:
  ///   - image: the image's name.
  ///   - period: cycles between two samples on average.
  public init(profile: Profile, image: String, period: UInt64) {
    self.profile = profile
    self.image = image
    self.period = period
  }

  // MARK: Tables

  /// Tables by symbol and, where the image has DWARF, by source line: what took most first.
  public func text() -> String {
    let count = StatisticsReport.grouped(UInt64(profile.samples))
    var text = """
      \(image): \(StatisticsReport.grouped(profile.total.cycles)) cycles, of them \
      \(StatisticsReport.grouped(profile.total.walkCycles)) of page walks, in \(count) samples of \
      \(StatisticsReport.grouped(period)) cycles on average

      """
    text += "\n" + table(profile.symbols, heading: "symbol")
    if !profile.lines.isEmpty { text += "\n" + table(profile.lines, heading: "line") }
    return text
  }

  private func table(_ shares: [Profile.Place: Profile.Share], heading: String) -> String {
    let sorted = shares.sorted { a, b in
      (b.value.cycles, b.value.walkCycles, a.key.name, a.key.isUser ? 1 : 0)
        < (a.value.cycles, a.value.walkCycles, b.key.name, b.key.isUser ? 1 : 0)
    }
    var rows = [["cycles", "", "walk cycles", "", "mode", heading]]
    for (place, share) in sorted {
      rows.append([
        StatisticsReport.grouped(share.cycles),
        StatisticsReport.percent(share.cycles, of: profile.total.cycles),
        StatisticsReport.grouped(share.walkCycles),
        share.walkCycles == 0 ? "" : StatisticsReport.percent(share.walkCycles, of: profile.total.walkCycles),
        Profile.mode(place.isUser), place.name,
      ])
    }
    return TextTable.aligned(rows, rightAligned: [0, 1, 2, 3])
  }

  // MARK: Folded stacks

  /// What a folded stack counts.
  public enum Measure {
    case cycles
    case walkCycles
  }

  /// One line a stack: frames from the root on with semicolons between them, a blank, the number. The format of Brendan
  /// Gregg's stackcollapse scripts, which flamegraph.pl and speedscope read.
  public func folded(_ measure: Measure) -> String {
    var lines: [String] = []
    for (stack, share) in profile.stacks {
      let value = measure == .cycles ? share.cycles : share.walkCycles
      guard value > 0 else { continue }
      let frames = stack.map { $0.replacing(";", with: ":") }
      lines.append("\(frames.joined(separator: ";")) \(value)\n")
    }
    return lines.sorted().joined()
  }
}
