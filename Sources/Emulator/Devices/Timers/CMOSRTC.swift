/// The PC's real-time clock and its 128 bytes of battery-backed memory.
///
/// Motorola MC146818A data sheet; the memory's contents as in the IBM PC AT Technical Reference, "CMOS RAM
/// addresses", and for memory above 16 MiB and 4 GiB as PC firmware has agreed since. Ports:
///
///     70h  W   bits 0-6 select a register, bit 7 keeps NMIs from the CPU
///     71h  RW  the register
///
/// The time begins at a fixed moment and goes on with the machine's clock, never the host's. Daylight saving (register
/// B, DSE) is remembered and does nothing, as on today's PCs.
public final class CMOSRTC: BusDevice, Device {
  public let name = "CMOS clock"

  /// 2000-01-01 00:00:00, in seconds since 1970: when every machine's time begins unless told otherwise.
  public static let defaultEpoch: Int64 = 946_684_800

  /// All that the chip remembers.
  public struct State: Sendable, Equatable, Codable {
    /// The selected register.
    var index: UInt8 = 0
    /// Port 70h, bit 7.
    var nmiMasked = false
    var time = RTCTime()
    /// Registers 01h, 03h, 05h: the alarm's second, minute and hour.
    var alarm: [UInt8] = [0, 0, 0]
    /// Register A without UIP: divider and rate.
    var registerA: UInt8 = 0x26
    /// Register B: SET, PIE, AIE, UIE, SQWE, DM, 24/12, DSE.
    var registerB: UInt8 = 0x02
    /// Register C: IRQF, PF, AF, UF.
    var registerC: UInt8 = 0
    /// The memory; the bytes of the registers above are unused.
    var memory = [UInt8](repeating: 0, count: 128)
    /// The tick of the 32,768 Hz crystal at which the divider was 0.
    var dividerStart: UInt64 = 0
    /// The tick up to which everything here is true.
    var tick: UInt64 = 0
  }

  public internal(set) var state = State()

  private let clock: Clock
  private let timebase: Timebase
  let interrupt: InterruptLine
  private var event: ClockEvent!

  /// A clock that shows `epoch`, in seconds since 1970, at cycle 0, in a machine with the memory `map`, and that asks
  /// for IRQ 8 through `interrupt`.
  public init(
    clock: Clock, map: MemoryMap, epoch: Int64 = CMOSRTC.defaultEpoch,
    interrupt: InterruptLine = .unconnected
  ) {
    self.clock = clock
    self.interrupt = interrupt
    timebase = clock.timebase(hertz: 32_768)
    state.tick = timebase.ticks(at: clock.now)
    state.dividerStart = state.tick
    state.time = RTCTime(secondsSince1970: epoch, format: format)
    describe(map)
    event = clock.makeEvent(name: "CMOS clock") { [unowned self] _ in
      synchronize()
      schedule()
    }
  }

