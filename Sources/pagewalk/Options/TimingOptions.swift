import ArgumentParser
import Traces

/// How `verify`, `bless`, `diff` and `test` look at time.
struct TimingOptions: ParsableArguments {
  enum Mode: String, CaseIterable, ExpressibleByArgument {
    case strict
    case tolerance
    case off
  }

  @Option(
    help: ArgumentHelp(
      """
      strict: each event at its cycle; tolerance: nearly so; off: time doesn't matter. (default: strict for the recorded \
      build, off for another)
      """, valueName: "strict|tolerance|off"))
  var timing: Mode?

  @Option(
    help: ArgumentHelp(
      "With --timing tolerance: by how many percent of its cycle an event may be early or late.",
      valueName: "percent"))
  var tolerance = 1.0

  var comparison: TimingComparison? {
    switch timing {
    case nil: nil
    case .strict: .strict
    case .tolerance: .tolerance(percent: tolerance)
    case .off: .off
    }
  }

  mutating func validate() throws {
    guard tolerance.isFinite, tolerance >= 0 else {
      throw ValidationError("the tolerance is a number of percent, such as 2.5")
    }
  }
}
