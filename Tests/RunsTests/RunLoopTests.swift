import Emulator
import Reports
import Runs
import Testing

/// A machine that echoes its serial input and stops as its script says.
final class ScriptedMachine: RunnableMachine {
  var cycle: UInt64 = 0
  var position: GuestPosition { GuestPosition(eip: 0x1000, symbol: nil, cycle: cycle) }
  var received: [UInt8] = []
  private var output: [UInt8] = []
  /// What each call of `advance` answers; then it only reaches its cycle.
  var script: [StopReason]
  var calls = 0
  /// Called at the start of each slice.
  var onRun: (ScriptedMachine) -> Void = { _ in }

  init(_ script: [StopReason] = []) { self.script = script }

  func receive(_ bytes: [UInt8]) {
    received += bytes
    output += bytes
  }

  func say(_ text: String) { output += Array(text.utf8) }

  func takeConsoleOutput(draining: Bool) -> [UInt8] {
    defer { output = [] }
    return output
  }

  func advance(untilCycle limit: UInt64) -> StopReason {
    calls += 1
    onRun(self)
    let reason = script.isEmpty ? .cycleLimit : script.removeFirst()
    if reason == .cycleLimit { cycle = limit }
    return reason
  }

  func explanation(of reason: StopReason) -> [String] { reason == .tripleFault ? ["it died"] : [] }
}

/// Looks every so many cycles, and ends the run after some looks.
final class CountingCompanion: RunCompanion {
  let interval: UInt64
  let limit: Int
  private(set) var nextCycle: UInt64
  private(set) var looks: [UInt64] = []
  private(set) var isFinished = false

  init(every interval: UInt64, atMost limit: Int) {
    self.interval = interval
    self.limit = limit
    nextCycle = interval
  }

  func look(at cycle: UInt64, _ reason: StopReason) -> StopReason? {
    guard cycle >= nextCycle else { return nil }
    looks.append(cycle)
    nextCycle += interval
    return looks.count == limit ? .observed : nil
  }

  func finish() { isFinished = true }
  var remarks: [String] { ["\(looks.count) looks"] }
}

@Suite("Run loop")
struct RunLoopTests {
  /// Runs `machine` with `input` as what was typed, and returns how it ended and what it printed.
  func run(
    _ machine: ScriptedMachine, input: String = "", maxCycles: UInt64? = nil,
    companions: [any RunCompanion] = [], isInterrupted: @escaping () -> Bool = { false }
  ) -> (RunEnding, String) {
    let screen = KeepingConsole()
    let console = TypedConsole(typing: Array(input.utf8), output: screen, isInterrupted: isInterrupted)
    let ending = RunLoop(machine, console: console, companions: companions, maxCycles: maxCycles).runToEnd()
    return (ending, String(decoding: screen.output, as: UTF8.self))
  }

  @Test func theExitDeviceEndsIt() {
    let machine = ScriptedMachine([.cycleLimit, .exit(7)])
    machine.onRun = { $0.say("slice \($0.calls)\n") }
    let (ending, text) = run(machine)
    #expect(ending == RunEnding(.exit(7), at: machine.position))
    #expect(text == "slice 1\nslice 2\n")
  }

  @Test func inputArrivesPieceByPiece() {
    let input = String(repeating: "hello, guest. ", count: 20)
    let machine = ScriptedMachine(Array(repeating: .cycleLimit, count: 6) + [.exit(0)])
    var arrived: [Int] = []
    machine.onRun = { arrived.append($0.received.count) }
    let (_, text) = run(machine, input: input)
    #expect(text == input)
    #expect(arrived == [0, 64, 128, 192, 256, 280, 280], "none before the firmware has run")
  }

  @Test func theCycleLimitIsExact() {
    for limit in [1, RunLoop.slice - 1, RunLoop.slice, RunLoop.slice + 1, 10 * RunLoop.slice] {
      let machine = ScriptedMachine()
      #expect(run(machine, maxCycles: limit).0.reason == .cycleLimit)
      #expect(machine.cycle == limit)
    }
  }

  @Test func anInterruptStopsItBetweenSlices() {
    let machine = ScriptedMachine()
    let (ending, _) = run(machine, isInterrupted: { machine.calls == 3 })
    #expect(ending == RunEnding(.interrupted, at: machine.position))
    #expect(machine.cycle == 3 * RunLoop.slice)
  }

  @Test func waitingForInputThatCanNotComeIsAHalt() {
    let machine = ScriptedMachine(Array(repeating: .waiting, count: 100))
    let (ending, text) = run(machine, input: "abc")
    #expect(ending == RunEnding(.halted, at: machine.position))
    #expect(text == "abc")
    #expect(run(ScriptedMachine([.halted])).0.exitStatus == 5)
  }

  @Test func theEndIsExplained() {
    #expect(run(ScriptedMachine([.tripleFault])).0.details == ["it died"])
  }

  @Test func companionsLookAtTheirCyclesAndEndTheRun() {
    let companion = CountingCompanion(every: 300_000, atMost: 5)
    let machine = ScriptedMachine()
    let ending = run(machine, companions: [companion]).0
    #expect(companion.looks == [300_000, 600_000, 900_000, 1_200_000, 1_500_000])
    #expect(ending.reason == .observed && machine.cycle == 1_500_000)
    #expect(ending.remarks == ["5 looks"])
    #expect(companion.isFinished)
  }

  /// What accompanies a run must not change when the guest gets its input.
  @Test func companionsDoNotMoveTheInput() {
    func arrivals(_ companions: [any RunCompanion]) -> Set<UInt64> {
      let machine = ScriptedMachine()
      var cycles: Set<UInt64> = []
      var received = 0
      machine.onRun = {
        if $0.received.count > received { cycles.insert($0.cycle) }
        received = $0.received.count
      }
      _ = run(
        machine, input: String(repeating: "x", count: 300), maxCycles: 8 * RunLoop.slice,
        companions: companions)
      return cycles
    }
    #expect(arrivals([]).count == 5)
    #expect(arrivals([CountingCompanion(every: 77_777, atMost: 1_000)]) == arrivals([]))
  }
}
