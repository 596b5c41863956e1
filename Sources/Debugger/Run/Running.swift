import Emulator
import IA32
import Reports
import Runs

/// Why the guest stands still.
struct Standing {
  var reason: StopReason
  /// What made it stop; empty for a step, an end, or Ctrl-C.
  var hits: [Hit] = []
}

/// A place where a run ends once: the return address of a call, say.
struct Destination {
  var linear: UInt32
  /// ESP is above this there: not in a deeper call of the same code. nil for any.
  var above: UInt32?
}

/// Letting the guest go on, with its console, until something stops it.
extension DebuggerSession {
  /// Cycles between two looks at the console.
  private static let slice: UInt64 = 1_000_000
  /// Bytes that the serial line is given at once.
  private static let consoleRoom = 64

  /// Runs until `limit`, `destination` or a stop. The instruction it stands at is executed even if it has a breakpoint.
  /// - Throws: `ShellError` when the guest has ended.
  func run(untilCycle limit: UInt64 = .max, to destination: Destination? = nil) throws(ShellError) -> Standing
  {
    if let ended = history.ended {
      throw ShellError("the guest has ended (\(ended.name)): it can go back ('rc', 'rsi', 'goto 0'), not on")
    }
    standing = []
    listing = nil
    stops.temporary = destination.map { [$0.linear] } ?? []
    console.begin()
    defer {
      console.end()
      stops.temporary = []
    }
    var result = runSlices(limit, destination)
    result.hits = result.hits.map(completed)
    if result.reason == .tripleFault, let stop = stops.enabled(.triple) {
      result.hits.append(Hit(stop: stop.number, moment: machine.moment, text: "triple fault"))
    }
    stand(at: result.hits)
    if result.reason == .tripleFault {
      // What the person will ask about next.
      let faults = FaultExplanation(machine) { _ in "" }
      if let linear = faults.linear { variables.linear = linear }
      if let entry = faults.entryAddress { variables.physical = entry }
    }
    return result
  }

  /// One instruction: each costs a cycle at least, and a run ends at the first boundary behind its limit.
  func step() throws(ShellError) -> Standing { try run(untilCycle: machine.cycle &+ 1) }

  private func runSlices(_ limit: UInt64, _ destination: Destination?) -> Standing {
    var isPassing = true
    while true {
      let input = console.receive(atMost: Self.consoleRoom)
      if !input.isEmpty { history.receive(input) }
      let (next, overflow) = machine.cycle.addingReportingOverflow(Self.slice)
      let reason = history.run(untilCycle: min(limit, overflow ? .max : next), passingBreakpoint: isPassing)
      console.show(history.takeSerialOutput(draining: reason.isEnd))
      isPassing = false
      if case .breakpoint(let linear) = reason, let stop = stops.breakpoint(at: linear) {
        stops.hit(Hit(stop: stop.number, moment: machine.moment, text: stop.text, isBreakpoint: true))
      }
      let hits = stops.takeHits()
      if !hits.isEmpty || reason.isEnd { return Standing(reason: reason, hits: hits) }
      if stepping.isOver { return Standing(reason: .stepped) }
      if console.isInterrupted { return Standing(reason: .interrupted) }
      switch reason {
      case .breakpoint(let linear):
        if let destination, destination.linear == linear, isReached(destination) {
          return Standing(reason: reason)
        }
        isPassing = true
      case .waiting where !console.wait(): return Standing(reason: reason)
      case .cycleLimit where machine.cycle >= limit: return Standing(reason: .stepped)
      default: break
      }
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
