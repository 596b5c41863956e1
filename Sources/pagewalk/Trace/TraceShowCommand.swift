import ArgumentParser
import Runs
import Traces

/// `pagewalk trace show`.
struct TraceShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print a trace as text.",
    discussion: """
      Examples:
        pagewalk trace show kernel.pwt
        pagewalk trace show --at 1500000 --count 20 kernel.pwt
        pagewalk trace show --header kernel.pwt
      """)

  @Argument(help: "The trace.", completion: .file())
  var trace: String

  @Option(help: ArgumentHelp("Begin with the first event at or after this cycle.", valueName: "cycle"))
  var at: UInt64?

  @Option(help: ArgumentHelp("Print at most this many events.", valueName: "n"))
  var count: UInt64?

  @Flag(help: "Print what the trace was recorded from, and no events.")
  var header = false

  func run() throws {
    let source = try TraceFile.open(trace)
    let output = Output.standard
    output.write(lines: TextLayout.header(source.header, source.map))
    if !header { try showEvents(source, output) }
    // A whole trace is shown as a text that can be verified itself.
    if let ending = source.ending, header || (at == nil && count == nil) {
      for line in ending.lines { output.write("# \(line)\n") }
    }
  }

  private func showEvents(_ source: any BlockSource, _ output: Output) throws {
    let names = TracePlaces(source)
    if let at { try source.seek(cycle: at) }
    let cursor = TraceCursor(source)
    var rest = count ?? .max
    while rest > 0, output.isListening, let event = try cursor.next() {
      if let at, event.moment.cycle < at { continue }
      rest -= 1
      let place = names.briefly(event.moment.linear)
      output.write(TextLayout.line(event, isExact: source.header.isExact, place: place) + "\n")
    }
  }
}
