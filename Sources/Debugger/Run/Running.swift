import Emulator
import IA32
import Reports
import Runs

/// Why the guest stands still.
public struct Standing: Sendable {
  /// What ended the run; of a stop, how the machine came to stand.
  public internal(set) var reason: StopReason
  /// What made it stop; empty for a step, an end, or Ctrl-C.
  public internal(set) var hits: [Hit] = []
}

/// Places where a run ends once: the return address of a call, say.
public struct Destination: Hashable, Sendable {
  /// Linear addresses of instructions.
  public var linears: Set<UInt32>
  /// ESP is above this there: not in a deeper call of the same code. nil for any.
  public var above: UInt32?

  /// Stops at these linear addresses, if ESP is above `above`.
  public init(_ linears: Set<UInt32>, above: UInt32? = nil) {
    self.linears = linears
    self.above = above
  }
}

/// Letting the guest go on, with its console, until something stops it.
extension DebuggerSession {
  /// Cycles between two looks at the console.
  private static let slice: UInt64 = 1_000_000
  /// Bytes that the serial line is given at once.
  private static let maxInputBytes = 64

  /// Runs until `limit`, `destination` or a stop. The instruction it stands at is executed even if it has a breakpoint.
  /// - Throws: `ShellError` when the guest has ended.
  @discardableResult
  public func run(
    untilCycle limit: UInt64 = .max, to destination: Destination? = nil
  ) throws(ShellError) -> Standing {
    if let ended = history.ended {
      throw ShellError("the guest has ended (\(ended.name)): it can go back ('rc', 'rsi', 'goto 0'), not on")
    }
    standing = []
    selectedFrame = 0
    listing = nil
    stops.temporary = destination?.linears ?? []
    takeConsole()
    defer {
      giveConsole()
      stops.temporary = []
    }
    var result = runSlices(limit, destination)
    result.hits = result.hits.map(completed)
    if result.reason == .tripleFault, let stop = stops.enabled(.triple) {
      result.hits.append(Hit(stop: stop.number, moment: machine.moment, text: "triple fault"))
    }
    stand(at: result.hits)
    if result.reason == .tripleFault { noteFault() }
    try queueCommands(of: result.hits)
    return result
  }

  /// One instruction: each costs a cycle at least, and a run ends at the first boundary behind its limit.
  /// - Throws: `ShellError` when the guest has ended.
  @discardableResult
  public func step() throws(ShellError) -> Standing { try run(untilCycle: machine.cycle &+ 1) }

  /// The console is the guest's until `giveConsole` has been called as often as this.
  func takeConsole() {
    if consoleUses == 0 { console.begin() }
    consoleUses += 1
  }

  func giveConsole() {
    consoleUses -= 1
    if consoleUses == 0 { console.end() }
  }

  /// The commands of the stops that were hit wait to be executed.
  private func queueCommands(of hits: [Hit]) throws(ShellError) {
    let numbers = Set(hits.compactMap(\.stop))
    let lines = stops.stops.filter { numbers.contains($0.number) }.flatMap { stop in
      stop.commands.map { LineQueue.Line(text: $0, place: "commands of stop \(stop.number)") }
    }
    try queue.push(lines, endsEarly: true)
  }

  /// `$va` is the address of the page fault that the guest died of, `$pa` the place of the entry.
  private func noteFault() {
    let explanation = FaultExplanation(machine, describe: describe)
    if let linear = explanation.linear { variables.linear = linear }
    if let physical = explanation.entryAddress { variables.physical = physical }
  }

  private func runSlices(_ limit: UInt64, _ destination: Destination?) -> Standing {
    var isPassing = true
    while true {
      let input = console.receive(atMost: Self.maxInputBytes)
      if !input.isEmpty { history.receive(input) }
      let (next, overflow) = machine.cycle.addingReportingOverflow(Self.slice)
      let reason = history.run(untilCycle: min(limit, overflow ? .max : next), passingBreakpoint: isPassing)
      console.show(history.takeSerialOutput(draining: reason.isEnd))
      isPassing = false
      if case .breakpoint(let linear) = reason { hitBreakpoints(at: linear) }
      let hits = stops.takeHits()
      if !hits.isEmpty || reason.isEnd { return Standing(reason: reason, hits: hits) }
      if stepping.isOver { return Standing(reason: .stepped) }
      if console.isInterrupted { return Standing(reason: .interrupted) }
      switch reason {
      case .breakpoint(let linear):
        if let destination, destination.linears.contains(linear), isReached(destination) {
          return Standing(reason: reason)
        }
        isPassing = true
      case .waiting where !console.wait(): return Standing(reason: reason)
      case .cycleLimit where machine.cycle >= limit: return Standing(reason: .stepped)
      default: break
      }
    }
  }

  /// What the breakpoints at the next instruction say.
  func hitBreakpoints(at linear: UInt32) {
    for stop in stops.breakpoints(at: linear) {
      let name = "breakpoint at \(LinearAddress(linear))"
      stops.hit(Hit(stop: stop.number, moment: machine.moment, text: name, isBreakpoint: true))
    }
  }

  private func isReached(_ destination: Destination) -> Bool {
    destination.above.map { machine.registers[GeneralRegister.esp] > $0 } ?? true
  }

  /// What the instruction changed, now that it has.
  private func completed(_ hit: Hit) -> Hit {
    guard let (physical, old) = hit.before,
      let new = machine.peek(PhysicalAddress(physical), count: old.count)
    else { return hit }
    func text(_ bytes: [UInt8]) -> String {
      hexadecimal(MemoryView.value(bytes[...]), digits: bytes.count * 2)
    }
    var hit = hit
    hit.before = nil
    hit.text += old == new ? ": \(text(old))" : ": \(text(old)) -> \(text(new))"
    return hit
  }

  /// Remembers where the guest stands and what `$va` and `$pa` mean there.
  func stand(at hits: [Hit]) {
    standing = hits
    for hit in hits {
      if let linear = hit.linear { variables.linear = linear }
      if let physical = hit.physical { variables.physical = physical }
    }
  }
}
