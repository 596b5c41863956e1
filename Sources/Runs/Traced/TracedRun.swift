import Emulator
import Reports
import Traces

/// Hands a run's events to a recorder or a verifier. The guest notices nothing.
final class TraceWindow: RunCompanion {
  private let guest: GuestMachine
  private let kinds: EventKinds
  private let filter: ActiveFilter?
  private let isEnough: () -> Bool
  private let take: (MachineEvent, EventMoment) -> Void
  /// The cycle before which nothing is wanted; never, when observation has begun.
  private(set) var nextCycle: UInt64
  private var observers: [ObserverID] = []

  /// - Parameters:
  ///   - header: the kinds and the window of cycles.
  ///   - filter: which of the events; nil for all.
  ///   - isEnough: whether the run may end.
  init(
    _ guest: GuestMachine, header: TraceHeader, filter: ActiveFilter?, isEnough: @escaping () -> Bool,
    _ take: @escaping (MachineEvent, EventMoment) -> Void
  ) {
    self.guest = guest
    self.filter = filter
    self.isEnough = isEnough
    self.take = take
    // Which pages hold page tables is learnt from the walks: those stores are followed from the first moment on.
    let first = header.filter.cycles?.lowerBound ?? 0
    let early = first == 0 ? header.kinds : header.kinds.intersection(.pteStore)
    kinds = header.kinds.subtracting(early)
    nextCycle = first == 0 ? .max : first
    observe(early)
  }

  func look(at cycle: UInt64, _ reason: StopReason) -> StopReason? {
    if cycle >= nextCycle {
      nextCycle = .max
      observe(kinds)
    }
    return isEnough() ? .observed : nil
  }

  private func observe(_ kinds: EventKinds) {
    guard !kinds.isEmpty else { return }
    let machine = guest.machine
    guard let filter else {
      observers.append(machine.observe(kinds, take))
      return
    }
    let take = take
    observers.append(
      machine.observe(kinds) { [unowned machine] event, moment in
        if filter.accepts(event, moment, ring: machine.privilegeLevel) { take(event, moment) }
      })
  }

  /// What is still on the serial line when the run has ended is sent by the host's hand: it is not recorded.
  func finish() {
    for observer in observers { guest.machine.stopObserving(observer) }
    observers = []
  }
}

extension TraceSetup {
  /// Runs `guest` to its end, or until `isEnough`, and hands over its events.
  ///
  /// - Parameters:
  ///   - console: sees what the guest prints; nil to discard it.
  ///   - isInterrupted: whether the run is to stop.
  func follow(
    _ guest: GuestMachine, console: TypedConsole, isEnough: @escaping () -> Bool,
    _ take: @escaping (MachineEvent, EventMoment) -> Void
  ) -> RunEnding {
    let window = TraceWindow(guest, header: header, filter: filter, isEnough: isEnough, take)
    // Behind the window nothing is recorded any more.
    let windowEnd = header.filter.cycles.map { $0.upperBound == .max ? .max : $0.upperBound + 1 } ?? .max
    let end = min(header.maxCycles ?? .max, windowEnd)
    var companions: [any RunCompanion] = [window]
    if !header.timedInput.isEmpty {
      let pieces = header.timedInput.map { TypedInput.Piece(cycle: $0.cycle, bytes: $0.bytes) }
      companions.append(TypedInput(guest, pieces))
    }
    let loop = RunLoop(
      guest, console: console, companions: companions, maxCycles: end == .max ? nil : end)
    return loop.runToEnd()
  }
}
