import ArgumentParser
import Emulator
import Runs
import Traces

extension ExportFormat: ExpressibleByArgument {}

/// `pagewalk trace export`.
struct TraceExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Turn a trace into a format that other programs read.",
    discussion: """
      perfetto: for https://ui.perfetto.dev, one cycle shown as one nanosecond. ndjson: one JSON object a line, for pandas, polars, \
      DuckDB, jq; csv: one row an event. champsim, lackey: instructions and their accesses, for cache simulators.

      Examples:
        pagewalk trace export --to perfetto kernel.pwt -o kernel.perfetto-trace
        pagewalk trace export --to ndjson kernel.pwt | jq 'select(.kind == "flush")'
        pagewalk trace export --to champsim -o guest.champsim instructions.pwt
      """)

  @Option(help: "The format.")
  var to: ExportFormat

  @Argument(help: "The trace.", completion: .file())
  var trace: String

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The file to write. (default: standard output)", valueName: "file"))
  var output: String?

  func run() throws {
    let source = try TraceFile.open(trace)
    let needed = try EventKinds(list: to.needs.joined(separator: ","), orNoneIf: to.needs.isEmpty)
    guard source.header.kinds.isSuperset(of: needed) else {
      throw TraceError(
        file: trace, .mismatch, "holds no \(needed.subtracting(source.header.kinds).list) events",
        expected: "a trace recorded with -e \(needed.list)")
    }
    var export = to.make()
    let target = try Output.to(output)
    let places = TracePlaces(source)
    let cursor = TraceCursor(source)
    var progress = ExportProgress(isShown: output != nil)
    defer { progress.end() }
    target.write(export.begin(source.header))
    var failure: TraceError?
    do throws(TraceError) {
      while target.isListening, let event = try cursor.next() {
        if cursor.number & 0xfff == 0 { progress.show(source.fractionRead) }
        target.write(
          export.take(event, number: cursor.number, symbol: places.symbol(event.moment.linear)))
      }
    } catch {
      // What could be read is written, and the damage reported.
      failure = error
    }
    target.write(export.end())
    try target.finish()
    if let failure { throw failure }
  }
}

extension EventKinds {
  fileprivate init(list: String, orNoneIf isEmpty: Bool) throws {
    self = isEmpty ? [] : try EventKinds(list: list)
  }
}
