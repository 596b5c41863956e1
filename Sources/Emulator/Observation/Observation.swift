import IA32

/// Who listens to what a machine does.
///
/// Events come from places that are slow anyway: a TLB miss, a fault, a device, a store to a marked frame. What has no such
/// place (each instruction, each access) costs something only while somebody asks for it: instructions have a loop of
/// their own, and accesses go past the filter. The guest can tell none of this.
final class Observation {
  private struct Listener {
    let id: Int
    let kinds: EventKinds
    let body: (MachineEvent, EventMoment) -> Void
  }

  private struct LinearWatch {
    let id: Int
    let range: ClosedRange<UInt32>
    let body: (AccessEvent, EventMoment) -> Void
  }

  private var listeners: [Listener] = []
  /// The listener's body where there is just one.
  private var only: ((MachineEvent, EventMoment) -> Void)?
  private var linearWatches: [LinearWatch] = []
  private var nextID = 0
  /// What anybody listens to.
  private(set) var kinds: EventKinds = []
  /// Whether data accesses are told: all of them, or those to the pages of `linearWatches`.
  private(set) var followsAccesses = false
  /// Whether `MMU.walk` has to tell its steps or mark the pages it reads.
  private(set) var followsWalks = false
  /// Finds uses of stale translations; nil while nobody asked for it.
  var stale: StaleCheck? { didSet { changed() } }
  /// Follows translations step by step; nil while nobody does.
  var stepper: (any TranslationStepper)? { didSet { changed() } }
  /// Where the machine is.
  var moment: () -> EventMoment = { EventMoment(cycle: 0, instruction: 0, eip: 0, linear: 0) }
  /// Called when what is followed has changed.
  var onChange: () -> Void = {}

  // MARK: Listeners

  func add(_ kinds: EventKinds, _ body: @escaping (MachineEvent, EventMoment) -> Void) -> Int {
    nextID += 1
    listeners.append(Listener(id: nextID, kinds: kinds, body: body))
    changed()
    return nextID
  }

  func addWatch(
    _ range: ClosedRange<UInt32>, _ body: @escaping (AccessEvent, EventMoment) -> Void
  ) -> Int {
    nextID += 1
    linearWatches.append(LinearWatch(id: nextID, range: range, body: body))
    changed()
    return nextID
  }

  func remove(_ id: Int) {
    listeners.removeAll { $0.id == id }
    linearWatches.removeAll { $0.id == id }
    changed()
  }

  private func changed() {
    only = listeners.count == 1 ? listeners[0].body : nil
    kinds = listeners.reduce(into: []) { $0.formUnion($1.kinds) }
    followsAccesses = kinds.contains(.access) || !linearWatches.isEmpty || stepper != nil
    followsWalks = !kinds.isDisjoint(with: [.walk, .pteStore]) || stale != nil || stepper != nil
    onChange()
  }

  // MARK: Telling

  @inline(__always)
  func wants(_ kind: EventKinds) -> Bool { !kinds.isDisjoint(with: kind) }

  /// Tells everybody who listens to the event's kind, in the order in which they came.
  @inline(never)
  func tell(_ event: MachineEvent) {
    let moment = moment()
    // One listener to all that is told is the rule, and a recorder's time counts.
    if let only {
      only(event, moment)
      return
    }
    let kind = event.kind
    for listener in listeners where !listener.kinds.isDisjoint(with: kind) { listener.body(event, moment) }
  }

  /// Whether data accesses to the page of `linear` must not take a shortcut.
  @inline(__always)
  func followsPage(of linear: UInt32) -> Bool { followsAccesses && isFollowed(page: linear >> 12) }

  @inline(never)
  private func isFollowed(page: UInt32) -> Bool {
    wants(.access) || stepper != nil
      || linearWatches.contains { $0.range.lowerBound >> 12 <= page && page <= $0.range.upperBound >> 12 }
  }

  /// A data access has passed its checks: those who asked for it, or watch a byte of it, are told before it happens.
  @inline(never)
  func accessed(_ event: AccessEvent) {
    if wants(.access) { tell(.access(event)) }
    let last = event.linear &+ UInt32(event.bytes) &- 1
    for watch in linearWatches where watch.range.lowerBound <= last && event.linear <= watch.range.upperBound
    {
      watch.body(event, moment())
    }
  }
}

/// Somebody who listens to a machine, or watches a part of its memory.
public struct ObserverID: Hashable, Sendable {
  let number: Int
}

/// Watching what a machine does. What the guest does, and how long it takes, stays the same. Between runs only, but for
/// `requestStop` and `moment`.
extension Machine {
  /// Hands `body` each event of `kinds` when it happens, until `stopObserving`. It may look at the machine and ask for a stop;
  /// it must not run it.
  public func observe(
    _ kinds: EventKinds, _ body: @escaping (MachineEvent, EventMoment) -> Void
  ) -> ObserverID {
    ObserverID(number: cpu.observation.add(kinds, body))
  }

  /// Hands `body` each data access that touches one of the linear addresses `range`, before it happens.
  public func watchLinear(
    _ range: ClosedRange<UInt32>, _ body: @escaping (AccessEvent, EventMoment) -> Void
  ) -> ObserverID {
    ObserverID(number: cpu.observation.addWatch(range, body))
  }

  /// Hands `body` each store that touches one of the physical addresses `range`, whoever makes it, after it has happened.
  public func watchPhysical(
    _ range: Range<UInt64>, _ body: @escaping (PhysicalStoreEvent, EventMoment) -> Void
  ) -> ObserverID {
    ObserverID(number: -cpu.stores.addWatch(range, body))
  }

  /// Ends what `observe`, `watchLinear` and `watchPhysical` began.
  public func stopObserving(_ observer: ObserverID) {
    if observer.number < 0 {
      cpu.stores.removeWatch(-observer.number)
    } else {
      cpu.observation.remove(observer.number)
    }
  }

  /// Ends the run (`StopReason.interrupted`) when the instruction that is being executed has completed, or its fault has
  /// been delivered: for an observer that has seen enough.
  public func requestStop() {
    cpu.control.pointee.stop = cpu.control.pointee.stop ?? .interrupted
    cpu.control.pointee.needsAttention = true
  }

  /// Where the machine is, exact also in an observer.
  public var moment: EventMoment { cpu.moment }
}

extension CPU {
  /// Where the processor is, exact in the middle of a block.
  var moment: EventMoment {
    let op = control.pointee.current
    let eip = op?.pointee.eip ?? state.pointee.eip
    return EventMoment(
      processor: number, cycle: clock.state.pointee.now,
      instruction: counters.pointee.instructions &+ UInt64(op?.pointee.position ?? 0), eip: eip,
      linear: state.pointee.cs.base &+ eip)
  }

  /// What the fast paths may do depends on what is followed.
  func observationChanged() {
    mmu.filter.dropAll()
    mmu.askAgainForFetchPage()
    mmu.markPointerTable()
  }

  /// An instruction begins: told by the loop that follows instructions.
  @inline(never)
  func tellInstruction(_ op: UnsafeMutablePointer<Op>) {
    // Markers of a block, and an instruction at which the loop comes back first.
    guard op.pointee.length > 0, op.pointee.handler != .leave else { return }
    begin(op)
    observation.tell(
      .instruction(
        InstructionEvent(length: op.pointee.length, privilegeLevel: state.pointee.privilegeLevel)))
    end(op)
    // An observer that asks for a stop means: after this instruction.
    if control.pointee.stop != nil { arm(op + 1) }
  }
}
