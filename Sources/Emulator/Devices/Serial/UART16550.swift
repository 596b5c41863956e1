/// What becomes of characters that a guest writes to a serial port without waiting for room.
public enum SerialTransmission: String, CaseIterable, Sendable {
  /// They are lost, as on the chip.
  case exact
  /// None is lost: a character for which there is no room pushes the oldest out to the terminal at once. A guest that waits
  /// notices no difference.
  case lossless
}

/// A 16550A serial port with a terminal at its other end: the host's console.
///
/// National Semiconductor PC16550D data sheet (June 1995), section 8, "Registers". At a PC's COM1 the registers are
/// the ports 3F8h to 3FFh:
///
///     0  RBR, THR; divisor's low byte while LCR.DLAB is set      4  MCR
///     1  IER; divisor's high byte while LCR.DLAB is set          5  LSR
///     2  IIR, FCR                                                6  MSR
///     3  LCR                                                     7  SCR
///
/// A character takes the time that the divisor and the frame say, on the machine's clock, in both directions. As on
/// the PC the interrupt reaches the controller only while MCR.OUT2 is set. The terminal is patient: what the host
/// sends waits for room in the receiver, so a pasted text isn't lost; an overrun takes the loopback. What a guest writes
/// without waiting for LSR.THRE is lost, as on the chip, and counted, unless the port is made to lose nothing.
public final class UART16550: BusDevice, Device {
  /// The PC's crystal: 1.8432 MHz, for 115,200 baud with divisor 1.
  public static let defaultInputClock: UInt64 = 1_843_200

  public let name: String

  /// All that the port remembers.
  public struct State: Sendable, Equatable, Codable {
    var receiver = UARTFIFO()
    var transmitter = UARTFIFO()
    /// The character in the transmitter's shift register.
    var shifting: UInt8?
    /// The tick of the baud clock at which the shift register is done.
    var shiftDone: UInt64 = 0
    var interruptEnable: UInt8 = 0
    /// FCR: on, and the trigger level in bits 6 and 7.
    var fifoControl: UInt8 = 0
    var lineControl: UInt8 = 0
    var modemControl: UInt8 = 0
    var scratch: UInt8 = 0
    /// Undefined after a reset of the chip; 1, the fastest, serves guests that leave it alone.
    var divisor: UInt16 = 1
    /// LSR.OE.
    var overrun = false
    /// The transmitter has become empty since IIR told so.
    var transmitterInterrupt = false
    /// The receiver's FIFO has been left alone for four characters' time.
    var receiverTimeout = false
    /// MSR bits 4 to 7.
    var modemLines: UInt8 = 0xB0
    /// MSR bits 0 to 3.
    var modemChanges: UInt8 = 0
    /// What the host has sent and the line hasn't brought.
    var incoming = ByteQueue()
    /// Characters on their way to the terminal that were lost because the guest wrote without waiting for room.
    var lost: UInt64 = 0
  }

  public internal(set) var state = State()

  private let port: UInt16
  private let transmission: SerialTransmission
  private let clock: Clock
  private let timebase: Timebase
  let interrupt: InterruptLine
  private let transmit: (UInt8) -> Void
  private var sent: ClockEvent!
  private var arrived: ClockEvent!
  private var leftAlone: ClockEvent!

