import IA32

/// All of a machine at an instruction boundary but the contents of RAM, as values.
///
/// What only makes things fast is left out: decoded blocks, the access filter, the caches' line filters. A machine that
/// is restored takes the same course as the one that the snapshot was taken of, cycle for cycle and count for count, once
/// RAM holds what it held then.
public struct MachineSnapshot {
  /// The clock.
  public var cycle: UInt64
  /// Instructions completed.
  public var instructions: UInt64
  var processor: ProcessorSnapshot
  var clock: Clock.Snapshot
  var bus: Bus.Saved
  var devices: DeviceSnapshot
  var sent: Machine.SentBytes
  /// What the check for stale translations remembers; nil while it is off.
  var stale: StaleCheck.State?
}

extension Machine {
  /// The machine as it is now. Taking it changes nothing.
  public func snapshot() -> MachineSnapshot {
    MachineSnapshot(
      cycle: cycle, instructions: cpu.counters.pointee.instructions, processor: cpu.snapshot(),
      clock: clock.snapshot, bus: bus.saved, devices: devices.registry.saved, sent: sent,
      stale: cpu.mmu.stale?.state)
  }

  /// Makes the machine what it was, RAM excepted, which is for the caller to restore first. Between runs only.
  public func restore(_ snapshot: MachineSnapshot) {
    devices.registry.saved = snapshot.devices
    bus.saved = snapshot.bus
    // After the devices: setting their state may schedule events.
    clock.snapshot = snapshot.clock
    cpu.restore(snapshot.processor)
    sent = snapshot.sent
    cpu.mmu.stale?.restore(snapshot.stale)
  }
}
