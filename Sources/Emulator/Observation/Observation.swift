import IA32

/// Who listens to what a machine does.
///
/// Events come from places that are slow anyway: a TLB miss, a fault, a device, a store to a marked frame. What has no such
/// place (each instruction, each access) costs something only while somebody asks for it: instructions have a loop of
/// their own, and accesses go past the filter. The guest can tell none of this.
final class Observation {
  /// A processor, which lives as long as its machine does.
  private struct Processor {
    unowned let observed: any ObservedProcessor
  }

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
  /// Whether walks have to tell their steps or mark the pages they read.
  private(set) var followsWalks = false
  private var processors: [Processor] = []
  /// The processor whose instruction is being executed: what happens now happens at its moment. Set by the machine whenever
  /// another processor goes on.
  unowned(unsafe) private(set) var executing: (any ObservedProcessor)?

  // MARK: Processors

  /// Adds a processor, to be told of changes; the first one is the one that executes.
  func add(_ processor: any ObservedProcessor) {
    processors.append(Processor(observed: processor))
    if executing == nil { executing = processor }
  }

  /// Where the machine is.
  func moment() -> EventMoment {
    executing?.moment ?? EventMoment(cycle: 0, instruction: 0, eip: 0, linear: 0)
  }

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

  /// What is followed has changed.
  func changed() {
    only = listeners.count == 1 ? listeners[0].body : nil
    kinds = listeners.reduce(into: []) { $0.formUnion($1.kinds) }
    followsAccesses = kinds.contains(.access) || !linearWatches.isEmpty
    followsWalks = !kinds.isDisjoint(with: [.walk, .pteStore])
    for processor in processors { processor.observed.observationChanged() }
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

  /// Whether somebody follows data accesses to a linear page.
  @inline(never)
  func followsAccesses(toPage page: UInt32) -> Bool {
    wants(.access)
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

/// A processor as observation sees it: where it is, and how it reads page tables.
protocol ObservedProcessor: AnyObject {
  /// Where it is, exact in the middle of a block.
  var moment: EventMoment { get }
  /// PAE paging: entries of 8 bytes, below a page-directory-pointer table.
  var walksPAETables: Bool { get }
  /// Physical address of the page-directory-pointer table that CR3 names, as the A20 gate lets it through.
  var pointerTable: UInt64 { get }
  /// What is followed has changed: shortcuts past it must go.
  func observationChanged()
}
