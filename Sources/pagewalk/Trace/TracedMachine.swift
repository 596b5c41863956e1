import Emulator
import Traces

/// A machine whose events are handed to a recorder or a verifier. The guest notices nothing.
final class TracedMachine: RunnableMachine {
  private let machine: GuestMachine
  private let kinds: EventKinds
  private let filter: ActiveFilter?
  private let isEnough: () -> Bool
  private let take: (MachineEvent, EventMoment) -> Void
  /// The cycle before which nothing is wanted; nil when observation has begun.
  private var start: UInt64?
  private var observers: [ObserverID] = []

  init(
    _ machine: GuestMachine, header: TraceHeader, filter: ActiveFilter?, isEnough: @escaping () -> Bool,
    _ take: @escaping (MachineEvent, EventMoment) -> Void
  ) {
    self.machine = machine
    self.filter = filter
    self.isEnough = isEnough
    self.take = take
    // Which pages hold page tables is learnt from the walks: those stores are followed from the first moment on.
    let first = header.filter.cycles?.lowerBound ?? 0
    let early = first == 0 ? header.kinds : header.kinds.intersection(.pteStore)
    kinds = header.kinds.subtracting(early)
    start = first == 0 ? nil : first
    observe(early)
  }

  var cycle: UInt64 { machine.cycle }
  var position: GuestPosition { machine.position }
  var consoleRoom: Int { machine.consoleRoom }
  func receive(_ bytes: [UInt8]) { machine.receive(bytes) }
  func takeConsoleOutput(draining: Bool) -> [UInt8] {
    if draining { stopObserving() }
    // A machine that is looked at where it was stopped is left as it is.
    return machine.takeConsoleOutput(draining: draining && !isEnough())
  }

  func run(untilCycle limit: UInt64) -> MachineStop {
    if let start {
      if machine.cycle < start {
        let stop = machine.run(untilCycle: min(limit, start))
        if stop != .reachedCycle || machine.cycle < start || machine.cycle >= limit { return stop }
      }
      self.start = nil
      observe(kinds)
    }
    let stop = machine.run(untilCycle: limit)
    return isEnough() ? .observerHasEnough : stop
  }

  private func observe(_ kinds: EventKinds) {
    guard !kinds.isEmpty else { return }
    guard let filter else {
      observers.append(machine.machine.observe(kinds, take))
      return
    }
    let take = take
    let processor = machine.machine
    observers.append(
      processor.observe(kinds) { [unowned processor] event, moment in
        if filter.accepts(event, moment, ring: processor.privilegeLevel) { take(event, moment) }
      })
  }

  /// When the run has ended: what is still on the serial line is sent by the host's hand.
  private func stopObserving() {
    for observer in observers { machine.machine.stopObserving(observer) }
    observers = []
  }
}
