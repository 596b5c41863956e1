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

  private var listeners: [Listener] = []
  private var nextID = 0
  /// What anybody listens to.
  private(set) var kinds: EventKinds = []
  /// Called when `kinds` has changed.
  var onChange: () -> Void = {}

  func add(_ kinds: EventKinds, _ body: @escaping (MachineEvent, EventMoment) -> Void) -> Int {
    nextID += 1
    listeners.append(Listener(id: nextID, kinds: kinds, body: body))
    changed()
    return nextID
  }

  func remove(_ id: Int) {
    listeners.removeAll { $0.id == id }
    changed()
  }

  private func changed() {
    kinds = listeners.reduce(into: []) { $0.formUnion($1.kinds) }
    onChange()
  }

  @inline(__always)
  func wants(_ kind: EventKinds) -> Bool { !kinds.isDisjoint(with: kind) }

  /// Tells everybody who listens to the event's kind, in the order in which they came.
  func tell(_ event: MachineEvent, _ moment: EventMoment) {
    let kind = event.kind
    for listener in listeners where !listener.kinds.isDisjoint(with: kind) { listener.body(event, moment) }
  }
}

/// A listener of a machine's events.
public struct ObserverID: Hashable, Sendable {
  let number: Int
}

/// Watching what a machine does. What the guest does, and how long it takes, stays the same. Between runs only, but for
/// `requestStop`.
extension Machine {
  /// Hands `body` each event of `kinds` when it happens, until `stopObserving`. It may look at the machine and ask for a stop;
  /// it must not run it.
  public func observe(
    _ kinds: EventKinds, _ body: @escaping (MachineEvent, EventMoment) -> Void
  ) -> ObserverID {
    ObserverID(number: cpu.observation.add(kinds, body))
  }

  public func stopObserving(_ observer: ObserverID) { cpu.observation.remove(observer.number) }

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
      cycle: clock.state.pointee.now,
      instruction: counters.pointee.instructions &+ UInt64(op?.pointee.position ?? 0), eip: eip,
      linear: state.pointee.cs.base &+ eip)
  }

  func tell(_ event: MachineEvent) { observation.tell(event, moment) }
}
