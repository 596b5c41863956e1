import Foundation
import Testing

@testable import pagewalk

/// A machine that echoes its serial input and stops as its script says.
final class ScriptedMachine: RunnableMachine {
  var cycle: UInt64 = 0
  var position: GuestPosition { GuestPosition(eip: 0x1000, symbol: nil, cycle: cycle) }
  var consoleRoom = 16
  var received: [UInt8] = []
  private var output: [UInt8] = []
  /// What each call of `run` answers; then it only reaches its cycle.
  var script: [MachineStop]
  var calls = 0
  /// Called at the start of each slice.
  var onRun: (ScriptedMachine) -> Void = { _ in }

  init(_ script: [MachineStop] = []) { self.script = script }

  func receive(_ bytes: [UInt8]) {
    received += bytes
    output += bytes
  }

  func say(_ text: String) { output += Array(text.utf8) }

  func takeConsoleOutput(draining: Bool) -> [UInt8] {
    defer { output = [] }
    return output
  }

  func run(untilCycle limit: UInt64) -> MachineStop {
    calls += 1
    onRun(self)
    let stop = script.isEmpty ? .reachedCycle : script.removeFirst()
    if stop == .reachedCycle { cycle = limit }
    return stop
  }
}

@Suite("Run loop")
struct RunLoopTests {
  /// Runs `machine` with `input` as what was typed, and returns how it ended and what it printed.
  func run(
    _ machine: ScriptedMachine, input: String = "", maxCycles: UInt64? = nil,
    isInterrupted: @escaping () -> Bool = { false }
  ) throws -> (RunOutcome, String) {
    let typed = Pipe()
    let printed = Pipe()
    try typed.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try typed.fileHandleForWriting.close()
    let console = Console(
      input: typed.fileHandleForReading.fileDescriptor, output: printed.fileHandleForWriting.fileDescriptor)
    var loop = RunLoop(
      machine: machine, console: console, maxCycles: maxCycles, isInterrupted: isInterrupted)
    let outcome = loop.run()
    try printed.fileHandleForWriting.close()
    let text = String(decoding: try printed.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    return (outcome, text)
  }

  @Test func theExitDeviceEndsIt() throws {
    let machine = ScriptedMachine([.reachedCycle, .exited(7)])
    machine.onRun = { $0.say("slice \($0.calls)\n") }
    let (outcome, text) = try run(machine)
    #expect(outcome == .exited(7))
    #expect(text == "slice 1\nslice 2\n")
  }

  @Test func inputArrivesAsFastAsThereIsRoom() throws {
    let machine = ScriptedMachine(Array(repeating: .reachedCycle, count: 6) + [.exited(0)])
    machine.consoleRoom = 4
    let (_, text) = try run(machine, input: "hello, guest")
    #expect(String(decoding: machine.received, as: UTF8.self) == "hello, guest")
    #expect(text == "hello, guest")
  }

  @Test func theCycleLimitIsExact() throws {
    for limit in [1, RunLoop.slice - 1, RunLoop.slice, RunLoop.slice + 1, 10 * RunLoop.slice] {
      let machine = ScriptedMachine()
      let (outcome, _) = try run(machine, maxCycles: limit)
      #expect(outcome == .cycleLimit(machine.position))
      #expect(machine.cycle == limit)
    }
  }

  @Test func anInterruptStopsItBetweenSlices() throws {
    let machine = ScriptedMachine()
    let (outcome, _) = try run(machine, isInterrupted: { machine.calls == 3 })
    #expect(outcome == .interrupted(machine.position))
    #expect(machine.cycle == 3 * RunLoop.slice)
  }

  @Test func waitingForInputThatCanNotComeIsAHalt() throws {
    let machine = ScriptedMachine(Array(repeating: .waitingForInput, count: 100))
    machine.consoleRoom = 2
    let (outcome, text) = try run(machine, input: "abc")
    #expect(outcome == .halted(machine.position))
    #expect(text == "abc")
    #expect(try run(ScriptedMachine([.halted])).0.exitStatus == 5)
  }
}
