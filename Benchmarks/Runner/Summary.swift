import Foundation

/// The results of all emulators side by side.
struct Summary: Encodable {
  struct Emulator: Encodable {
    var name: String
    var isOurs: Bool
    var note: String?
    var peakKiB: Int?
    /// Geometric mean over the workloads, millions of instructions a second.
    var meanMinstrPerSecond: Double?
  }

  struct Run: Encodable {
    var emulator: String
    var seconds: Double
    var minstrPerSecond: Double
    var checksum: String
  }

  struct Workload: Encodable {
    var name: String
    /// As the functional level's time-stamp counter has it.
    var instructions: UInt64
    var runs: [Run]
  }

  /// How many times as fast as a peer one of our levels is.
  struct Ratio: Encodable {
    var ours: String
    var peer: String
    /// One a workload, in order.
    var workloads: [Double]
    var geometricMean: Double
  }

  var emulators: [Emulator]
  var workloads: [Workload]
  var ratios: [Ratio]
  /// Workloads whose checksums differ, as sentences.
  var disagreements: [String]

  /// The first `ours` outcomes are our timing levels, functional first; the others are peers.
  init(outcomes: [Outcome], ours: Int) throws(BenchError) {
    let reference = outcomes[0]
    workloads = reference.measurements.map { Workload(name: $0.workload, instructions: $0.ticks, runs: []) }
    emulators = []
    ratios = []
    disagreements = []
    for (index, outcome) in outcomes.enumerated() {
      var speeds: [Double] = []
      if outcome.note == nil {
        guard outcome.measurements.map(\.workload) == workloads.map(\.name) else {
          throw .malformedLine(
            outcome.emulator, line: "another list of workloads than \(reference.emulator)'s")
        }
        for (at, measured) in outcome.measurements.enumerated() {
          let speed = Double(workloads[at].instructions) / measured.seconds / 1e6
          speeds.append(speed)
          workloads[at].runs.append(
            Run(
              emulator: outcome.emulator, seconds: measured.seconds, minstrPerSecond: speed,
              checksum: measured.checksum))
          let expected = reference.measurements[at].checksum
          if measured.checksum != expected {
            disagreements.append(
              "\(measured.workload): \(outcome.emulator) computed \(measured.checksum), "
                + "\(reference.emulator) \(expected)")
          }
        }
      }
      emulators.append(
        Emulator(
          name: outcome.emulator, isOurs: index < ours, note: outcome.note, peakKiB: outcome.peakKiB,
          meanMinstrPerSecond: speeds.isEmpty ? nil : geometricMean(speeds)))
    }
    ratios = makeRatios()
  }

  /// The emulators that ran.
  private var measured: [Emulator] { emulators.filter { $0.note == nil } }

  private func speeds(of emulator: String) -> [Double] {
    workloads.flatMap { $0.runs.filter { $0.emulator == emulator }.map(\.minstrPerSecond) }
  }

  /// Each of our levels against each peer, and each slower level of ours against functional.
  private func makeRatios() -> [Ratio] {
    let ours = measured.filter(\.isOurs).map(\.name)
    let peers = measured.filter { !$0.isOurs }.map(\.name)
    let pairs = ours.dropFirst().map { ($0, ours[0]) } + ours.flatMap { level in peers.map { (level, $0) } }
    return pairs.map { level, peer in
      let each = zip(speeds(of: level), speeds(of: peer)).map { $0 / $1 }
      return Ratio(ours: level, peer: peer, workloads: each, geometricMean: geometricMean(each))
    }
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// The results as text: millions of instructions a second, then ratios.
  func table(showingPeakMemory: Bool) -> String {
    let speeds = measured.map { emulator in
      (
        title: emulator.name, of: { (row: Int) in self.speeds(of: emulator.name)[row] },
        mean: emulator.meanMinstrPerSecond
      )
    }
    var rows = [["workload", "instructions"] + speeds.map(\.title) + ratios.map { "\($0.ours)/\($0.peer)" }]
    for (index, workload) in workloads.enumerated() {
      rows.append(
        [workload.name, grouped(workload.instructions)] + speeds.map { fixed($0.of(index), 1) }
          + ratios.map { fixed($0.workloads[index], 2) })
    }
    rows.append(
      ["geometric mean", ""] + speeds.map { $0.mean.map { fixed($0, 1) } ?? "" }
        + ratios.map { fixed($0.geometricMean, 2) })

    var lines = ["Millions of instructions a second; ratios are times as fast.", ""] + aligned(rows)
    let notes = emulators.compactMap { emulator in emulator.note.map { "\(emulator.name): \($0)" } }
    if !notes.isEmpty { lines += [""] + notes }
    if showingPeakMemory {
      lines += [""]
      lines += emulators.filter(\.isOurs).compactMap { emulator in
        emulator.peakKiB.map { "peak resident memory, \(emulator.name): \(fixed(Double($0) / 1024, 1)) MiB" }
      }
    }
    if !disagreements.isEmpty { lines += ["", "CHECKSUMS DISAGREE"] + disagreements }
    return lines.joined(separator: "\n")
  }
}

/// The first column to the left, all others to the right.
private func aligned(_ rows: [[String]]) -> [String] {
  let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    row.enumerated().map { column, text in
      let padding = String(repeating: " ", count: widths[column] - text.count)
      return column == 0 ? text + padding : padding + text
    }.joined(separator: "  ")
  }
}

private func geometricMean(_ values: [Double]) -> Double {
  exp(values.map { log($0) }.reduce(0, +) / Double(values.count))
}

private func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// 1234567 as "1,234,567".
private func grouped(_ value: UInt64) -> String {
  var text = ""
  for (index, digit) in String(value).reversed().enumerated() {
    if index > 0 && index % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}
