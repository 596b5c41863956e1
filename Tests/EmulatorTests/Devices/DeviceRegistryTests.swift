import IA32
import Testing

@testable import Emulator

/// What concerns every device goes through the registry: nothing is to be written by hand for a new one.
@Suite("The registry of devices")
struct DeviceRegistryTests {
  /// Programs every device of the PC into a state that isn't its first.
  private func disturb(_ machine: Machine) {
    for (port, value) in [
      (0x21, 0x55), (0x43, 0x34), (0x40, 0x10), (0x40, 0x20), (0x3FB, 0x83), (0x3F8, 3), (0x3FF, 0x77),
      (0x70, 0x0A),
      (0x71, 0x2B), (0x64, 0x60), (0x60, 0x21), (0x92, 2), (0x61, 3), (0x80, 0x42), (0xE9, 0x21),
    ] as [(UInt16, UInt32)] {
      machine.bus.writePort(port, width: .byte, value: value)
    }
    machine.bus.write(DemonstrationDevice.addressBelow4GiB + 8, width: .doubleword, value: 0x1234_5678)
    machine.bus.write(DemonstrationDevice.addressAbove4GiB + 8, width: .doubleword, value: 0x8765_4321)
  }

  @Test("a snapshot holds every device, a plugged-in one too, and puts it back")
  func snapshots() throws {
    let machine = try BareMachine(.functional).machine
    let copier = try machine.devices.registry.add(CopyingDevice(bus: machine.bus, bytes: [1], target: 0x5000))
    disturb(machine)
    let listing = machine.deviceListing
    let snapshot = machine.snapshot()
    let other = try BareMachine(.functional).machine
    _ = try other.devices.registry.add(CopyingDevice(bus: other.bus, bytes: [1], target: 0x5000))
    #expect(other.deviceListing != listing)
    for port in [0x21, 0x40, 0x60, 0x64, 0x71, 0x80, 0xC8, 0x3FF] as [UInt16] {
      machine.bus.writePort(port, width: .byte, value: 0x99)
    }
    #expect(copier.state.copies == 1 && machine.deviceListing != listing)
    machine.restore(snapshot)
    #expect(copier.state.copies == 0 && machine.deviceListing == listing)
    // Any machine built alike takes it.
    other.restore(snapshot)
    #expect(other.deviceListing == listing)
  }

  @Test("the listing has every device and every port on the bus")
  func listing() throws {
    let machine = try BareMachine(.functional).machine
    let listing = machine.deviceListing
    #expect(
      listing.map(\.name) == [
        "8259 interrupt controllers", "8254 timer", "16550 serial port", "CMOS clock", "A20 gate",
        "8042 keyboard controller", "demonstration device, low", "demonstration device, high",
        "system control port A", "system control port B", "POST port", "debug console", "debug exit",
        "VGA text memory", "coprocessor error port",
      ])
    #expect(
      listing.flatMap(\.ports).sorted { $0.lowerBound < $1.lowerBound } == machine.bus.portRanges.map(\.range)
    )
    #expect(
      listing.flatMap(\.memory).sorted { $0.lowerBound < $1.lowerBound }
        == machine.bus.regions.filter { $0.kind == .mmio }.map(\.range))
    let serial = try #require(listing.first { $0.name == "16550 serial port" })
    #expect(serial.irq == 4 && serial.ports == [0x3F8..<0x400])
    #expect(serial.facts.contains(.init(name: "divisor", value: "0001")))
    #expect(serial.facts.contains(.init(name: "receiver.capacity", value: "1")))
    #expect(serial.facts.contains(.init(name: "shifting", value: "none")))
    let clock = try #require(listing.first { $0.name == "CMOS clock" })
    #expect(
      clock.irq == 8 && clock.facts.first { $0.name == "memory" }?.value.hasSuffix("and 112 more") == true)
  }

  @Test("a reset makes every device new but the clock, and nothing stays due")
  func reset() throws {
    let machine = try BareMachine(.functional).machine
    let fresh = machine.deviceListing
    disturb(machine)
    #expect(machine.clock.pending.map(\.name) == ["8254 counter 0"])
    machine.reset()
    let after = machine.deviceListing
    for (old, new) in zip(fresh, after) where old.name != "CMOS clock" { #expect(old == new) }
    #expect(machine.clock.pending.isEmpty)
    #expect(machine.registers.eip == 0xfff0 && machine.registers[.cs].base == 0xffff_0000)
    // Battery-backed.
    #expect(
      after.first { $0.name == "CMOS clock" }?.facts.contains(.init(name: "registerA", value: "2b")) == true)
  }

  @Test("a guest runs after a reset as it did before")
  func runsAgain() throws {
    let bare = try BareMachine(.full)
    let machine = bare.machine
    // Real mode at F000:FFF0 of the reset is in no ROM here: the guest is put where the test says.
    let code = try Assembler.assemble(
      "mov dx, 0x3f8\n mov al, 0x11\n out dx, al\n mov al, 7\n out 0xf4, al", at: BareMachine.code)
    try bare.poke(BareMachine.code, code)
    #expect(machine.run() == .exit(7))
    #expect(machine.takeSerialOutput(draining: true) == [0x11])
    machine.reset()
    let cpu = machine.cpu
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: BareMachine.gdt, limit: 0x17)
    try machine.moveToCR0(.protectionEnable)
    try cpu.jumpFar(selector: BareMachine.codeSelector, offset: BareMachine.code, operandSize: 4)
    #expect(machine.run() == .exit(7))
    #expect(machine.takeSerialOutput(draining: true) == [0x11])
  }
}

