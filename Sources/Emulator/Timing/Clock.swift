import IA32

/// What the CPU's loop reads and writes of the clock, through a pointer.
struct ClockState: Sendable, Hashable {
  /// Cycles since the machine was switched on.
  var now: UInt64 = 0
  /// When the earliest pending event is due; `UInt64.max` if none is pending. Once `now` reaches it,
  /// `Clock.runDueEvents` must run.
  var deadline: UInt64 = .max
}

/// An event of a device: something that happens at a cycle that the device names.
struct ClockEvent: Sendable, Hashable {
  /// Its place in the order of creation. Of two events due at the same cycle, the lower fires first.
  let id: Int
}

/// The machine's one clock. Everything that has to do with time counts its cycles: the processor that executes adds what an
/// instruction costs, devices ask for `now` and schedule events, and nothing reads the host's time.
///
/// `now` is the time of the processor that executes. Where several processors take turns, each keeps the time that it has
/// reached while the others execute: the machine sets `now` to it before the processor goes on and takes it back afterwards,
/// always goes on with the processor that is furthest behind (of equals, the lowest number), and runs due events when that
/// one has reached them. So the order of everything follows from the cycles alone. A deadline is where the machine gets
/// control back, also for a change of processor.
public final class Clock {
  /// A P6 of 167 MHz.
  public static let defaultFrequency: UInt64 = 166_666_667

  /// Cycles a second.
  public let frequency: UInt64

  /// The cycle count and the next deadline, at a fixed place for the CPU's loop.
  let state: UnsafeMutablePointer<ClockState>

  /// When each event is due, by its id; `UInt64.max` while it isn't pending. With `now`, all there is to save.
  private(set) var dueTimes: [UInt64] = []
  private var handlers: [(name: String, fire: (_ due: UInt64) -> Void)] = []

  /// A clock at cycle 0 with nothing pending. The frequency is at least 1 Hz.
  public init(frequency: UInt64 = Clock.defaultFrequency) {
    self.frequency = max(1, frequency)
    state = .allocate(capacity: 1)
    state.initialize(to: ClockState())
  }

  deinit {
    state.deallocate()
  }

  /// Cycles since the machine was switched on.
  public var now: UInt64 { state.pointee.now }

  // MARK: Events

  /// Makes an event that isn't pending yet. `fire` gets the cycle for which the event was scheduled, which `now`
  /// may have passed by as much as an instruction takes.
  func makeEvent(name: String, _ fire: @escaping (_ due: UInt64) -> Void) -> ClockEvent {
    handlers.append((name: name, fire: fire))
    dueTimes.append(.max)
    return ClockEvent(id: handlers.count - 1)
  }

  /// Schedules an event, in place of when it was due before. A cycle that has passed means at once: when due
  /// events run next.
  func schedule(_ event: ClockEvent, at cycle: UInt64) {
    let before = dueTimes[event.id]
    dueTimes[event.id] = cycle
    if cycle <= state.pointee.deadline {
      state.pointee.deadline = cycle
    } else if before == state.pointee.deadline {
      updateDeadline()
    }
  }

  /// Takes an event back; nothing happens if it isn't pending.
  func cancel(_ event: ClockEvent) {
    schedule(event, at: .max)
  }

  /// Whether the event is pending.
  func isPending(_ event: ClockEvent) -> Bool {
    dueTimes[event.id] != .max
  }

  /// Whether `events` are all that may still happen: nothing else is pending.
  func isOnlyPending(_ events: ClockEvent...) -> Bool {
    dueTimes.indices.allSatisfy { id in dueTimes[id] == .max || events.contains { $0.id == id } }
  }

  /// Fires everything that is due at `now`, the earliest first, also what the handlers schedule meanwhile, and
  /// sets the deadline to what comes next.
  func runDueEvents() {
    while state.pointee.deadline <= state.pointee.now {
      let due = state.pointee.deadline
      guard due != .max, let id = dueTimes.firstIndex(of: due) else { return }
      dueTimes[id] = .max
      updateDeadline()
      handlers[id].fire(due)
    }
  }

  /// The pending events in the order in which they will fire, for listings.
  public var pending: [(name: String, due: UInt64)] {
    dueTimes.enumerated().filter { $0.element != .max }
      .sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }
      .map { (name: handlers[$0.offset].name, due: $0.element) }
  }

  private func updateDeadline() {
    state.pointee.deadline = dueTimes.min() ?? .max
  }

  // MARK: Saving

  /// All of the clock's state.
  public struct Snapshot: Sendable, Equatable, Codable {
    var now: UInt64
    var dueTimes: [UInt64]
  }

  /// The clock's state as a value. Restoring needs the same events made in the same order.
  public var snapshot: Snapshot {
    get { Snapshot(now: now, dueTimes: dueTimes) }
    set {
      precondition(newValue.dueTimes.count == dueTimes.count, "a snapshot of another machine's clock")
      dueTimes = newValue.dueTimes
      state.pointee.now = newValue.now
      updateDeadline()
    }
  }

  /// The time base of a device that has a crystal of `numerator / denominator` Hz.
  func timebase(hertz numerator: UInt64, dividedBy denominator: UInt64 = 1) -> Timebase {
    Timebase(hertz: numerator, dividedBy: denominator, clock: frequency)
  }
}

/// A device's own clock in terms of the machine's cycles: exact for any frequency and however long it runs,
/// because ticks are computed from the cycle count and never added up.
struct Timebase: Sendable, Hashable {
  /// A tick takes `cycles / ticks` cycles.
  private let ticks: UInt128
  private let cycles: UInt128

  /// A clock of `numerator / denominator` Hz beside a machine clock of `clock` Hz.
  init(hertz numerator: UInt64, dividedBy denominator: UInt64 = 1, clock: UInt64) {
    ticks = UInt128(max(1, numerator))
    cycles = UInt128(max(1, denominator)) * UInt128(max(1, clock))
  }

  /// How many ticks have passed at a cycle; tick n begins at cycle `cycle(ofTick: n)`.
  func ticks(at cycle: UInt64) -> UInt64 {
    UInt64(clamping: (UInt128(cycle) &* ticks) / cycles)
  }

  /// The first cycle at which `tick` ticks have passed; `UInt64.max` if that is beyond all time.
  func cycle(ofTick tick: UInt64) -> UInt64 {
    let (product, overflow) = UInt128(tick).multipliedReportingOverflow(by: cycles)
    guard !overflow else { return .max }
    return UInt64(clamping: (product &+ (ticks &- 1)) / ticks)
  }
}
