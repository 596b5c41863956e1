import Emulator
import Glibc
import GuestImages
import Reports
import Traces

/// Records a run into a file.
///
/// A new file is written as the run goes, and what is in it stays readable whatever happens. One that exists is written beside
/// and takes its place when it is complete: a golden is never damaged.
public struct TraceRecording {
  private let setup: TraceSetup
  private let path: String
  private let temporary: String?
  private let guest: GuestMachine
  private let console: TypedConsole
  private let sink: any TraceSink

  /// What came of a recording.
  public struct Result: Sendable {
    /// Events written.
    public var events: UInt64
    /// How the guest ended.
    public var ending: RunEnding
  }

  /// - Parameters:
  ///   - output: sees what the guest prints; nil for nobody.
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
        file: path, .unusableFile, "is there and is no trace",
        expected: "a new file, or a trace to be replaced")
    }
    temporary = HostPaths.isFile(path) ? path + ".new" : nil
    console = TypedConsole(typing: setup.header.input, output: output, isInterrupted: isInterrupted)
    guest = try setup.makeMachine(console: console)
    let places = guest.places
    let machine = guest.machine
    let target = temporary ?? path
    switch form {
    case .binary:
      sink = try TraceWriter(path: target, header: setup.header, map: setup.map) { [unowned machine] linear in
        places.line(at: linear, isPaged: machine.isPaging)?.description
      }
    case .text:
      let map = setup.map
      sink = try TextWriter(path: target, header: setup.header) { [unowned machine] moment in
        places.briefly(moment.linear, map, isPaged: machine.isPaging)
      }
    }
  }

  /// Runs the guest to its end and writes down what it does.
  ///
  /// - Throws: `TraceError` if not all of it could be written.
  public func record() throws -> Result {
    // A limit on the size of files is an error to report, and not the end.
    signal(SIGXFSZ, SIG_IGN)
    let sink = sink
    let take: (MachineEvent, EventMoment) -> Void =
      if let writer = sink as? TraceWriter { { writer.append($0, $1) } } else { { sink.append($0, $1) } }
    let ending = setup.follow(guest, console: console, isEnough: { sink.failure != nil }, take)
    try sink.finish(
      TraceEnding(
        reason: ending.reason.title, cycles: guest.cycle,
        instructions: guest.machine.counters.instructions, events: sink.count))
    if let temporary, rename(temporary, path) != 0 {
      throw TraceError(file: path, .unusableFile, "can't be replaced (\(String(cString: strerror(errno))))")
    }
    return Result(events: sink.count, ending: ending)
  }
}

extension GuestPlaces {
  /// Such as "flush_one+0x4 (tlb.c:12)"; nil where nothing is known.
  func briefly(_ linear: UInt32, _ map: ImageMap, isPaged: Bool) -> String? {
    let parts = [
      map.symbol(at: linear), line(at: linear, isPaged: isPaged).map { "(\($0.description))" },
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: " ")
  }
}
