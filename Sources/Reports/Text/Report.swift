/// Something to tell, in both forms: lines for people and JSON for programs. Both are made from one value, so they
/// can't disagree.
public protocol Report {
  /// For people, without line ends.
  var lines: [String] { get }
  /// For programs.
  var json: JSONValue { get }
}

/// Sentences that are all there is to say.
public struct Sentences: Report, Sendable {
  /// The sentences, each a line.
  public var lines: [String]

  /// - Parameter lines: the sentences.
  public init(_ lines: [String]) { self.lines = lines }
  /// - Parameter line: the only sentence.
  public init(_ line: String) { lines = [line] }

  /// An object with the lines under "text".
  public var json: JSONValue { .object([.init("text", .array(lines.map { .string($0) }))]) }
}

/// Reports one after the other; in JSON an object with a member for each that has a name.
public struct Composition: Report {
  /// The reports in their order.
  public var parts: [(name: String?, report: any Report)]

  /// - Parameter parts: a name for those that JSON has, too.
  public init(parts: [(name: String?, report: any Report)]) { self.parts = parts }

  public var lines: [String] { parts.flatMap { $0.report.lines } }
  public var json: JSONValue {
    .object(parts.compactMap { part in part.name.map { .init($0, part.report.json) } })
  }
}

/// Why something can't be shown or done, in one line.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A sentence without a full stop.
  public var message: String
  public var description: String { message }

  /// - Parameter message: a sentence without a full stop.
  public init(_ message: String) { self.message = message }
}
