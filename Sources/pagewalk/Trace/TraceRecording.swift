import ArgumentParser
import Emulator
import Glibc
import GuestImages
import IA32
import Traces

/// Records a run into a file.
///
/// A new file is written as the run goes, and what is in it stays readable whatever happens. One that exists is written beside
/// and takes its place when it is complete: a golden is never damaged.
struct TraceRecording {
  private let setup: TraceSetup
  private let path: String
  private let temporary: String?
  private let machine: GuestMachine
  private let sink: any TraceSink

  init(_ setup: TraceSetup, path: String, form: TraceForm) throws {
    self.setup = setup
    self.path = path
    if HostPaths.isFile(path), !TraceFile.isTrace(path) {
      throw TraceError(
        file: path, .unusableFile, "is there and is no trace",
        expected: "a new file, or a trace to be replaced")
    }
    temporary = HostPaths.isFile(path) ? path + ".new" : nil
    machine = try setup.makeMachine()
    let places = machine.places
    let processor = machine.machine
    let target = temporary ?? path
    switch form {
    case .binary:
      sink = try TraceWriter(path: target, header: setup.header, map: setup.map) {
        [unowned processor] linear in
        places.line(at: linear, isPaged: processor.isPaging)?.description
      }
    case .text:
      let map = setup.map
      sink = try TextWriter(path: target, header: setup.header) { [unowned processor] moment in
        places.briefly(moment.linear, map, isPaged: processor.isPaging)
      }
    }
  }

  /// - Parameter output: where the guest's console goes; nil for nowhere.
  /// - Throws: `TraceError` if not all of it could be written.
  func run(output: Int32?) throws {
    Interruption.install()
    // A limit on the size of files is an error to report, and not the end.
    signal(SIGXFSZ, SIG_IGN)
    let sink = sink
    let take: (MachineEvent, EventMoment) -> Void =
      if let writer = sink as? TraceWriter { { writer.append($0, $1) } } else { { sink.append($0, $1) } }
    let outcome = setup.run(machine, output: output, isEnough: { sink.failure != nil }, take)
    try sink.finish(
      TraceEnding(
        reason: outcome.endingReason, cycles: machine.cycle,
        instructions: machine.machine.counters.instructions,
        events: sink.count))
    if let temporary, rename(temporary, path) != 0 {
      throw TraceError(file: path, .unusableFile, "can't be replaced (\(String(cString: strerror(errno))))")
    }
    StandardError.write("pagewalk: \(path): \(sink.count) events, \(outcome.endingReason)\n")
    if case .interrupted = outcome { throw ExitCode(ExitStatus.interrupted) }
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
