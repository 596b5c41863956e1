import IA32

/// Names what `observe`, `watchLinear` or `watchPhysical` began, to end it.
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
    ObserverID(number: board.observation.add(kinds, body))
  }

  /// Hands `body` each data access that touches one of the linear addresses `range`, before it happens.
  public func watchLinear(
    _ range: ClosedRange<UInt32>, _ body: @escaping (AccessEvent, EventMoment) -> Void
  ) -> ObserverID {
    ObserverID(number: board.observation.addWatch(range, body))
  }

  /// Hands `body` each store that touches one of the physical addresses `range`, whoever makes it, after it has happened.
  public func watchPhysical(
    _ range: Range<UInt64>, _ body: @escaping (PhysicalStoreEvent, EventMoment) -> Void
  ) -> ObserverID {
    ObserverID(number: -board.stores.addWatch(range, body))
  }

  /// Ends what `observe`, `watchLinear` and `watchPhysical` began.
  public func stopObserving(_ observer: ObserverID) {
    if observer.number < 0 {
      board.stores.removeWatch(-observer.number)
    } else {
      board.observation.remove(observer.number)
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

  /// Hands `body` each use of a stale translation, once for each cause, at the moment of the use; nil ends it. It costs
  /// something at stores to page tables and at uses of translations whose entries have changed, and nothing elsewhere.
  public func checkStale(_ body: ((StaleReport) -> Void)?) {
    cpu.mmu.stale = nil
    board.stores.checks = []
    guard let body else { return }
    let check = StaleCheck(mmu: cpu.mmu, observation: board.observation, report: body)
    cpu.mmu.stale = check
    board.stores.checks = [{ [unowned check] in check.stored($0) }]
  }

  /// Who follows translations. While somebody does, every data access asks the TLB arrays, which changes nothing that the
  /// guest can see. Set between runs, or to nil from the stepper itself.
  public var translationStepper: (any TranslationStepper)? {
    get { cpu.mmu.stepper }
    set { cpu.mmu.stepper = newValue }
  }
}
