import Debugger
import Emulator
import Foundation
import Reports
import Testing

@testable import WebView

@Suite("The recorder of a run")
struct RecorderTests {
  @Test("Going back and forth adds nothing to what is known")
  func goingBack() throws {
    let guest = try WebGuest("stale")
    try guest.session.run()
    let log = guest.source.recorder.log
    let events = (0..<log.count).map { log[$0] }
    let console = guest.source.recorder.console.bytes
    var generator: UInt64 = 17
    for _ in 0..<12 {
      generator = generator &* 6_364_136_223_846_793_005 &+ 1
      try guest.session.go(to: generator >> 33 % guest.session.history.newestCycle)
    }
    try guest.session.go(to: guest.session.history.newestCycle)
    let after = guest.source.recorder
    #expect((0..<after.log.count).map { after.log[$0] } == events)
    #expect(after.console.bytes == console && after.stale.count == 4)
    #expect(events == events.sorted { $0.cycle < $1.cycle }, "in the order of their cycles")
  }

  @Test("A change in the past forgets the future that will not be")
  func otherFuture() throws {
    let guest = try WebGuest("stale")
    try guest.session.run()
    let use = try #require(guest.source.recorder.stale.first).use.cycle
    try guest.session.go(to: use - 1000)
    _ = try guest.session.answer(to: "set $ebx = 5")
    let status = try WebGuest.read(guest.source.status)
    #expect(number(status, "stale") == 0)
    #expect(guest.source.recorder.log.lastCycle ?? 0 < use)
    try guest.session.run()
    #expect(guest.source.recorder.stale.count == 4)
  }

  @Test("Steps by walk and event go to behind it, and back again")
  func steps() throws {
    let guest = try WebGuest("stale")
    var stops: [UInt64] = []
    for _ in 0..<6 {
      try guest.source.step(.walk, forward: true)
      stops.append(guest.session.machine.cycle)
    }
    #expect(stops == stops.sorted() && Set(stops).count == stops.count)
    for cycle in stops.dropLast().reversed() {
      try guest.source.step(.walk, forward: false)
      #expect(guest.session.machine.cycle == cycle)
    }
    try guest.source.step(.instruction, forward: true)
    try guest.source.step(.instruction, forward: false)
    #expect(guest.session.machine.cycle == stops[0])
  }

  @Test("Counts by time are the same from the events and from the stretches that are kept for all of a run")
  func bins() {
    var log = EventLog()
    var bins = EventBins()
    var cycle: UInt64 = 0
    for index in 0..<50_000 {
      cycle += UInt64(index % 97) * 13
      let moment = EventMoment(cycle: cycle, instruction: UInt64(index), eip: 0, linear: 0)
      log.append(LoggedEvent(index % 3 == 0 ? .walk : .fill, moment))
      bins.add(index % 3 == 0 ? .walk : .fill, at: cycle)
    }
    let exact = log.timeline(0..<cycle + 1, bins: 400)
    let kept = bins.timeline(0..<cycle + 1, width: exact.width)
    for kind in [LoggedKind.walk, .fill] {
      let (a, b) = (exact.counts[Int(kind.rawValue)], kept.counts[Int(kind.rawValue)])
      #expect(a.reduce(0, +) == b.reduce(0, +))
    }
    log.truncate(at: cycle / 2)
    #expect((log.lastCycle ?? 0) < cycle / 2)
    #expect(log.firstIndex(at: 0) == 0 && log.firstIndex(at: .max) == log.count)
  }

  @Test("Ten million events of a run of 10^9 cycles are asked about in little time")
  func many() {
    var log = EventLog()
    for index in 0..<300_000 {
      log.append(
        LoggedEvent(.walk, EventMoment(cycle: UInt64(index) * 3333, instruction: 0, eip: 0, linear: 0)))
    }
    let timeline = log.timeline(0..<1_000_000_000, bins: 600)
    #expect(timeline.counts[0].reduce(0, +) == 300_000)
    #expect(timeline.counts[0].count <= 600)
  }
}
