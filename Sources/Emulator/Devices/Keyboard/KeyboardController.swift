/// The 8042 keyboard controller of the PC AT at ports 60h and 64h, with or without a keyboard, and no mouse. Without one, what
/// guests need of it is the self-test, the A20 gate and the reset of the CPU. With one it begins as firmware leaves it: the keyboard
/// on, IRQ 1 on, codes translated to set 1.
///
/// IBM PC AT Technical Reference, "Keyboard controller"; the commands for a second device are the PS/2's.
public final class KeyboardController: Device {
  public let name = "8042 keyboard controller"

  /// What a snapshot keeps of the controller.
  public struct State: Sendable, Equatable, Codable {
    /// The command byte, of which bit 0 asks for interrupts and bit 4 turns the keyboard off.
    var commandByte: UInt8 = 0x10
    /// What port 60h reads.
    var output: UInt8 = 0
    /// Status bit 0: the output is new.
    var outputFull = false
    /// Status bit 2: the self-test has passed.
    var systemFlag = false
    /// Status bit 3: the last write went to port 64h.
    var lastWasCommand = false
    /// Status bit 5: the output is from the second device.
    var fromSecond = false
    /// Status bit 6: the device didn't answer.
    var timedOut = false
    /// The command whose parameter port 60h gets next.
    var awaited: UInt8?
    /// The controller's other 31 bytes of memory, commands 21h to 3Fh and 61h to 7Fh.
    var memory = [UInt8](repeating: 0, count: 32)
    /// The output port's pins other than reset and A20.
    var outputPort: UInt8 = 0xCC
    /// nil where none is plugged in.
    var keyboard: PS2Keyboard?
    /// The keyboard has announced the release of a key, which the translation says in the code that follows.
    var isRelease = false

    init(keyboard: PS2Keyboard? = nil) {
      self.keyboard = keyboard
      guard keyboard != nil else { return }
      commandByte = 0x65
      systemFlag = true
    }
  }

  public internal(set) var state: State

  private let gate: A20Gate
  private let resetCPU: () -> Void
  private let clock: Clock
  let interrupt: InterruptLine
  private var sent: ClockEvent!

  /// A controller whose output port works `gate` and `reset` and that asks for IRQ 1 through `interrupt`.
  public init(
    clock: Clock, gate: A20Gate, hasKeyboard: Bool = false, interrupt: InterruptLine = .unconnected,
    reset: @escaping () -> Void
  ) {
    self.clock = clock
    self.gate = gate
    self.interrupt = interrupt
    resetCPU = reset
    state = State(keyboard: hasKeyboard ? PS2Keyboard() : nil)
    sent = clock.makeEvent(name: "keyboard sent") { [unowned self] _ in byteArrived() }
  }

  /// Puts the controller at its ports.
  public func attach(to bus: Bus) throws(BusError) {
    let data = PortBlock(name: "8042 data") { _ in
      self.readData()
    } write: { _, value in
      self.writeData(value)
    }
    let command = PortBlock(name: "8042 command") { _ in
      self.status
    } write: { _, value in
      self.command(value)
    }
    try bus.addPorts(data, at: 0x60..<0x61)
    try bus.addPorts(command, at: 0x64..<0x65)
  }

  /// The gate is a device of its own and opens by itself.
  func reset() {
    clock.cancel(sent)
    state.keyboard?.reset()
    state = State(keyboard: state.keyboard)
    updateInterrupt()
    expectByte()
  }

  func accepts(_ state: State) -> Bool {
    state.memory.count == 32 && (state.keyboard == nil) == (self.state.keyboard == nil)
      && state.keyboard?.isPossible != false
  }

  // MARK: The keyboard

  /// A person types these characters; without a keyboard nothing happens.
  func type(_ characters: [UInt8]) {
    state.keyboard?.type(characters)
    expectByte()
  }

  /// A byte has 11 bits, at 10 to 16.7 kHz: a millisecond. The keyboard sends while its clock line is high, which the controller
  /// holds low as long as the output is full or the keyboard is off.
  private func expectByte() {
    guard state.keyboard?.hasByte == true, !state.outputFull, state.commandByte & 0x10 == 0,
      !clock.isPending(sent)
    else { return }
    clock.schedule(sent, at: clock.now &+ clock.frequency / 1000)
  }

