import TestSupport
import Testing

@testable import Emulator

@Suite("The clock")
struct DevicesClockTests {
  @Test("Events fire in the order of their cycles, ties in the order of creation, and at no other time")
  func order() {
    let clock = Clock()
    var fired: [String] = []
    let b = clock.makeEvent(name: "b") { fired.append("b\($0)") }
    let a = clock.makeEvent(name: "a") { fired.append("a\($0)") }
    let c = clock.makeEvent(name: "c") { fired.append("c\($0)") }
    #expect(clock.state.pointee.deadline == .max)
    clock.schedule(c, at: 50)
    clock.schedule(a, at: 100)
    clock.schedule(b, at: 100)
    #expect(clock.state.pointee.deadline == 50)
    #expect(clock.pending.map(\.name) == ["c", "b", "a"])
    clock.state.pointee.now = 49
    clock.runDueEvents()
    #expect(fired.isEmpty)
    clock.state.pointee.now = 120
    clock.runDueEvents()
    #expect(fired == ["c50", "b100", "a100"])
    #expect(clock.state.pointee.deadline == .max)
  }

  @Test("Rescheduling and cancelling move the deadline both ways")
  func deadlines() {
    let clock = Clock()
    let a = clock.makeEvent(name: "a") { _ in }
    let b = clock.makeEvent(name: "b") { _ in }
    clock.schedule(a, at: 10)
    clock.schedule(b, at: 10)
    clock.schedule(a, at: 30)
    #expect(clock.state.pointee.deadline == 10)
    clock.cancel(b)
    #expect(clock.state.pointee.deadline == 30)
    clock.schedule(b, at: 20)
    #expect(clock.state.pointee.deadline == 20)
    clock.cancel(b)
    clock.cancel(b)
    clock.cancel(a)
    #expect(clock.state.pointee.deadline == .max)
    #expect(!clock.isPending(a) && !clock.isPending(b))
  }

  @Test("A handler may schedule itself and others, also for what has passed")
  func nested() {
    let clock = Clock()
    var fired: [UInt64] = []
    var event: ClockEvent?
    let other = clock.makeEvent(name: "other") { fired.append(1_000 + $0) }
    event = clock.makeEvent(name: "periodic") { due in
      fired.append(due)
      if due == 20 { clock.schedule(other, at: 5) }
      if let event { clock.schedule(event, at: due + 10) }
    }
    if let event { clock.schedule(event, at: 10) }
    clock.state.pointee.now = 35
    clock.runDueEvents()
    #expect(fired == [10, 20, 1_005, 30])
    #expect(clock.state.pointee.deadline == 40)
  }

  @Test("A snapshot brings time and deadlines back")
  func snapshot() {
    let clock = Clock()
    var fired: [UInt64] = []
    let event = clock.makeEvent(name: "event") { fired.append($0) }
    clock.schedule(event, at: 100)
    clock.state.pointee.now = 40
    let saved = clock.snapshot
    clock.state.pointee.now = 150
    clock.runDueEvents()
    clock.snapshot = saved
    #expect(clock.now == 40 && clock.state.pointee.deadline == 100)
    clock.state.pointee.now = 100
    clock.runDueEvents()
    #expect(fired == [100, 100])
  }

  @Test("A tick begins exactly where the ratio says, after a second and after a century")
  func timebase() {
    let clock = Clock(frequency: 166_666_667)
    let timer = clock.timebase(hertz: 14_318_180, dividedBy: 12)
    // 166,666,667 * 12 / 14,318,180 = 139.6825... cycles a tick.
    #expect(timer.cycle(ofTick: 0) == 0)
    #expect(timer.cycle(ofTick: 1) == 140)
    #expect(timer.cycle(ofTick: 2) == 280)
    #expect(timer.cycle(ofTick: 3) == 420)
    #expect(timer.cycle(ofTick: 4) == 559)
    #expect(timer.ticks(at: 139) == 0 && timer.ticks(at: 140) == 1)
    #expect(timer.ticks(at: 166_666_667 * 12) == 14_318_180)
    let century: UInt64 = 100 * 366 * 86_400
    #expect(timer.ticks(at: 166_666_667 * century / 12 * 12) == 14_318_180 * (century / 12))
    for seed in UInt64(1)...5 {
      var random = SeededGenerator(seed: seed)
      for _ in 0..<2_000 {
        let tick = random.next() >> UInt64.random(in: 8...60, using: &random)
        let cycle = timer.cycle(ofTick: tick)
        #expect(timer.ticks(at: cycle) == tick, "seed \(seed), tick \(tick)")
        if cycle > 0 { #expect(timer.ticks(at: cycle - 1) == tick &- 1, "seed \(seed), tick \(tick)") }
      }
    }
    #expect(timer.cycle(ofTick: .max) == .max)
    #expect(Clock(frequency: 0).frequency == 1)
  }
}
