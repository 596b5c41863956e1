/// What came of one golden.
struct TestResult: Sendable {
  enum Outcome: Sendable {
    case passed(events: UInt64)
    /// The report's lines.
    case failed([String], isTimingOnly: Bool)
    /// It could not be compared: one sentence.
    case unusable(String)
  }

  /// Exit statuses.
  static let different: Int32 = 1

  var name: String
  var outcome: Outcome
  /// Seconds on the host; nil where nobody measured.
  var seconds: Double?

  init(name: String, outcome: Outcome, seconds: Double? = nil) {
    self.name = name
    self.outcome = outcome
    self.seconds = seconds
  }

  var status: Int32 {
    switch outcome {
    case .passed: ExitStatus.success
    case .failed: Self.different
    case .unusable: ExitStatus.hostMistake
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
