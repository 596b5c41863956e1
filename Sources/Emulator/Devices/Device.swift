/// A part of the PC with a state of its own: what `DeviceRegistry` saves, restores, resets and lists.
///
/// All of a device's mutable state is its `state`, a value: a snapshot of the machine is a copy of it, so large contents belong
/// into an array, which is shared until one side changes. What is due later is not state but an event of the clock, which is
/// saved with the clock.
protocol Device: AnyObject {
  associatedtype State: Sendable, Equatable, Codable

  /// The name used in messages and listings.
  var name: String { get }
  /// All that the device remembers. Setting it makes everything outside the device that follows from it what it was then, but
  /// drives no interrupt line and schedules no event: the lines' levels are the interrupt controller's state, and the
  /// events the clock's.
  var state: State { get set }
  /// The device's wire to the interrupt controller.
  var interrupt: InterruptLine { get }
  /// Puts the device where it answers on the bus; one that is nowhere on it, like a gate in a wire, does nothing.
  func attach(to bus: Bus) throws(BusError)
  /// What the RESET# line does to the device: its state after power-on, but for what a battery keeps, and none of its events
  /// pending.
  func reset()
  /// Whether the device could be in a state that was read from a file, which may hold anything: lists are as long as they always are,
  /// places lie within what they are places of. No more than the code relies on.
  func accepts(_ state: State) -> Bool
}

extension Device {
  var interrupt: InterruptLine { .unconnected }
  func accepts(_ state: State) -> Bool { true }
}

/// The state of a device that remembers nothing.
struct NoState: Sendable, Equatable, Codable {}

extension Device where State == NoState {
  var state: NoState {
    get { NoState() }
    set {}
  }

  func reset() {}
}
