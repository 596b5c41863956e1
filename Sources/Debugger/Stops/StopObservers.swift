import Emulator
import IA32

/// What each kind of stop observes, and what it says when it is hit.
extension Stop {
  /// - Returns: the observers to remove with the stop.
  func observe(_ machine: Machine, _ hit: @escaping (Hit) -> Void) -> [ObserverID] {
    switch kind {
    case .breakpoint: []
    case .watch(let range, let accesses): [watch(machine, range, accesses, hit)]
    case .physicalWatch(let range):
      [
        machine.watchPhysical(range) { event, moment in
          hit(physicalHit(event, moment, "physical \(PhysicalAddress(event.physical))"))
        }
      ]
    case .tableWatch(let linear): watchTables(machine, linear, hit)
    case .event(let caught): observe(machine, caught, hit)
    }
  }

  private func watch(
    _ machine: Machine, _ range: ClosedRange<UInt32>, _ accesses: StopKind.Accesses,
    _ hit: @escaping (Hit) -> Void
  ) -> ObserverID {
    machine.watchLinear(range) { event, moment in
      let isWrite = event.access.kind == .write
      guard accesses == .access || isWrite == (accesses == .write) else { return }
      let bytes = "\(event.bytes) byte\(event.bytes == 1 ? "" : "s")"
      var found = Hit(
        stop: number, moment: moment,
        text: "\(isWrite ? "write" : "read") of \(bytes) at \(LinearAddress(event.linear))",
        linear: event.linear, physical: event.physical)
      if let now = machine.peek(PhysicalAddress(event.physical), count: Int(event.bytes)) {
        found.before = (event.physical, now)
      }
      hit(found)
    }
  }

  private func physicalHit(_ event: PhysicalStoreEvent, _ moment: EventMoment, _ what: String) -> Hit {
    let digits = Int(event.bytes) * 2
    let values =
      "\(hexadecimal(event.old, digits: digits)) -> \(hexadecimal(event.new, digits: digits))"
    let writer =
      switch event.writer {
      case .instruction: ""
      case .walker: " (the walker, for \(LinearAddress(event.linear)))"
      case .device: " (a device)"
      case .outside: " (from outside)"
      }
    return Hit(
      stop: number, moment: moment, text: "store to \(what): \(values)\(writer)",
      linear: event.writer == .walker ? event.linear : nil, physical: event.physical)
  }

  private func watchTables(_ machine: Machine, _ linear: UInt32, _ hit: @escaping (Hit) -> Void)
    -> [ObserverID]
  {
    EntryPlaces(machine, linear).entries.map { entry in
      machine.watchPhysical(entry.address..<(entry.address + UInt64(entry.bytes))) { event, moment in
        var found = physicalHit(event, moment, "the \(entry.name) of \(LinearAddress(linear))")
        found.linear = linear
        hit(found)
      }
    }
  }

  private func observe(
    _ machine: Machine, _ caught: Caught, _ hit: @escaping (Hit) -> Void
  ) -> [ObserverID] {
    let kinds: EventKinds
    switch caught {
    // These have their own ways: the walk stepper, the check for stale translations, the end of the run.
    case .walk, .stale, .triple: return []
    case .fault: kinds = .fault
    case .invlpg, .cr3: kinds = .flush
    case .mode: kinds = .mode
    case .interrupt: kinds = .interrupt
    }
    let id = machine.observe(kinds) { event, moment in
      if let found = describe(event, caught, moment) { hit(found) }
    }
    return [id]
  }

  /// nil for an event that this stop does not wait for.
  private func describe(_ event: MachineEvent, _ caught: Caught, _ moment: EventMoment) -> Hit? {
    var found = Hit(stop: number, moment: moment, text: "")
    switch (caught, event) {
    case (.fault(let wanted), .fault(let fault)) where wanted == nil || wanted == fault.vector:
      let vector = ExceptionVector(rawValue: fault.vector)
      let name = vector?.mnemonic ?? "vector \(fault.vector)"
      let hasCode = vector?.pushesErrorCode ?? false
      found.text = name + (hasCode ? "(\(hexadecimal(UInt64(fault.errorCode), digits: 4)))" : "")
      found.fault = vector
      if vector == .pageFault {
        found.text += " at \(LinearAddress(fault.linear))"
        found.linear = fault.linear
      }
    case (.invlpg, .flush(.page(let linear))):
      found.text = "INVLPG \(LinearAddress(linear))"
      found.linear = linear
    case (.cr3, .flush(.cr3(let value, let keepsGlobal))):
      let kept = keepsGlobal ? ", which keeps global translations" : ""
      found.text = "MOV CR3, \(hexadecimal(UInt64(value), digits: 8))\(kept)"
    case (.mode, .mode(let mode)):
      let digits = mode.register == .cpl ? 1 : 8
      found.text =
        "\(mode.register) \(hexadecimal(mode.old, digits: digits)) -> \(hexadecimal(mode.new, digits: digits))"
    case (.interrupt(let wanted), .interrupt(let interrupt))
    where wanted == nil || wanted == interrupt.vector:
      found.text = "\(interrupt.isSoftware ? "software interrupt" : "interrupt") \(interrupt.vector)"
    default: return nil
    }
    return found
  }
}
