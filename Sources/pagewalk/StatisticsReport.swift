import FoundationEssentials

/// The two forms in which a run's counts are printed.
struct StatisticsReport {
  let statistics: RunStatistics

  /// One line, keys in alphabetical order: the same counts give the same bytes.
  func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Integers and strings alone: there is nothing here that JSON can't say.
    guard let data = try? encoder.encode(statistics) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }

  /// Lines of a name and aligned numbers, a blank line first.
  func text() -> String {
    var rows: [[String]] = [
      ["instructions", Self.grouped(statistics.instructions)],
      ["cycles", Self.grouped(statistics.cycles), "of them", Self.grouped(statistics.idleCycles), "idle"],
    ]
    for array in statistics.tlb {
      let uses = array.hits &+ array.misses
      let rate = uses == 0 ? "" : "\(Self.percent(array.hits, of: uses)) hits"
      rows.append([array.name, Self.grouped(array.hits), "hits", Self.grouped(array.misses), "misses", rate])
    }
    rows.append([
      "page walks", Self.grouped(statistics.walks.count), "walks", Self.grouped(statistics.walks.references),
      "references",
    ])
    for fault in statistics.faults {
      rows.append(["faults \(fault.name)", Self.grouped(fault.count)])
    }
    rows.append(["interrupts", Self.grouped(statistics.interrupts)])
    for (name, accesses) in [("MMIO", statistics.mmio), ("ports", statistics.ports)] {
      rows.append([name, Self.grouped(accesses.reads), "reads", Self.grouped(accesses.writes), "writes"])
    }
    return "\n" + Self.aligned(rows)
  }

  /// Columns two spaces apart: numbers to the right, words to the left, nothing behind the last.
  private static func aligned(_ rows: [[String]]) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    let lines = rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column % 2 == 1 && column < 4 ? padding + cell : cell + padding
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// `value` in groups of three digits.
  static func grouped(_ value: UInt64) -> String {
    let digits = Array(String(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// `part` of `whole` with two decimals, rounded down so that 100 means all.
  static func percent(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0, part <= whole else { return "0.00 %" }
    let hundredths = whole.dividingFullWidth(part.multipliedFullWidth(by: 10_000)).quotient
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
  }
}
