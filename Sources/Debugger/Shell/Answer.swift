/// The typed result of a command. Both forms are made from it, so they can't disagree.
public protocol Report {
  /// For people.
  var lines: [String] { get }
  /// For programs.
  var json: JSONValue { get }
}

/// What a command answers.
public struct Answer: Sendable {
  /// For people, without line ends.
  public var lines: [String]
  /// For programs: what `--json` prints.
  public var json: JSONValue
  /// What an empty line stands for after this command; nil for the same line again.
  public var next: String?

  public init(_ report: some Report, next: String? = nil) {
    lines = report.lines
    json = report.json
    self.next = next
  }

  /// Nothing to say.
  public static let nothing = Answer(Sentences([]))
}

/// Sentences that are all there is to say.
public struct Sentences: Report, Sendable {
  public var lines: [String]

  public init(_ lines: [String]) { self.lines = lines }
  public init(_ line: String) { lines = [line] }

  public var json: JSONValue { .object([.init("text", .array(lines.map { .string($0) }))]) }
}

/// Reports one after the other; an object with a member for each that has a name.
struct Composition: Report {
  var parts: [(name: String?, report: any Report)]

  var lines: [String] { parts.flatMap { $0.report.lines } }
  var json: JSONValue {
    .object(parts.compactMap { part in part.name.map { .init($0, part.report.json) } })
  }
}

/// Why a command did not do what it was told, in one line.
public struct ShellError: Error, Hashable, Sendable, CustomStringConvertible {
  public var message: String
  public var description: String { message }

  public init(_ message: String) { self.message = message }
}
