import IA32

/// The devices of a machine, in the order in which they were plugged in: whatever concerns all of them goes through here.
final class DeviceRegistry {
  private let bus: Bus
  private var entries: [any RegistryEntry] = []

  init(bus: Bus) {
    self.bus = bus
  }

  /// Plugs a device in: from now on it answers on the bus, and is part of every snapshot, reset and listing.
  /// - Throws: what its place on the bus throws.
  func add<D: Device>(_ device: D) throws(BusError) -> D {
    let first = bus.rangeCount
    try device.attach(to: bus)
    entries.append(Entry(device: device, ranges: first..<bus.rangeCount))
    return device
  }

  // MARK: Saving

  /// The states of all devices. Restoring needs the same devices plugged in in the same order.
  var saved: DeviceSnapshot {
    get { DeviceSnapshot(states: entries.map(\.saved)) }
    set {
      precondition(newValue.states.count == entries.count, "a snapshot of another machine's devices")
      for (entry, state) in zip(entries, newValue.states) { entry.restore(state) }
    }
  }

  /// The states of all devices as plain data, by the devices' names.
  ///
  /// - Throws: nothing that a device's own state throws: there is none.
  func encoded() throws -> StateValue {
    .list(try entries.map { .record([.init(name: $0.name, value: try $0.encoded())]) })
  }

  /// The states that `encoded` gave of the same devices.
  ///
  /// - Throws: `StateError` for anything else.
  func decode(_ value: StateValue) throws -> DeviceSnapshot {
    guard case .list(let states) = value, states.count == entries.count else {
      throw StateError("its devices are not this machine's")
    }
    return DeviceSnapshot(
      states: try zip(entries, states).map { entry, state in
        guard let state = state[entry.name] else {
          throw StateError("its devices are not this machine's: \(entry.name) is missing")
        }
        return try entry.decode(state)
      })
  }

  /// Resets the devices, the interrupt controllers first where they were plugged in first: the others' lines end there.
  func reset() {
    for entry in entries { entry.reset() }
  }

  // MARK: Listing

  /// Every device, where it answers and what it holds.
  var listing: [DeviceListing] {
    entries.map { $0.listing(on: bus) }
  }
}

/// The states of all devices at a moment, each of its device's own type.
struct DeviceSnapshot: Sendable {
  fileprivate let states: [any Sendable]
}

/// A device as people see it.
public struct DeviceListing: Sendable, Hashable {
  /// A part of its state and its value, in words.
  public struct Fact: Sendable, Hashable {
    /// What it is.
    public var name: String
    /// Its value in words.
    public var value: String
  }

  /// The device.
  public var name: String
  /// Where it answers in the physical address space, ascending.
  public var memory: [Range<UInt64>]
  /// Where it answers in the port space, ascending.
  public var ports: [Range<UInt32>]
  /// The interrupt input that it drives, 0 to 15; nil for none.
  public var irq: Int?
  /// Its state.
  public var facts: [Fact]
}

/// An entry of the registry with its device's type forgotten.
private protocol RegistryEntry {
  var name: String { get }
  func encoded() throws -> StateValue
  func decode(_ value: StateValue) throws -> any Sendable
  var saved: any Sendable { get }
  func restore(_ state: any Sendable)
  func reset()
  func listing(on bus: Bus) -> DeviceListing
}

private struct Entry<D: Device>: RegistryEntry {
  let device: D
  /// What it put on the bus, by the order in which things were put there.
  let ranges: Range<Int>

  var name: String { device.name }

  var saved: any Sendable { device.state }

  func encoded() throws -> StateValue { try StateEncoder.encode(device.state) }

  func decode(_ value: StateValue) throws -> any Sendable {
    let state = try StateDecoder.decode(D.State.self, from: value, path: name)
    guard device.accepts(state) else { throw StateError("the state of \(name) is none that it can be in") }
    return state
  }

  func restore(_ state: any Sendable) {
    guard let state = state as? D.State else {
      preconditionFailure("a snapshot of another machine's devices")
    }
    device.state = state
  }

  func reset() { device.reset() }

  func listing(on bus: Bus) -> DeviceListing {
    let places = ranges.compactMap { bus.place(ofRange: $0) }
    return DeviceListing(
      name: device.name,
      memory: places.filter { $0.space == .memory }.map(\.range).sorted { $0.lowerBound < $1.lowerBound },
      ports: places.filter { $0.space == .ports }
        .map { UInt32($0.range.lowerBound)..<UInt32($0.range.upperBound) }
        .sorted { $0.lowerBound < $1.lowerBound },
      irq: device.interrupt.input, facts: StateText.facts(of: device.state))
  }
}