  /// Puts the clock at its ports.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0x70..<0x72)
  }

  /// What the chip's RESET pin does, by its data sheet: PIE, AIE, UIE and SQWE of register B and all of register C go; time,
  /// alarm and memory stay.
  func reset() {
    synchronize()
    state.index = 0
    state.nmiMasked = false
    state.registerB &= 0x87
    state.registerC = 0
    updateInterrupt()
    schedule()
  }

  /// The longest time between two looks at the clock: a year.
  private static let maxTicks: UInt64 = 32_768 * 366 * 86_400

  func accepts(_ state: State) -> Bool {
    let now = timebase.ticks(at: clock.now)
    return state.alarm.count == 3 && state.memory.count == 128 && state.tick <= now
      && now &- state.tick < Self.maxTicks && state.tick &- state.dividerStart < 1 << 60
  }

  /// Whether the guest keeps NMIs from the CPU.
  public var isNMIMasked: Bool { state.nmiMasked }

  /// Fills in what firmware leaves for an operating system about the machine.
  private func describe(_ map: MemoryMap) {
    let extended = map.bytesBelow4GiB >> 10
    let beyond16MiB = map.bytesBelow4GiB > 15 << 20 ? (map.bytesBelow4GiB - 15 << 20) >> 16 : 0
    // Equipment: a coprocessor, no diskette, display as the firmware finds.
    state.memory[0x14] = 0x02
    setMemory(640, at: 0x15, bytes: 2)
    setMemory(extended, at: 0x17, bytes: 2)
    setMemory(extended, at: 0x30, bytes: 2)
    setMemory(beyond16MiB, at: 0x34, bytes: 2)
    setMemory(map.bytesAbove4GiB >> 16, at: 0x5B, bytes: 3)
    let sum = state.memory[0x10...0x2D].reduce(UInt16(0)) { $0 &+ UInt16($1) }
    state.memory[0x2E] = UInt8(sum >> 8)
    state.memory[0x2F] = UInt8(sum & 0xFF)
  }

  /// Stores a number, little-endian, as large as fits.
  private func setMemory(_ number: UInt64, at index: Int, bytes: Int) {
    let fitting = min(number, (1 << UInt64(8 * bytes)) - 1)
    for byte in 0..<bytes {
      state.memory[index + byte] = UInt8(truncatingIfNeeded: fitting >> UInt64(8 * byte))
    }
  }

  // MARK: Ports

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    // Port 70h can't be read on the PC.
    guard offset != 0 else { return 0xFF }
    return UInt64(register(state.index))
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    let byte = UInt8(truncatingIfNeeded: value)
    if offset == 0 {
      state.index = byte & 0x7F
      state.nmiMasked = byte & 0x80 != 0
    } else {
      setRegister(state.index, byte)
    }
  }

  private func register(_ index: UInt8) -> UInt8 {
    synchronize()
    switch index {
    case 0x00: return state.time.second
    case 0x01: return state.alarm[0]
    case 0x02: return state.time.minute
    case 0x03: return state.alarm[1]
    case 0x04: return state.time.hour
    case 0x05: return state.alarm[2]
    case 0x06: return state.time.dayOfWeek
    case 0x07: return state.time.day
    case 0x08: return state.time.month
    case 0x09: return state.time.year
    case 0x0A: return state.registerA | (isUpdateInProgress ? 0x80 : 0)
    case 0x0B: return state.registerB
    case 0x0C:
      let flags = state.registerC
      state.registerC = 0
      updateInterrupt()
      schedule()
      return flags
    // VRT: the battery is good.
    case 0x0D: return 0x80
    case 0x32: return state.time.century
    default: return state.memory[Int(index & 0x7F)]
    }
  }

  private func setRegister(_ index: UInt8, _ value: UInt8) {
    synchronize()
    switch index {
    case 0x00: state.time.second = value
    case 0x01: state.alarm[0] = value
    case 0x02: state.time.minute = value
    case 0x03: state.alarm[1] = value
    case 0x04: state.time.hour = value
    case 0x05: state.alarm[2] = value
    case 0x06: state.time.dayOfWeek = value
    case 0x07: state.time.day = value
    case 0x08: state.time.month = value
    case 0x09: state.time.year = value
    case 0x0A: setRegisterA(value)
    case 0x0B:
      // Setting SET ends the update interrupt's enable, as the data sheet has it.
      state.registerB = value & 0x80 != 0 ? value & ~0x10 : value
    // Registers C and D can't be written.
    case 0x0C, 0x0D: break
    case 0x32: state.time.century = value
    default: state.memory[Int(index & 0x7F)] = value
    }
    updateInterrupt()
    schedule()
  }

  private func setRegisterA(_ value: UInt8) {
    let ran = isRunning
    state.registerA = value & 0x7F
    // The first update comes half a second after the divider is let go: "Divider Control".
    if !ran, isRunning { state.dividerStart = state.tick &- 16_384 }
  }

  // MARK: Time

  private var format: RTCTime.Format {
    RTCTime.Format(isBinary: state.registerB & 0x04 != 0, is24Hour: state.registerB & 0x02 != 0)
  }

  /// Whether the divider is set for the crystal the PC has; it stands still or is held in reset otherwise.
  private var isRunning: Bool { state.registerA & 0x70 == 0x20 }

  /// Ticks of the periodic interrupt; `nil` when it is off.
  private var period: UInt64? {
    let rate = state.registerA & 0x0F
    guard isRunning, rate != 0 else { return nil }
    // The two fastest rates repeat those of 8 and 9 with this crystal.
    return 1 << UInt64(rate <= 2 ? rate + 6 : rate - 1)
  }

  /// UIP: an update begins within 244 microseconds or is going on, which takes 1,984.
  private var isUpdateInProgress: Bool {
    guard isRunning, state.registerB & 0x80 == 0 else { return false }
    let ticksLeft = 32_768 - ((state.tick &- state.dividerStart) & 32_767)
    return ticksLeft <= 73
  }

  /// Catches up with the machine's clock: update cycles, alarms, and the flags of register C.
  private func synchronize() {
    let now = timebase.ticks(at: clock.now)
    let before = state.tick
    state.tick = now
    guard isRunning else { return }
    let passed = now &- state.dividerStart
    let passedBefore = before &- state.dividerStart
    if let period, passed / period != passedBefore / period { state.registerC |= 0x40 }
    if state.registerB & 0x80 == 0 {
      for _ in 0..<(passed >> 15 &- passedBefore >> 15) {
        state.time.advanceSecond(format)
        state.registerC |= 0x10
        if alarmMatches { state.registerC |= 0x20 }
      }
    }
    updateInterrupt()
  }

  /// Alarm bytes from C0h up match anything.
  private var alarmMatches: Bool {
    func matches(_ alarm: UInt8, _ time: UInt8) -> Bool { alarm >= 0xC0 || alarm == time }
    return matches(state.alarm[0], state.time.second) && matches(state.alarm[1], state.time.minute)
      && matches(state.alarm[2], state.time.hour)
  }

  /// IRQF is set while a flag and its enable both are, and it is the interrupt line.
  private func updateInterrupt() {
    let asks = state.registerC & state.registerB & 0x70 != 0
    state.registerC = state.registerC & 0x70 | (asks ? 0x80 : 0)
    interrupt.set(asks)
  }

  /// Schedules the next moment at which an enabled interrupt may come.
  private func schedule() {
    guard isRunning else {
      clock.cancel(event)
      return
    }
    let passed = state.tick &- state.dividerStart
    var wait = UInt64.max
    if let period, state.registerB & 0x40 != 0 { wait = period &- passed % period }
    if state.registerB & 0x30 != 0, state.registerB & 0x80 == 0 {
      wait = min(wait, 32_768 &- passed & 32_767)
    }
    if wait == .max {
      clock.cancel(event)
    } else {
      clock.schedule(event, at: timebase.cycle(ofTick: state.tick &+ wait))
    }
  }
}
