import Emulator
import IA32

/// The numbered stops of a session, and what they have observers for.
final class StopList {
  /// What becomes of a hit.
  enum Mode {
    /// The run ends after the instruction.
    case stopping
    /// The run goes on, and the last hit that is wanted is kept: there may be millions in a stretch of the past.
    case recording(isWanted: (Hit) -> Bool)
    /// Nothing: the past is executed again on the way to somewhere.
    case quiet
  }

  let machine: Machine
  private(set) var stops: [Stop] = []
  var mode = Mode.stopping
  /// Hits since they were taken last.
  private(set) var hits: [Hit] = []
  /// Places where the run stops once, for `finish` and the like.
  var temporary: Set<UInt32> = [] { didSet { updateBreakpoints() } }
  /// Called when stops have come or gone that need more than observers of events.
  var onChange: () -> Void = {}
  private var observers: [Int: [ObserverID]] = [:]
  private var nextNumber = 1

  init(_ machine: Machine) { self.machine = machine }

  // MARK: The list

  func add(_ kind: StopKind, isTemporary: Bool = false) -> Stop {
    let stop = Stop(number: nextNumber, kind: kind, isTemporary: isTemporary)
    nextNumber += 1
    stops.append(stop)
    attach(stop)
    return stop
  }

  /// False when there is no stop of that number.
  func remove(_ number: Int) -> Bool {
    guard let index = stops.firstIndex(where: { $0.number == number }) else { return false }
    detach(stops.remove(at: index))
    return true
  }

  func removeAll() {
    while let stop = stops.last { _ = remove(stop.number) }
  }

  /// False when there is no stop of that number.
  func setEnabled(_ number: Int, _ isEnabled: Bool) -> Bool {
    guard let index = stops.firstIndex(where: { $0.number == number }) else { return false }
    guard stops[index].isEnabled != isEnabled else { return true }
    stops[index].isEnabled = isEnabled
    if isEnabled { attach(stops[index]) } else { detach(stops[index]) }
    return true
  }

  func enabled(_ caught: Caught) -> Stop? { stops.first { $0.isEnabled && $0.kind == .event(caught) } }

  /// The breakpoint at a linear address.
  func breakpoint(at linear: UInt32) -> Stop? {
    stops.first { $0.isEnabled && $0.kind == .breakpoint(linear) }
  }

  /// Whether hits end the run.
  var isStopping: Bool { if case .stopping = mode { true } else { false } }
  /// Whether hits are neither shown nor kept.
  var isQuiet: Bool { if case .quiet = mode { true } else { false } }

  // MARK: Hits

  func hit(_ hit: Hit) {
    switch mode {
    case .quiet: return
    case .recording(let isWanted): if isWanted(hit) { hits = [hit] }
    case .stopping:
      hits.append(hit)
      machine.requestStop()
    }
  }

  /// The hits since the last call. Those of stops count, and temporary stops are gone.
  func takeHits() -> [Hit] {
    defer { hits = [] }
    guard isStopping else { return hits }
    for number in Set(hits.compactMap(\.stop)).sorted() {
      guard let index = stops.firstIndex(where: { $0.number == number }) else { continue }
      stops[index].hits += 1
      if stops[index].isTemporary {
        _ = remove(number)
      } else if case .tableWatch = stops[index].kind {
        // A store to an upper entry may have brought other tables.
        detach(stops[index])
        attach(stops[index])
      }
    }
    return hits
  }

  /// One more hit of a stop.
  func count(_ number: Int) {
    guard let index = stops.firstIndex(where: { $0.number == number }) else { return }
    stops[index].hits += 1
  }

  // MARK: Observers

  private func attach(_ stop: Stop) {
    observers[stop.number] = stop.observe(machine) { [unowned self] in self.hit($0) }
    updateBreakpoints()
    onChange()
  }

  private func detach(_ stop: Stop) {
    for observer in observers.removeValue(forKey: stop.number) ?? [] { machine.stopObserving(observer) }
    updateBreakpoints()
    onChange()
  }

  private func updateBreakpoints() {
    var places = temporary
    for stop in stops where stop.isEnabled {
      if case .breakpoint(let linear) = stop.kind { places.insert(linear) }
    }
    machine.breakpoints = places
  }
}
