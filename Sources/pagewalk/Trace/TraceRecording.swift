import ArgumentParser
import Emulator
import Glibc
import GuestImages
import IA32
import Traces

/// Records a run into a file.
///
/// A new file is written as the run goes, and what is in it stays readable whatever happens. One that exists is replaced when the
/// recording is complete, and by nothing less: a recording that was stopped is kept beside it.
struct TraceRecording {
  private let setup: TraceSetup
  private let path: String
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
    machine = try setup.makeMachine()
    let places = machine.places
    let processor = machine.machine
    switch form {
    case .binary:
      sink = try TraceWriter(path: path, header: setup.header, map: setup.map) {
        [unowned processor] linear in
        places.line(at: linear, isPaged: processor.isPaging)?.description
      }
    case .text:
      let map = setup.map
      sink = try TextWriter(path: path, header: setup.header, map: map) { [unowned processor] moment in
        places.briefly(moment.linear, map, isPaged: processor.isPaging)
      }
    }
  }

  /// - Parameter output: where the guest's console goes; nil for nowhere.
  /// - Throws: `TraceError` if not all of it could be written.
  func run(output: Int32?) throws {
    Interruption.install()
    let sink = sink
    let take: (MachineEvent, EventMoment) -> Void =
      if let writer = sink as? TraceWriter { { writer.append($0, $1) } } else { { sink.append($0, $1) } }
    let outcome = setup.run(machine, output: output, isEnough: { sink.failure != nil }, take)
    let ending = TraceEnding(
      reason: outcome.endingReason, cycles: machine.cycle,
      instructions: machine.machine.counters.instructions, events: sink.count)
    let isKeptBeside = ending.wasInterrupted && sink.isReplacing
    let place = try sink.finish(ending, isKeptBeside ? .beside(suffix: ".interrupted") : .inPlace)
    StandardError.write("pagewalk: \(place): \(sink.count) events, \(outcome.endingReason)\n")
    if isKeptBeside { StandardError.write("pagewalk: \(path): left as it was\n") }
    if ending.wasInterrupted { throw ExitCode(ExitStatus.interrupted) }
  }
}

extension GuestPlaces {
  /// Such as "flush_one+0x4 (tlb.c:12)", printable and on one line; nil where nothing is known.
  func briefly(_ linear: UInt32, _ map: ImageMap, isPaged: Bool) -> String? {
    let parts = [
      map.symbol(at: linear), line(at: linear, isPaged: isPaged).map { "(\(PrintableText.escaped($0.description)))" },
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: " ")
  }
}
