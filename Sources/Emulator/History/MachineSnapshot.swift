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
      clock: clock.snapshot, bus: bus.saved, devices: DeviceSnapshot(self), sent: sent,
      stale: cpu.mmu.stale?.state)
  }

  /// Makes the machine what it was, RAM excepted, which is for the caller to restore first. Between runs only.
  public func restore(_ snapshot: MachineSnapshot) {
    snapshot.devices.restore(to: self)
    bus.saved = snapshot.bus
    // After the devices: setting their state may schedule events.
    clock.snapshot = snapshot.clock
    cpu.restore(snapshot.processor)
    sent = snapshot.sent
    cpu.mmu.stale?.restore(snapshot.stale)
  }
}

/// The states of all devices.
struct DeviceSnapshot {
  private let interruptControllers: PIC8259.State
  private let timer: PIT8254.State
  private let serial: UART16550.State
  private let realTimeClock: CMOSRTC.State
  private let keyboardController: KeyboardController.State
  private let postPort: POSTPort.State
  private let demonstrationDevices: [DemonstrationDevice.State]
  private let a20Gate: A20Gate.State
  private let fastA20: FastA20.State
  private let systemControlPort: SystemControlPort.State

  init(_ machine: Machine) {
    interruptControllers = machine.interruptControllers.state
    timer = machine.timer.state
    serial = machine.serial.state
    realTimeClock = machine.realTimeClock.state
    keyboardController = machine.keyboardController.state
    postPort = machine.postPort.state
    demonstrationDevices = machine.demonstrationDevices.map(\.state)
    a20Gate = machine.a20Gate.state
    fastA20 = machine.fastA20.state
    systemControlPort = machine.systemControlPort.state
  }

  func restore(to machine: Machine) {
    machine.timer.state = timer
    machine.serial.state = serial
    machine.realTimeClock.state = realTimeClock
    machine.keyboardController.state = keyboardController
    machine.postPort.state = postPort
    for (device, state) in zip(machine.demonstrationDevices, demonstrationDevices) { device.state = state }
    machine.a20Gate.state = a20Gate
    machine.fastA20.state = fastA20
    machine.systemControlPort.state = systemControlPort
    // Last: the others' lines end here.
    machine.interruptControllers.state = interruptControllers
  }
}