/// Several devices on one interrupt input.
@Suite("Shared interrupt lines")
struct SharedLineTests {
  @Test("an input is high while any of its wires is, and a level-triggered one asks until all are low")
  func wiredOr() throws {
    let pc = try DevicesTestMachine()
    pc.initializePIC()
    pc.unmask(5)
    pc.write(0x4D0, 1 << 5)
    let (first, second) = (pc.pic.line(5), pc.pic.line(5))
    first.raise()
    second.raise()
    #expect(pc.serveAll().prefix(3) == [0x25, 0x25, 0x25])
    first.lower()
    #expect(pc.pic.interruptRequested, "the second device still drives the line")
    first.lower()
    #expect(pc.pic.interruptRequested, "lowering twice counts once")
    second.lower()
    #expect(!pc.pic.interruptRequested)
    second.raise()
    second.raise()
    second.lower()
    #expect(!pc.pic.interruptRequested)
  }

  @Test("a second driver makes no edge on a line that is high")
  func edges() throws {
    let pc = try DevicesTestMachine()
    pc.initializePIC()
    pc.unmask(5)
    let (first, second) = (pc.pic.line(5), pc.pic.line(5))
    first.raise()
    #expect(pc.serveAll() == [0x25])
    second.raise()
    first.lower()
    #expect(pc.serveAll() == [])
    second.lower()
    first.raise()
    #expect(pc.serveAll() == [0x25])
  }

  @Test("the wires' levels are part of the controllers' state, and a reset leaves them")
  func state() throws {
    let pc = try DevicesTestMachine()
    let (first, second) = (pc.pic.line(11), pc.pic.line(11))
    first.raise()
    let saved = pc.pic.state
    first.lower()
    second.raise()
    pc.pic.state = saved
    second.lower()
    pc.initializePIC()
    pc.write(0x4D1, 1 << 3)
    pc.unmask(11)
    #expect(pc.pic.interruptRequested)
    pc.pic.reset()
    #expect(!pc.pic.interruptRequested)
    pc.initializePIC()
    pc.write(0x4D1, 1 << 3)
    pc.unmask(11)
    #expect(pc.pic.interruptRequested, "the first device drives its line through a reset of the controllers")
    first.lower()
    #expect(!pc.pic.interruptRequested)
  }

  @Test("as many devices as fit into an input are told apart")
  func many() throws {
    let pic = PIC8259()
    let lines = (0..<PIC8259.maxWires).map { _ in pic.line(3) }
    for line in lines { line.raise() }
    for line in lines.dropLast() { line.lower() }
    #expect(pic.state.master.lines == 1 << 3)
    lines[63].lower()
    #expect(pic.state.master.lines == 0)
  }
}
