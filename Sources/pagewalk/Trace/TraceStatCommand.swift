import ArgumentParser
import Runs
import Traces

/// `pagewalk trace stat`.
struct TraceStatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Count what a trace holds, by kind and by function.",
    discussion: """
      Example:
        pagewalk trace stat --functions 20 kernel.pwt
      """)

  @Argument(help: "The trace.", completion: .file())
  var trace: String

  @Option(help: ArgumentHelp("How many functions to list.", valueName: "n"))
  var functions = 10

  func run() throws {
    let source = try TraceFile.open(trace)
    let places = TracePlaces(source)
    let cursor = TraceCursor(source)
    var statistics = TraceStatistics()
    // What could be read of a damaged trace is counted, and the damage reported.
    var failure: TraceError?
    do throws(TraceError) {
      while let event = try cursor.next() {
        statistics.add(event, symbol: event.kind.isNumerous ? nil : places.symbol(event.moment.linear))
      }
    } catch {
      failure = error
    }
    Output.standard.write(lines: statistics.lines(functions: max(0, functions)))
    if let ending = source.ending {
      Output.standard.write(lines: [
        "end: \(ending.reason), after \(ending.cycles) cycles and \(ending.instructions) instructions"
      ])
    }
    if let failure { throw failure }
  }
}
