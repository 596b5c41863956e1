import Reports

/// What came of one golden.
struct TestResult: Sendable {
  enum Outcome: Sendable {
    case passed(events: UInt64)
    /// The report's lines.
    case failed([String], isTimingOnly: Bool)
    /// It could not be compared: one sentence.
    case unusable(String)
  }

  var name: String
  var outcome: Outcome
  /// How long it took on this host.
  var duration = Duration.zero

  init(name: String, outcome: Outcome) {
    self.name = name
    self.outcome = outcome
  }

  var status: Int32 {
    switch outcome {
    case .passed: ExitStatus.success
    case .failed: ExitStatus.different
    case .unusable: ExitStatus.hostMistake
    }
  }

  // MARK: From one process to another

  /// What `init(name:lines:)` reads.
  var lines: [String] {
    switch outcome {
    case .passed(let events): ["passed \(events)"]
    case .failed(let lines, let isTimingOnly): [isTimingOnly ? "time" : "failed"] + lines
    case .unusable(let sentence): ["unusable", sentence]
    }
  }

  init(name: String, lines: [String]) {
    self.name = name
    let words = lines.first?.split(separator: " ") ?? []
    switch words.first {
    case "passed": outcome = .passed(events: words.count > 1 ? UInt64(words[1]) ?? 0 : 0)
    case "time", "failed": outcome = .failed(Array(lines.dropFirst()), isTimingOnly: words.first == "time")
    case "unusable": outcome = .unusable(lines.dropFirst().joined(separator: " "))
    default: outcome = .unusable("\(name): its run came to no end")
    }
  }

  /// Such as "same", "different", "time differs", "error".
  var word: String {
    switch outcome {
    case .passed: "same"
    case .failed(_, let isTimingOnly): isTimingOnly ? "time differs" : "different"
    case .unusable: "error"
    }
  }
}
