import IA32

@testable import Emulator

/// A PC without a CPU: the tests do on the bus and the clock what one would do.
final class DevicesTestMachine {
  let memory: PhysicalMemory
  let bus: Bus
  let clock = Clock()
  let pic = PIC8259()
  let pit: PIT8254
  let rtc: CMOSRTC
  let uart: UART16550
  let keyboard: KeyboardController
  let gate: A20Gate
  let fastA20: FastA20
  let post = POSTPort()
  let demonstration: DemonstrationDevice
  let output: Output

  /// What the devices told the world.
  final class Output {
    var serial: [UInt8] = []
    var debug: [UInt8] = []
    var exits: [UInt32] = []
    var resets = 0
  }

  /// The tests' own wire to each input of the 8259s: each call of `pic.line` plugs in another.
  private var wires: [Int: InterruptLine] = [:]

  /// The tests' wire to an input.
  func line(_ irq: Int) -> InterruptLine {
    if let wire = wires[irq] { return wire }
    let wire = pic.line(irq)
    wires[irq] = wire
    return wire
  }

  init(bytes: UInt64 = 16 << 20, hasKeyboard: Bool = false) throws {
    let output = Output()
    memory = try PhysicalMemory(bytes: bytes)
    let bus = try Bus(memory: memory)
    pit = PIT8254(clock: clock, interrupt: pic.line(0))
    rtc = CMOSRTC(clock: clock, map: memory.layout, interrupt: pic.line(8))
    uart = UART16550(clock: clock, interrupt: pic.line(4)) { output.serial.append($0) }
    gate = A20Gate(bus: bus)
    keyboard = KeyboardController(
      clock: clock, gate: gate, hasKeyboard: hasKeyboard, interrupt: pic.line(1)
    ) { output.resets += 1 }
    fastA20 = FastA20(gate: gate) { output.resets += 1 }
    demonstration = DemonstrationDevice(clock: clock, interrupt: pic.line(11))
    try pic.attach(to: bus)
    try pit.attach(to: bus)
    try rtc.attach(to: bus)
    try uart.attach(to: bus)
    try keyboard.attach(to: bus)
    try fastA20.attach(to: bus)
    try post.attach(to: bus)
    try SystemControlPort(clock: clock, timer: pit).attach(to: bus)
    try DebugConsole { output.debug.append($0) }.attach(to: bus)
    try DebugExit { output.exits.append($0) }.attach(to: bus)
    try demonstration.attach(to: bus)
    self.bus = bus
    self.output = output
  }

  /// OUT of a byte.
  func write(_ port: UInt16, _ value: UInt8) {
    bus.writePort(port, width: .byte, value: UInt32(value))
  }

  /// IN of a byte.
  func read(_ port: UInt16) -> UInt8 {
    UInt8(bus.readPort(port, width: .byte))
  }

  /// Lets time pass as the CPU does: up to each deadline and on.
  func advance(to cycle: UInt64) {
    while clock.state.pointee.deadline <= cycle {
      clock.state.pointee.now = max(clock.now, clock.state.pointee.deadline)
      clock.runDueEvents()
    }
    clock.state.pointee.now = max(clock.now, cycle)
  }

  func advance(by cycles: UInt64) {
    advance(to: clock.now + cycles)
  }

  /// The interrupt controllers as an operating system sets them up: vectors 20h and 28h, all inputs open.
  func initializePIC(icw4: UInt8 = 0x01, slaveICW4: UInt8 = 0x01) {
    for (port, words) in [(UInt16(0x20), [0x11, 0x20, 0x04, icw4]), (0xA0, [0x11, 0x28, 0x02, slaveICW4])] {
      write(port, words[0])
      for word in words.dropFirst() { write(port + 1, word) }
      write(port + 1, 0x00)
    }
  }

  /// Keeps all inputs but these masked.
  func unmask(_ irqs: Int...) {
    var mask: UInt16 = 0xFFFF
    for irq in irqs {
      mask &= ~(1 << UInt16(irq))
      if irq >= 8 { mask &= ~4 }
    }
    write(0x21, UInt8(mask & 0xFF))
    write(0xA1, UInt8(mask >> 8))
  }

  /// The vectors that the CPU would get from now on if it served each interrupt and ended it.
  func serveAll() -> [UInt8] {
    var vectors: [UInt8] = []
    while pic.interruptRequested, vectors.count < 1_000 {
      let vector = pic.acknowledge()
      vectors.append(vector)
      if vector >= 0x28 { write(0xA0, 0x20) }
      write(0x20, 0x20)
    }
    return vectors
  }
}
