import IA32
import Testing

@testable import Emulator

/// What a history offers beside exactness: input, replays, its errors, its speed.
@Suite("The history of a run")
struct HistoryTests {
  /// A guest that adds up what comes over the serial port, one poll a turn.
  private func adder() throws -> BareMachine {
    let bare = try BareMachine(.full)
    var code = CodeBuilder(at: BareMachine.code)
    let loop = code.here
    code.emit(0x66, 0xba, 0xfd, 0x03)  // mov dx, 3fdh
    code.emit(0xec, 0xa8, 0x01)  // in al, dx; test al, 1
    code.emit(0x74, 0x0a)  // jz over
    code.emit(0x66, 0xba, 0xf8, 0x03, 0xec)  // mov dx, 3f8h; in al, dx
    code.emit(0x0f, 0xb6, 0xc0)  // movzx eax, al
    code.emit(0x01, 0xc3)  // add ebx, eax
    code.branch(0xe9, to: loop)
    try bare.poke(code.base, code.bytes)
    return bare
  }

  @Test("input is part of it, and other input makes another future")
  func input() throws {
    let bare = try adder()
    let machine = bare.machine
    let history = MachineHistory(machine, interval: 50_000)
    _ = history.run(untilCycle: 10_000)
    history.receive([5])
    _ = history.run(untilCycle: 400_000)
    #expect(machine.registers[.ebx] == 5)
    history.receive([7])
    _ = history.run(untilCycle: 800_000)
    #expect(machine.registers[.ebx] == 12)
    let state = Outcome(of: machine, stop: .cycleLimit)

    try history.goTo(cycle: 1000)
    #expect(machine.registers[.ebx] == 0 && history.isInThePast)
    try history.goTo(cycle: 300_000)
    #expect(machine.registers[.ebx] == 5)
    try history.goTo(cycle: 800_000)
    let again = Outcome(of: machine, stop: .cycleLimit)
    #expect(again.differences(from: state).isEmpty)

    try history.goTo(cycle: 200_000)
    history.receive([20])
    #expect(!history.isInThePast)
    _ = history.run(untilCycle: 800_000)
    #expect(machine.registers[.ebx] == 25)
  }

  /// The first random program in whose run something happens more than ten times, with its past and the moments.
  private func eventfulRun() throws -> (Machine, MachineHistory, [EventMoment]) {
    for seed in 1...20 as ClosedRange<UInt64> {
      let machine = try RandomSystemProgram.machine(seed: seed, .full).machine
      let history = MachineHistory(machine, interval: 5000)
      var seen: [EventMoment] = []
      let observer = machine.observe([.fault, .flush]) { _, moment in seen.append(moment) }
      _ = history.run(untilCycle: 50_000)
      machine.stopObserving(observer)
      if seen.count > 10 { return (machine, history, seen) }
    }
    throw NothingHappened()
  }

  private struct NothingHappened: Error {}

  @Test("a replay sees what happened and leaves the present as it was")
  func replay() throws {
    let (machine, history, seen) = try eventfulRun()
    let present = Outcome(of: machine, stop: .cycleLimit)
    var again: [EventMoment] = []
    var calls = 0
    try history.replay(from: history.firstCycle, to: machine.cycle) { machine in
      [machine.observe([.fault, .flush]) { _, moment in again.append(moment) }]
    } progress: { _ in
      calls += 1
      return true
    }
    #expect(again == seen && seen.count > 10 && calls > 3)
    #expect(Outcome(of: machine, stop: .cycleLimit).differences(from: present).isEmpty)
    #expect(throws: HistoryError.self) {
      try history.replay(from: history.firstCycle, to: machine.cycle) { _ in
        []
      } progress: { _ in
        false
      }
    }
    #expect(Outcome(of: machine, stop: .cycleLimit).differences(from: present).isEmpty)
  }

  @Test("boundary by boundary, and by instructions", arguments: TimingLevel.allCases)
  func boundaries(_ timing: TimingLevel) throws {
    let bare = try RandomSystemProgram.machine(seed: 5, timing)
    let machine = bare.machine
    let history = MachineHistory(machine, interval: 3000)
    // Every boundary on the way, with the instructions completed.
    var boundaries: [(cycle: UInt64, instruction: UInt64)] = []
    while machine.cycle < 20_000 {
      boundaries.append((machine.cycle, history.instruction))
      _ = history.run(untilCycle: machine.cycle + 1)
    }
    for _ in 0..<200 {
      try history.goToBoundary(before: machine.cycle)
      let expected = boundaries.removeLast()
      try #require(machine.cycle == expected.cycle && history.instruction == expected.instruction)
    }
    for index in stride(from: boundaries.count - 1, to: 0, by: -97) {
      let wanted = boundaries[index].instruction
      try history.goTo(instruction: wanted)
      let first = try #require(boundaries.first { $0.instruction == wanted })
      try #require(machine.cycle == first.cycle && history.instruction == wanted)
    }
    try history.goTo(cycle: history.firstCycle)
    #expect(throws: HistoryError.beforeBeginning(first: history.firstCycle)) {
      try history.goToBoundary(before: machine.cycle)
    }
  }

  @Test("a page that was stored to is known by its snapshot")
  func storedPages() throws {
    let bare = try RandomSystemProgram.machine(seed: 2, .full)
    let history = MachineHistory(bare.machine, interval: 2000)
    var first: UInt64?
    let page: UInt64 = 0xa000
    _ = bare.machine.watchPhysical(page..<(page + 4096)) { _, moment in first = first ?? moment.cycle }
    _ = history.run(untilCycle: 30_000)
    let cycle = try #require(first)
    let snapshot = try #require(history.firstStoreCycle(toPageAt: page + 8))
    #expect(snapshot == history.snapshotCycles.last { $0 <= cycle })
    #expect(history.firstStoreCycle(toPageAt: 3 << 20) == nil)
  }

  @Test("the end of the run is where it ends")
  func end() throws {
    let bare = try RandomSystemProgram.machine(seed: 1, .full)
    let history = MachineHistory(bare.machine, interval: 100_000)
    let stop = history.run()
    let end = bare.machine.cycle
    try history.goTo(cycle: end / 2)
    #expect(throws: HistoryError.endsBefore(cycle: end, stop: stop)) { try history.goTo(cycle: end + 1000) }
    #expect(bare.machine.cycle == end)
  }

  @Test("going back ten million instructions takes under a second")
  func speed() throws {
    let guest = try #require(TimedGuest.all.first { $0.image == "bench" })
    for timing in TimingLevel.allCases {
      var bench = guest
      bench.commandLine = "only=sort scale=20"
      let machine = try bench.machine(timing)
      let history = MachineHistory(machine)
      _ = history.run(untilCycle: 60_000_000)
      let cycle = machine.cycle
      let instructions = machine.counters.instructions
      let clock = ContinuousClock()
      let time = try clock.measure { try history.goTo(cycle: cycle - 30_000_000) }
      #expect(instructions - machine.counters.instructions > 10_000_000)
      #expect(time < .seconds(1))
    }
  }
}