  /// A serial port with its eight registers from `port` on, 3F8h for COM1, that gives each byte it has sent to `transmit`.
  ///
  /// - Parameters:
  ///   - inputClock: the crystal in Hz; 16 times the baud rate at divisor 1.
  ///   - transmission: what becomes of characters that the guest does not leave time for.
  public init(
    name: String = "16550 serial port", port: UInt16 = 0x3F8, clock: Clock,
    inputClock: UInt64 = UART16550.defaultInputClock,
    transmission: SerialTransmission = .exact,
    interrupt: InterruptLine = .unconnected, transmit: @escaping (UInt8) -> Void
  ) {
    self.name = name
    self.port = port
    self.transmission = transmission
    self.clock = clock
    self.interrupt = interrupt
    self.transmit = transmit
    timebase = clock.timebase(hertz: inputClock)
    sent = clock.makeEvent(name: "\(name) sent") { [unowned self] _ in characterSent() }
    arrived = clock.makeEvent(name: "\(name) arrived") { [unowned self] due in characterArrived(due) }
    leftAlone = clock.makeEvent(name: "\(name) timeout") { [unowned self] _ in
      state.receiverTimeout = !state.receiver.isEmpty
      updateInterrupt()
    }
  }

  /// Puts the port's registers where they belong.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: UInt32(port)..<UInt32(port) + 8)
  }

  /// Master reset: everything but what the host has sent and the line hasn't brought.
  func reset() {
    for event in [sent!, arrived!, leftAlone!] { clock.cancel(event) }
    let incoming = state.incoming
    state = State()
    state.incoming = incoming
    updateInterrupt()
    expectCharacter()
  }

  func accepts(_ state: State) -> Bool {
    [state.receiver, state.transmitter].allSatisfy {
      [1, 16].contains($0.capacity) && $0.count <= $0.capacity
    }
  }

  // MARK: The host's side

  /// Sends bytes to the guest. They arrive one after the other at the line's speed, beginning now.
  public func receive(_ bytes: some Sequence<UInt8>) {
    state.incoming.append(bytes)
    expectCharacter()
  }

  /// Gives everything that waits in the transmitter to the host at once: for the end of a run, when no more time
  /// passes.
  public func drain() {
    if let character = state.shifting { emit(character) }
    state.shifting = nil
    while let character = state.transmitter.removeFirst() { emit(character.value) }
    clock.cancel(sent)
  }

  // MARK: Registers

  private var isDivisorSelected: Bool { state.lineControl & 0x80 != 0 }
  private var hasFIFOs: Bool { state.fifoControl & 0x01 != 0 }
  private var isLoopback: Bool { state.modemControl & 0x10 != 0 }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    let value: UInt8
    switch offset {
    case 0: value = isDivisorSelected ? UInt8(state.divisor & 0xFF) : readReceiver()
    case 1: value = isDivisorSelected ? UInt8(state.divisor >> 8) : state.interruptEnable
    case 2: value = readIdentification()
    case 3: value = state.lineControl
    case 4: value = state.modemControl
    case 5: value = readLineStatus()
    case 6:
      value = state.modemLines | state.modemChanges
      state.modemChanges = 0
    default: value = state.scratch
    }
    updateInterrupt()
    return UInt64(value)
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    let byte = UInt8(truncatingIfNeeded: value)
    switch offset {
    case 0:
      if isDivisorSelected {
        state.divisor = state.divisor & 0xFF00 | UInt16(byte)
      } else {
        writeTransmitter(byte)
      }
    case 1:
      if isDivisorSelected {
        state.divisor = state.divisor & 0x00FF | UInt16(byte) << 8
      } else {
        writeInterruptEnable(byte)
      }
    case 2: writeFIFOControl(byte)
    case 3: writeLineControl(byte)
    case 4: writeModemControl(byte)
    // LSR and MSR are read-only outside factory tests.
    case 5, 6: break
    default: state.scratch = byte
    }
    updateInterrupt()
  }

  private func readReceiver() -> UInt8 {
    let character = state.receiver.removeFirst()
    state.receiverTimeout = false
    watchReceiver()
    expectCharacter()
    return character?.value ?? 0
  }

  private func writeTransmitter(_ value: UInt8) {
    state.transmitterInterrupt = false
    let character = UARTCharacter(value: value)
    if state.transmitter.isFull && transmission == .lossless { hurry() }
    if !state.transmitter.isFull {
      state.transmitter.append(character)
    } else {
      if !isLoopback { state.lost &+= 1 }
      // The holding register is overwritten; a full FIFO keeps what it has.
      if !hasFIFOs { state.transmitter.replaceLast(character) }
    }
    if state.shifting == nil { shiftNext(from: timebase.ticks(at: clock.now)) }
  }

  private func writeInterruptEnable(_ value: UInt8) {
    let enabled = value & ~state.interruptEnable
    state.interruptEnable = value & 0x0F
    // Enabling the interrupt while the transmitter is empty raises it at once.
    if enabled & 0x02 != 0, state.transmitter.isEmpty { state.transmitterInterrupt = true }
  }

  private func writeFIFOControl(_ value: UInt8) {
    let on = value & 0x01 != 0
    let changes = on != hasFIFOs
    // Without bit 0 the other bits aren't programmed.
    state.fifoControl = on ? value & 0xC9 : 0
    if changes || on && value & 0x02 != 0 {
      state.receiver.removeAll()
      state.receiverTimeout = false
      clock.cancel(leftAlone)
    }
    if changes || on && value & 0x04 != 0, !state.transmitter.isEmpty {
      state.transmitter.removeAll()
      state.transmitterInterrupt = true
    }
    state.receiver.capacity = on ? 16 : 1
    state.transmitter.capacity = on ? 16 : 1
    expectCharacter()
  }

  private func writeLineControl(_ value: UInt8) {
    let breaks = value & ~state.lineControl & 0x40 != 0
    state.lineControl = value
    if breaks, isLoopback { take(UARTCharacter(value: 0, errors: 0x10)) }
  }

  private func writeModemControl(_ value: UInt8) {
    state.modemControl = value & 0x1F
    let lines: UInt8
    if isLoopback {
      // DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD.
      lines = (value & 0x01) << 5 | (value & 0x02) << 3 | (value & 0x0C) << 4
    } else {
      // The terminal holds DCD, DSR and CTS.
      lines = 0xB0
    }
    let changes = lines ^ state.modemLines
    // The ring indicator counts when it ends; the others at each change.
    let falls = state.modemLines & ~lines
    state.modemChanges |= changes >> 4 & 0x0B | falls >> 4 & 0x04
    state.modemLines = lines
    expectCharacter()
  }

  /// IIR: the pending interrupt of the highest priority. Reading it answers a transmitter interrupt.
  private func readIdentification() -> UInt8 {
    let identification = pendingInterrupt
    if identification == 0x02 { state.transmitterInterrupt = false }
    return identification | (hasFIFOs ? 0xC0 : 0)
  }

  private func readLineStatus() -> UInt8 {
    var status: UInt8 = state.receiver.isEmpty ? 0 : 0x01
    status |= lineErrors
    if state.transmitter.isEmpty { status |= state.shifting == nil ? 0x60 : 0x20 }
    if hasFIFOs, state.receiver.hasErrors { status |= 0x80 }
    state.overrun = false
    state.receiver.clearFirstErrors()
    return status
  }

  // MARK: Interrupts

  /// LSR bits 1 to 4.
  private var lineErrors: UInt8 { (state.overrun ? 0x02 : 0) | (state.receiver.first?.errors ?? 0) }

  private var triggerLevel: Int {
    guard hasFIFOs else { return 1 }
    return switch state.fifoControl >> 6 {
    case 0: 1
    case 1: 4
    case 2: 8
    default: 14
    }
  }

  /// IIR bits 0 to 3.
  private var pendingInterrupt: UInt8 {
    let enabled = state.interruptEnable
    if enabled & 0x04 != 0, lineErrors != 0 { return 0x06 }
    if enabled & 0x01 != 0 {
      if state.receiver.count >= triggerLevel { return 0x04 }
      if state.receiverTimeout { return 0x0C }
    }
    if enabled & 0x02 != 0, state.transmitterInterrupt { return 0x02 }
    if enabled & 0x08 != 0, state.modemChanges != 0 { return 0x00 }
    return 0x01
  }

  private func updateInterrupt() {
    // In loopback the OUT2 pin is off, whatever MCR says.
    interrupt.set(pendingInterrupt != 0x01 && state.modemControl & 0x18 == 0x08)
  }

  // MARK: The line

  /// The time a character takes, in ticks of the crystal: start, data, parity and stop bits of 16 ticks a divisor
  /// each. Five data bits have one and a half stop bits where others have two. A divisor of 0 counts as 65,536.
  private var characterTicks: UInt64 {
    let control = state.lineControl
    let dataBits = UInt64(control & 3) + 5
    let parityBits: UInt64 = control & 0x08 != 0 ? 1 : 0
    let stopHalves: UInt64 = control & 0x04 == 0 ? 2 : dataBits == 5 ? 3 : 4
    let divisor = state.divisor == 0 ? 65_536 : UInt64(state.divisor)
    return 8 * divisor * (2 * (1 + dataBits + parityBits) + stopHalves)
  }

  /// Moves the next character into the shift register, which begins to send it at `tick`.
  private func shiftNext(from tick: UInt64) {
    guard let character = state.transmitter.removeFirst() else { return }
    state.shifting = character.value
    state.shiftDone = tick &+ characterTicks
    clock.schedule(sent, at: timebase.cycle(ofTick: state.shiftDone))
    if state.transmitter.isEmpty { state.transmitterInterrupt = true }
  }

  /// Sends at once what is in the shift register: the next character takes its place, and there is room behind it.
  private func hurry() {
    if let character = state.shifting { emit(character) }
    state.shifting = nil
    shiftNext(from: timebase.ticks(at: clock.now))
  }

  private func characterSent() {
    if let character = state.shifting { emit(character) }
    state.shifting = nil
    shiftNext(from: state.shiftDone)
    updateInterrupt()
  }

  /// The data bits of a frame: 5 to 8.
  private var frameMask: UInt8 { 0xFF >> (3 - (state.lineControl & 3)) }

  /// A character at the end of the wire, with as many bits as a frame has.
  private func emit(_ value: UInt8) {
    let sent = value & frameMask
    if isLoopback {
      take(UARTCharacter(value: sent))
    } else if state.lineControl & 0x40 == 0 {
      // A break holds the line, and what is sent meanwhile is lost.
      transmit(sent)
    }
  }

  /// Lets the next character of the host's begin to arrive if there is one and room for it.
  private func expectCharacter(after cycle: UInt64? = nil) {
    guard !state.incoming.isEmpty, !isLoopback, !state.receiver.isFull, !clock.isPending(arrived) else {
      return
    }
    let tick = timebase.ticks(at: cycle ?? clock.now) &+ characterTicks
    clock.schedule(arrived, at: timebase.cycle(ofTick: tick))
  }

  private func characterArrived(_ due: UInt64) {
    guard !isLoopback, !state.receiver.isFull, let value = state.incoming.popFirst() else { return }
    take(UARTCharacter(value: value & frameMask))
    expectCharacter(after: due)
  }

  /// The receiver gets a character. Without room, the FIFO keeps what it has and the register is overwritten.
  private func take(_ character: UARTCharacter) {
    if !state.receiver.isFull {
      state.receiver.append(character)
    } else {
      state.overrun = true
      if !hasFIFOs { state.receiver.replaceLast(character) }
    }
    watchReceiver()
    updateInterrupt()
  }

  /// Starts the time-out of four characters anew, as each arrival and each read do.
  private func watchReceiver() {
    guard hasFIFOs, !state.receiver.isEmpty else {
      clock.cancel(leftAlone)
      return
    }
    let tick = timebase.ticks(at: clock.now) &+ 4 &* characterTicks
    clock.schedule(leftAlone, at: timebase.cycle(ofTick: tick))
  }
}
