/// Something that a debugger's user should know, with the manual's section that has the rule.
public struct Finding: Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Sendable {
    /// The processor may use, or uses, something that memory no longer says.
    case stale
    /// A mistake that is not about staleness: reserved bits, both W and X.
    case wrong
    /// Two views differ, and the manual allows it.
    case note
  }

  /// How bad it is.
  public var severity: Severity
  /// A sentence without a full stop.
  public var text: String
  /// Such as "SDM 3A 4.10.4.2".
  public var section: String

  /// - Parameters:
  ///   - text: a sentence without a full stop.
  ///   - section: such as "SDM 3A 4.10.4.2".
  public init(_ severity: Severity, _ text: String, _ section: String) {
    self.severity = severity
    self.text = text
    self.section = section
  }

  /// One line for people, marked by its severity.
  public var line: String {
    let mark =
      switch severity {
      case .stale: "! STALE: "
      case .wrong: "! "
      case .note: "  note: "
      }
    return "\(mark)\(text)  [\(section)]"
  }

  public var json: JSONValue {
    .object([
      .init("severity", .string(severity.rawValue)), .init("text", .string(text)),
      .init("rule", .string(section)),
    ])
  }
}

/// Findings under each other, and a sentence for none.
public struct Findings: Report, Sendable {
  /// What was found.
  public var findings: [Finding]
  /// What is said when there are none: what was looked at, and that it is in order.
  public var none: String
  /// Findings beyond this many are counted and not shown.
  public static let limit = 100

  /// - Parameter none: what is said when there are none.
  public init(findings: [Finding], none: String) {
    self.findings = findings
    self.none = none
  }

  public var lines: [String] {
    guard !findings.isEmpty else { return none.isEmpty ? [] : [none] }
    let rest = findings.count - Self.limit
    return findings.prefix(Self.limit).map(\.line) + (rest > 0 ? ["  and \(rest) more"] : [])
  }

  public var json: JSONValue { .array(findings.map(\.json)) }
}
