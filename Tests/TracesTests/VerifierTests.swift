import Emulator
import Foundation
import IA32
import TestSupport
import Testing

@testable import Traces

/// Runs that are made of events, against goldens.
@Suite("Trace verification")
struct VerifierTests {
  typealias Events = [(MachineEvent, EventMoment)]

  static let events: Events = {
    var random = SeededGenerator(seed: 21)
    return RandomEvents.make(40_000, &random)
  }()

  func verify(
    _ golden: Events, _ run: Events, timing: TimingComparison = .strict, ending: TraceEnding? = nil,
    form: TraceForm = .binary, isExact: Bool = true
  ) throws -> TraceVerifier {
    let file = TraceFileTests()
    defer { file.remove() }
    try file.write(golden, form, isExact: isExact)
    let verifier = try TraceVerifier(
      golden: try TraceFile.open(file.path), timing: timing, isSameBuild: true, map: TraceFileTests.map,
      symbol: { _ in nil })
    for (event, moment) in run where !verifier.isDecided { _ = verifier.take(event, moment) }
    var last = ending ?? TraceFileTests.ending
    last.events = verifier.compared
    verifier.finish(last)
    #expect(verifier.failure == nil)
    return verifier
  }

  @Test(arguments: [TimingComparison.strict, .tolerance(percent: 1), .off])
  func theSameIsTheSame(_ timing: TimingComparison) throws {
    let verifier = try verify(Self.events, Self.events, timing: timing)
    #expect(verifier.divergence == nil)
    #expect(verifier.compared == UInt64(Self.events.count))
  }

  @Test func theFirstDifferenceIsFound() throws {
    for index in [0, 1, 4, 5, 1000, 17_000, 39_999] {
      var run = Self.events
      run[index].0 = .interrupt(InterruptEvent(vector: 0x99, isSoftware: run[index].0.kind == .interrupt))
      let divergence = try #require(try verify(Self.events, run).divergence)
      #expect(divergence.number == UInt64(index) + 1)
      #expect(divergence.golden == TraceEvent(Self.events[index].0, Self.events[index].1))
      #expect(divergence.run == TraceEvent(run[index].0, run[index].1))
      #expect(
        divergence.context == Self.events[..<index].suffix(5).map { TraceEvent($0.0, $0.1) }, "at \(index)")
    }
  }

  @Test func aFieldThatDiffersIsNamed() throws {
    let moment = EventMoment(cycle: 5, instruction: 5, eip: 5, linear: 5)
    let store = EntryStoreEvent(
      address: 0x1000, old: 0, new: 0x2001, writer: .instruction, linear: 0xc000_1000)
    var other = store
    other.new = 0x3001
    let divergence = try #require(
      try verify([(.pteStore(store), moment)], [(.pteStore(other), moment)]).divergence)
    guard case .fields(let names) = divergence.kind else {
      Issue.record("\(divergence)")
      return
    }
    #expect(names == ["new"])
    let report = DivergenceReport(divergence, isExact: true, golden: { _ in "here" }, run: { _ in nil })
    #expect(
      report.lines == [
        "event 1 is not the golden's",
        "  golden: pte-store at=000001000 old=0000000000000000 new=0000000000002001 writer=instruction "
          + "linear=c0001000 eip=00000005 instruction=5 cycle=5 ; here",
        "  run:    pte-store at=000001000 old=0000000000000000 new=0000000000003001 writer=instruction "
          + "linear=c0001000 eip=00000005 instruction=5 cycle=5",
        "  differs: new (0000000000002001 in the golden, 0000000000003001 in the run)",
      ])
  }

  @Test func timeIsADifferenceOfItsOwn() throws {
    var run = Self.events
    for index in 20_000..<run.count { run[index].1.cycle &+= 1 }
    let divergence = try #require(try verify(Self.events, run).divergence)
    #expect(divergence.isTimingOnly)
    #expect(divergence.number == 20_001)
    #expect(try verify(Self.events, run, timing: .off).divergence == nil)
    #expect(try verify(Self.events, run, timing: .tolerance(percent: 0.1)).divergence == nil)
  }

  @Test func toleranceHasAnEnd() throws {
    let golden: Events = (0..<100).map {
      (.flush(.everything), EventMoment(cycle: UInt64($0) * 10_000, instruction: 0, eip: 0, linear: 0))
    }
    var run = golden
    for index in run.indices { run[index].1.cycle = run[index].1.cycle * 102 / 100 }
    #expect(try verify(golden, run, timing: .tolerance(percent: 3)).divergence == nil)
    let divergence = try #require(try verify(golden, run, timing: .tolerance(percent: 1)).divergence)
    #expect(divergence.isTimingOnly && divergence.number == 2)
  }

  @Test(arguments: [TraceForm.binary, .text])
  func whatIsMissingAndWhatIsMore(_ form: TraceForm) throws {
    let events = Array(Self.events[..<10_000])
    let shorter = try #require(try verify(events, Array(events.dropLast()), form: form).divergence)
    guard case .missing = shorter.kind else {
      Issue.record("\(shorter)")
      return
    }
    #expect(shorter.number == 10_000)
    let longer = try #require(try verify(Array(events.dropLast()), events, form: form).divergence)
    guard case .extra = longer.kind else {
      Issue.record("\(longer)")
      return
    }
    #expect(longer.number == 10_000)
  }

  @Test func anotherEndIsADifference() throws {
    var ending = TraceFileTests.ending
    ending.reason = "triple fault"
    let divergence = try #require(try verify(Self.events, Self.events, ending: ending).divergence)
    guard case .ending = divergence.kind else {
      Issue.record("\(divergence)")
      return
    }
  }

  /// Text for people leaves out instruction numbers and cycles, and so does the comparison.
  @Test func textWithoutCountsIgnoresThem() throws {
    var run = Array(Self.events[..<5000])
    for index in run.indices {
      run[index].1.cycle &+= 77
      run[index].1.instruction &+= 5
    }
    let verifier = try verify(Array(Self.events[..<5000]), run, form: .text, isExact: false)
    #expect(verifier.divergence == nil)
    #expect(verifier.compared == 5000)
  }

  @Test func exactTextIsComparedExactly() throws {
    var run = Array(Self.events[..<5000])
    run[3000].1.cycle &+= 1
    let divergence = try #require(
      try verify(Array(Self.events[..<5000]), run, form: .text, isExact: true).divergence)
    #expect(divergence.isTimingOnly && divergence.number == 3001)
  }
}
