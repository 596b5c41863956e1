import IA32

/// Why a machine's state can't be put into bytes, or taken out of them.
public enum MachineArchiveError: Error, Hashable, Sendable {
  /// The processor is between two iterations of a repeated string instruction that it could not decode again.
  case inStringInstruction
  /// The bytes are no state of such a machine; why, to be read behind what they came from.
  case unusable(String)
}

extension MachineArchiveError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .inStringInstruction: "the processor is in the middle of a repeated string instruction"
    case .unusable(let why): why
    }
  }
}

/// A machine's state in bytes, RAM excepted: what a `MachineSnapshot` has, in a form that outlives the process. What only watches the
/// guest (the check for stale translations, the history, observers) is not in it.
extension Machine {
  /// The cycles that a state may stand at: beyond any run, and far from where sums of times wrap.
  private static let maxCycle: UInt64 = 1 << 60

  /// The machine's state now. Taking it changes nothing.
  ///
  /// - Throws: `MachineArchiveError.inStringInstruction`: a few instructions later it works.
  public func archive() throws(MachineArchiveError) -> [UInt8] {
    guard cpu.heldString.isDecodable else { throw .inStringInstruction }
    let snapshot = snapshot()
    do {
      return StateValue.record([
        .init(name: "clock", value: try StateEncoder.encode(snapshot.clock)),
        .init(name: "devices", value: try devices.registry.encoded()),
        .init(name: "processor", value: try StateEncoder.encode(snapshot.processor)),
        .init(name: "bus", value: try StateEncoder.encode(snapshot.bus)),
        .init(name: "sent", value: try StateEncoder.encode(snapshot.sent)),
      ]).encoded
    } catch {
      throw .unusable("\(error)")
    }
  }

  /// Makes a machine that has not run yet what another one of the same description was. RAM holds what it held then already.
  ///
  /// - Throws: `MachineArchiveError.unusable`; then the machine is to be thrown away.
  public func restore(archive bytes: [UInt8]) throws(MachineArchiveError) {
    do {
      restore(try decode(StateValue(decoding: bytes)))
    } catch let error as StateError {
      throw .unusable("\(error)")
    } catch DecodingError.dataCorrupted(let context) {
      throw .unusable(context.debugDescription)
    } catch {
      throw .unusable("a part of it is of another kind than it should be")
    }
    shown = sent
  }

  private func decode(_ value: StateValue) throws -> MachineSnapshot {
    func part<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
      guard let part = value[name] else { throw StateError("its \(name) is missing") }
      return try StateDecoder.decode(type, from: part, path: name)
    }
    let time = try part("clock", as: Clock.Snapshot.self)
    guard time.now < Self.maxCycle, time.dueTimes.count == clock.snapshot.dueTimes.count else {
      throw StateError("its clock is not this machine's")
    }
    // Devices compare their times with the clock's.
    clock.snapshot = time
    guard let states = value["devices"] else { throw StateError("its devices are missing") }
    let saved = try devices.registry.decode(states)
    var processor = try part("processor", as: ProcessorSnapshot.self)
    guard cpu.accepts(processor) else { throw StateError("its processor is not this machine's") }
    let busState = try part("bus", as: Bus.Saved.self)
    guard bus.accepts(busState) else { throw StateError("its bus is not this machine's") }
    let sent = try part("sent", as: SentBytes.self)
    guard sent.serial >= 0, sent.debug >= 0 else { throw StateError("its console is none") }
    processor.paging.fetchPage.host = bus.hostPageForReading(processor.paging.fetchPage.physical >> 12).map {
      UnsafeRawPointer($0)
    }
    return MachineSnapshot(
      cycle: time.now, instructions: processor.counters.instructions, processor: processor, clock: time,
      bus: busState, devices: saved, sent: sent, stale: nil)
  }
}
