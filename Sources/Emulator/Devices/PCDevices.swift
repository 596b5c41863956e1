/// What the PC's devices are wired to outside themselves.
struct DeviceSurroundings {
  let bus: Bus
  let clock: Clock
  let serial: SerialTransmission
  /// Whether the processor has a local APIC, and the machine an I/O APIC.
  let hasAPIC: Bool
  /// What is plugged in beyond what every machine has.
  let peripherals: Peripherals
  /// The guest resets the CPU.
  let reset: () -> Void
  /// The guest ends the run with a value.
  let exit: (UInt32) -> Void
  /// IGNNE# is asserted.
  let floatingPointErrorsIgnored: () -> Void
  /// Address line 20 has been let through or held low.
  let a20Changed: (_ open: Bool) -> Void
  /// The serial port and the debug console send a byte.
  let serialOutput: (UInt8) -> Void
  let debugOutput: (UInt8) -> Void
}

/// The devices of the PC: what is plugged in, in which order, and what is wired to what. A line here is all that a new device
/// needs beside its file: `registry` saves, restores, resets and lists it.
///
/// The order is part of the machine: of two events of the clock due at the same cycle, that of the device plugged in first
/// comes first.
struct PCDevices {
  let registry: DeviceRegistry
  let interruptControllers: PIC8259
  let timer: PIT8254
  let serial: UART16550
  let realTimeClock: CMOSRTC
  let keyboardController: KeyboardController
  let postPort: POSTPort
  let screen: VGAText
  let coprocessorErrors: CoprocessorErrorPort
  /// Of processor 0; nil in a machine without APICs.
  let localAPIC: LocalAPIC?
  let disk: ATADisk?
  /// One instance below 4 GiB and, where the address width leaves room, one above all RAM.
  let demonstrationDevices: [DemonstrationDevice]

  /// The serial port's crystal: 16 times the PC's, as on fast serial cards. Divisor 1 gives 1.8 Mbaud, and a guest
  /// that waits for its console waits some 900 cycles a character instead of 14,000.
  static let serialCrystal: UInt64 = 16 * UART16550.defaultInputClock

  /// - Throws: `BusError` for what doesn't fit into the address width.
  init(_ machine: DeviceSurroundings) throws(BusError) {
    let (bus, clock) = (machine.bus, machine.clock)
    registry = DeviceRegistry(bus: bus)
    let pic = try registry.add(PIC8259())
    interruptControllers = pic
    timer = try registry.add(PIT8254(clock: clock, interrupt: pic.line(0)))
    serial = try registry.add(
      UART16550(
        clock: clock, inputClock: Self.serialCrystal, transmission: machine.serial, interrupt: pic.line(4),
        transmit: machine.serialOutput))
    realTimeClock = try registry.add(
      CMOSRTC(
        clock: clock, map: bus.memory.layout, epoch: machine.peripherals.epoch, interrupt: pic.line(8)))
    let gate = try registry.add(A20Gate(bus: bus, onChange: machine.a20Changed))
    keyboardController = try registry.add(
      KeyboardController(
        clock: clock, gate: gate, hasKeyboard: machine.peripherals.hasKeyboard, interrupt: pic.line(1),
        reset: machine.reset))
    demonstrationDevices = try Self.demonstrationDevices(
      registry, bus: bus, clock: clock, lines: [pic.line(10), pic.line(11)])
    _ = try registry.add(FastA20(gate: gate, reset: machine.reset))
    _ = try registry.add(SystemControlPort(clock: clock, timer: timer))
    postPort = try registry.add(POSTPort())
    _ = try registry.add(DebugConsole(transmit: machine.debugOutput))
    _ = try registry.add(DebugExit(exit: machine.exit))
    screen = try registry.add(VGAText(clock: clock))
    coprocessorErrors = try registry.add(
      CoprocessorErrorPort(interrupt: pic.line(13), ignoreError: machine.floatingPointErrorsIgnored))
    localAPIC =
      machine.hasAPIC ? try Self.addAPICs(registry, clock: clock, pic: pic, reset: machine.reset) : nil
    if let source = machine.peripherals.disk {
      disk = try registry.add(ATADisk(source, clock: clock, interrupt: pic.line(14)))
    } else {
      disk = nil
    }
  }

  private static func addAPICs(
    _ registry: DeviceRegistry, clock: Clock, pic: PIC8259, reset: @escaping () -> Void
  ) throws(BusError) -> LocalAPIC {
    let apicBus = APICBus()
    let local = try registry.add(LocalAPIC(number: 0, on: apicBus, clock: clock, external: pic))
    // An INIT to the only processor there is leaves nobody to start it.
    local.onInit = reset
    let io = try registry.add(IOAPIC(on: apicBus))
    pic.onInput = { [unowned io] in io.setInterrupt($0, $1) }
    return local
  }

  private static func demonstrationDevices(
    _ registry: DeviceRegistry, bus: Bus, clock: Clock, lines: [InterruptLine]
  ) throws(BusError) -> [DemonstrationDevice] {
    let low = try registry.add(
      DemonstrationDevice(name: "demonstration device, low", clock: clock, interrupt: lines[0]))
    let address = DemonstrationDevice.address(
      above: bus.memory.layout, physicalAddressBits: bus.physicalAddressBits)
    guard let address else { return [low] }
    let high = try registry.add(
      DemonstrationDevice(
        name: "demonstration device, high", at: address, clock: clock, interrupt: lines[1]))
    return [low, high]
  }
}
