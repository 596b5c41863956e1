import Reports

/// What a command answers.
public struct Answer: Sendable {
  /// For people, without line ends.
  public var lines: [String]
  /// For programs: what `--json` prints.
  public var json: JSONValue
  /// What an empty line stands for after this command; nil for the same line again.
  public var next: String?

  /// An answer that shows `report`; `next` is what an empty line does after it.
  public init(_ report: some Report, next: String? = nil) {
    lines = report.lines
    json = report.json
    self.next = next
  }

  /// Nothing to say.
  public static let nothing = Answer(Sentences([]))
}

/// Why a command did not do what it was told, in one line.
public typealias ShellError = ReportError
