/// How a recorded run ended, and how much there was.
public struct TraceEnding: Hashable, Sendable {
  /// The reason of a run that was stopped from outside, by Ctrl-C: its trace ends anywhere.
  public static let interrupted = "interrupted"

  /// Such as "exit 0", "triple fault", "halted", "reset", "cycle limit".
  public var reason: String
  /// Cycles from the machine's start to the end.
  public var cycles: UInt64
  /// Instructions that were completed.
  public var instructions: UInt64
  /// Events that were recorded.
  public var events: UInt64

  /// How a run ended.
  public init(reason: String, cycles: UInt64, instructions: UInt64, events: UInt64) {
    self.reason = reason
    self.cycles = cycles
    self.instructions = instructions
    self.events = events
  }

  /// As a footer and a text have them.
  public var lines: [String] {
    [
      "end: \(reason)", "cycles: \(cycles)", "instructions: \(instructions)", "recorded-events: \(events)",
    ]
  }

  /// Whether the run was stopped from outside: behind the last event nothing can be compared.
  public var wasInterrupted: Bool { reason == Self.interrupted }

  /// nil where a line is missing.
  init?(lines: [String: String]) {
    guard let reason = lines["end"], PrintableText.isPrintable(reason),
      let cycles = lines["cycles"].flatMap({ UInt64($0) }),
      let instructions = lines["instructions"].flatMap({ UInt64($0) }),
      let events = lines["recorded-events"].flatMap({ UInt64($0) })
    else { return nil }
    self.init(reason: reason, cycles: cycles, instructions: instructions, events: events)
  }
}