  private func byteArrived() {
    // The line may have been taken meanwhile; then the keyboard sends the byte again.
    guard !state.outputFull, state.commandByte & 0x10 == 0, let byte = state.keyboard?.nextByte() else {
      return
    }
    guard state.commandByte & 0x40 != 0 else { return put(byte) }
    if byte == 0xF0 {
      state.isRelease = true
      expectByte()
    } else {
      let code = ScanCodes.translated[Int(byte)]
      put(state.isRelease ? code | 0x80 : code)
      state.isRelease = false
    }
  }

  // MARK: Port 60h

  private func readData() -> UInt8 {
    state.outputFull = false
    updateInterrupt()
    expectByte()
    return state.output
  }

  private func writeData(_ value: UInt8) {
    state.lastWasCommand = false
    guard let command = state.awaited else {
      guard state.keyboard != nil else { return noDevice(second: false) }
      // Whatever is sent to the keyboard turns it on.
      state.commandByte &= ~0x10
      state.keyboard?.receive(value)
      expectByte()
      return
    }
    state.awaited = nil
    switch command {
    case 0x60: setCommandByte(value)
    case 0x61...0x7F: state.memory[Int(command & 0x1F)] = value
    case 0xD1: setOutputPort(value)
    case 0xD2: put(value)
    case 0xD3: put(value, second: true)
    default: noDevice(second: true)
    }
  }

  // MARK: Port 64h

  /// The status: what port 64h reads. The controller takes whatever is written at once, so bit 1 is never set;
  /// bit 4, the keyboard lock, is open.
  private var status: UInt8 {
    (state.outputFull ? 0x01 : 0) | (state.systemFlag ? 0x04 : 0) | (state.lastWasCommand ? 0x08 : 0) | 0x10
      | (state.fromSecond ? 0x20 : 0) | (state.timedOut ? 0x40 : 0)
  }

  private func command(_ value: UInt8) {
    state.lastWasCommand = true
    state.awaited = nil
    switch value {
    case 0x20: put(state.commandByte)
    case 0x21...0x3F: put(state.memory[Int(value & 0x1F)])
    // The command's parameter comes through port 60h.
    case 0x60...0x7F, 0xD1...0xD4: state.awaited = value
    // Second device off and on.
    case 0xA7: setCommandByte(state.commandByte | 0x20)
    case 0xA8: setCommandByte(state.commandByte & ~0x20)
    // The tests of the lines to the devices find nothing wrong with them.
    case 0xA9, 0xAB: put(0x00)
    case 0xAA:
      state.systemFlag = true
      put(0x55)
    case 0xAD: setCommandByte(state.commandByte | 0x10)
    case 0xAE: setCommandByte(state.commandByte & ~0x10)
    // Input port: keyboard not locked, colour display or none.
    case 0xC0: put(0xA0)
    case 0xD0: put(outputPort)
    case 0xE0: put(0x00)
    // Pulses the output port's low four pins whose bits are 0; pin 0 is the CPU's reset.
    case 0xF0...0xFF: if value & 1 == 0 { resetCPU() }
    default: break
    }
  }

  // MARK: Inside

  private func setCommandByte(_ value: UInt8) {
    state.commandByte = value
    state.systemFlag = value & 0x04 != 0
    updateInterrupt()
    expectByte()
  }

  /// The output port: pin 0 is reset (low resets), pin 1 is A20.
  private var outputPort: UInt8 {
    state.outputPort | 0x01 | (gate.state.keyboardController ? 0x02 : 0) | (state.outputFull ? 0x10 : 0)
  }

  private func setOutputPort(_ value: UInt8) {
    state.outputPort = value & 0xCC
    gate.state.keyboardController = value & 0x02 != 0
    if value & 0x01 == 0 { resetCPU() }
  }

  private func put(_ value: UInt8, second: Bool = false) {
    state.output = value
    state.outputFull = true
    state.fromSecond = second
    state.timedOut = false
    updateInterrupt()
  }

  /// No device takes what was sent: the controller itself answers with FEh and the time-out bit.
  private func noDevice(second: Bool) {
    put(0xFE, second: second)
    state.timedOut = true
  }

  private func updateInterrupt() {
    interrupt.set(state.outputFull && !state.fromSecond && state.commandByte & 0x01 != 0)
  }
}
