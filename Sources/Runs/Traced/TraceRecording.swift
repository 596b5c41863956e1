import Emulator
import GuestImages
import Reports
import Traces

/// Records a run into a file.
///
/// A new file is written as the run goes, and what is in it stays readable whatever happens. One that exists is replaced when the
/// recording is complete, and by nothing less: a recording that was stopped is kept beside it.
public struct TraceRecording {
  private let setup: TraceSetup
  private let path: String
  private let guest: GuestMachine
  private let console: TypedConsole
  private let sink: any TraceSink

  /// What came of a recording.
  public struct Result: Sendable {
    /// Events written.
    public var events: UInt64
    /// Where the trace is: beside the path, if the recording was stopped and something was there.
    public var path: String
    /// How the guest ended.
    public var ending: RunEnding
  }

  /// - Parameters:
  ///   - output: sees what the guest prints; nil to discard it.
  ///   - isInterrupted: whether the run is to stop.
  /// - Throws: `TraceError` where the file can't be made, and the typed errors of a machine that can't be.
  public init(
    _ setup: TraceSetup, path: String, form: TraceForm, output: (any GuestConsole)?,
    isInterrupted: @escaping () -> Bool
  ) throws {
    self.setup = setup
    self.path = path
    if HostPaths.isFile(path), !TraceFile.isTrace(path) {
      throw TraceError(
        file: path, .unusableFile, "is there and is not a trace",
        expected: "a new file, or a trace to be replaced")
    }
    console = TypedConsole(typing: setup.header.input, output: output, isInterrupted: isInterrupted)
    guest = try setup.makeMachine(console: console)
    let places = guest.places
    let machine = guest.machine
    switch form {
    case .binary:
      sink = try TraceWriter(path: path, header: setup.header, map: setup.map) { [unowned machine] linear in
        places.line(at: linear, isPaged: machine.isPaging)?.description
      }
    case .text:
      let map = setup.map
      sink = try TextWriter(path: path, header: setup.header, map: map) { [unowned machine] moment in
        places.briefly(moment.linear, map, isPaged: machine.isPaging)
      }
    }
  }

  /// Runs the guest to its end and writes down what it does.
  ///
  /// - Throws: `TraceError` if not all of it could be written.
  public func record() throws -> Result {
    let sink = sink
    let take: (MachineEvent, EventMoment) -> Void =
      if let writer = sink as? TraceWriter { { writer.append($0, $1) } } else { { sink.append($0, $1) } }
    let ending = setup.follow(guest, console: console, isEnough: { sink.failure != nil }, take)
    let end = TraceEnding(
      reason: ending.reason.title, cycles: guest.cycle,
      instructions: guest.machine.counters.instructions, events: sink.count)
    let isBeside = end.wasInterrupted && sink.isReplacing
    let place = try sink.finish(end, isBeside ? .beside(suffix: ".interrupted") : .inPlace)
    return Result(events: sink.count, path: place, ending: ending)
  }
}

extension GuestPlaces {
  /// Such as "flush_one+0x4 (tlb.c:12)", printable and on one line; nil where nothing is known.
  func briefly(_ linear: UInt32, _ map: ImageMap, isPaged: Bool) -> String? {
    let line = self.line(at: linear, isPaged: isPaged).map { PrintableText.escaped($0.description) }
    return PrintableText.place(symbol: map.symbol(at: linear), line: line)
  }
}
