import Emulator
import IA32

/// The numbered stops of a session, and what they have observers for.
public final class StopList {
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
  /// The stops in the order of their numbers.
  public private(set) var stops: [Stop] = []
  /// Whether a condition holds.
  var isTrue: (String) throws(ShellError) -> Bool = { _ in true }
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

  /// Adds a stop, which works at once.
  /// - Parameter condition: an expression that must not be 0 for a hit to count; nil for every hit.
  @discardableResult
  public func add(_ kind: StopKind, isTemporary: Bool = false, condition: String? = nil) -> Stop {
    let stop = Stop(number: nextNumber, kind: kind, isTemporary: isTemporary, condition: condition)
    nextNumber += 1
    stops.append(stop)
    attach(stop)
    return stop
  }

  /// False when there is no stop of that number.
  public func remove(_ number: Int) -> Bool {
    guard let index = stops.firstIndex(where: { $0.number == number }) else { return false }
    detach(stops.remove(at: index))
    return true
  }

  /// Removes all stops.
  public func removeAll() {
    while let stop = stops.last { _ = remove(stop.number) }
  }

  /// False when there is no stop of that number.
  public func setEnabled(_ number: Int, _ isEnabled: Bool) -> Bool {
    guard let index = stops.firstIndex(where: { $0.number == number }) else { return false }
    guard stops[index].isEnabled != isEnabled else { return true }
    stops[index].isEnabled = isEnabled
    if isEnabled { attach(stops[index]) } else { detach(stops[index]) }
    return true
  }

  func enabled(_ caught: Caught) -> Stop? { stops.first { $0.isEnabled && $0.kind == .event(caught) } }

  /// The breakpoints at a linear address.
  func breakpoints(at linear: UInt32) -> [Stop] {
    stops.filter { stop in
      guard stop.isEnabled, case .breakpoint(let linears) = stop.kind else { return false }
      return linears.contains(linear)
    }
  }

  /// Sets the condition of a stop, or removes it. False when there is no stop of that number.
  public func setCondition(_ number: Int, _ condition: String?) -> Bool {
    guard let index = stops.firstIndex(where: { $0.number == number }) else { return false }
    stops[index].condition = condition
    return true
  }

  /// Sets the lines to execute at each hit. False when there is no stop of that number.
  public func setCommands(_ number: Int, _ commands: [String]) -> Bool {
    guard let index = stops.firstIndex(where: { $0.number == number }) else { return false }
    stops[index].commands = commands
    return true
  }

  /// Whether hits end the run.
  var isStopping: Bool { if case .stopping = mode { true } else { false } }
  /// Whether hits are neither shown nor kept.
  var isQuiet: Bool { if case .quiet = mode { true } else { false } }

  // MARK: Hits

  func hit(_ hit: Hit) {
    switch mode {
    case .quiet: return
    case .recording(let isWanted):
      guard isWanted(hit) else { return }
      guard condition(of: hit) == nil else {
        // Whether it holds is known when the instruction has completed.
        hits.append(hit)
        return machine.requestStop()
      }
      hits = [hit]
    case .stopping:
      hits.append(hit)
      machine.requestStop()
    }
  }

  /// The hits since the last call. Those of stops count, and temporary stops are gone.
  func takeHits() -> [Hit] {
    defer { hits = [] }
    hits = hits.compactMap(checked)
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

  private func condition(of hit: Hit) -> String? {
    hit.stop.flatMap { number in stops.first { $0.number == number }?.condition }
  }

  /// nil for a hit whose condition does not hold. One that can't be computed counts, and says why.
  private func checked(_ hit: Hit) -> Hit? {
    guard let condition = condition(of: hit) else { return hit }
    do throws(ShellError) {
      return try isTrue(condition) ? hit : nil
    } catch {
      var hit = hit
      hit.details.append("  its condition '\(condition)' can't be computed: \(error.message)")
      return hit
    }
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
      if case .breakpoint(let linears) = stop.kind { places.formUnion(linears) }
    }
    machine.breakpoints = places
  }
}
