/// The PC's 8254 timer: three counters on a clock of 14.31818 MHz / 12.
///
/// Intel 8254 data sheet, order number 231164; ports and wiring as in the IBM PC AT Technical Reference:
///
///     40h, 41h, 42h   counters 0 (IRQ 0), 1 (memory refresh), 2 (speaker; gate and output in port 61h)
///     43h             control word
///
/// Counter values are computed from the machine's clock when they are looked at; only counter 0 has an event,
/// for the next change of its output.
public final class PIT8254: BusDevice, Device {
  public let name = "8254 timer"

  /// All that the timer remembers.
  public struct State: Sendable, Equatable, Codable {
    var channels = [PIT8254Channel(), PIT8254Channel(), PIT8254Channel()]
  }

  public internal(set) var state = State()

  /// The timer's own clock.
  let timebase: Timebase

  private let clock: Clock
  let interrupt: InterruptLine
  private var outputChange: ClockEvent!

  /// A timer whose counter 0 drives `interrupt`.
  public init(clock: Clock, interrupt: InterruptLine = .unconnected) {
    self.clock = clock
    self.interrupt = interrupt
    timebase = clock.timebase(hertz: 14_318_180, dividedBy: 12)
    // The PC holds the gates of counters 0 and 1 high; counter 2's is a bit of port 61h, low at first.
    state.channels[2].setGate(false)
    outputChange = clock.makeEvent(name: "8254 counter 0") { [unowned self] due in
      // Every change in its own step: the interrupt controller must see each edge.
      state.channels[0].advance(to: timebase.ticks(at: due))
      followOutput()
    }
  }

  /// Puts the timer at its ports.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0x40..<0x44)
  }

  /// The chip has no reset input; a machine that is reset finds it as after power-on here, not in the middle of a count.
  func reset() {
    state = State()
    state.channels[2].setGate(false)
    followOutput()
  }

  func accepts(_ state: State) -> Bool {
    let now = timebase.ticks(at: clock.now)
    guard state.channels.count == 3, state.channels.allSatisfy({ $0.isPossible(at: now) }) else {
      return false
    }
    // Each change of counter 0 has its event: it is never far behind.
    return (state.channels[0].nextChange ?? .max) >= now &- min(now, 1 << 20)
  }

  // MARK: Counter 2's wires

  /// The GATE input of counter 2.
  func setGate2(_ level: Bool) {
    advance(2)
    state.channels[2].setGate(level)
  }

  /// The OUT output of counter 2.
  var output2: Bool {
    advance(2)
    return state.channels[2].out
  }

  // MARK: Registers

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    // The control word can't be read; nothing drives the bus.
    guard offset < 3 else { return 0xFF }
    let index = Int(offset)
    advance(index)
    return UInt64(state.channels[index].read())
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    let byte = UInt8(truncatingIfNeeded: value)
    if offset < 3 {
      let index = Int(offset)
      advance(index)
      state.channels[index].write(byte)
      if index == 0 { followOutput() }
    } else {
      control(byte)
    }
  }

  private func control(_ word: UInt8) {
    let selected = Int(word >> 6)
    guard selected < 3 else {
      readBack(word)
      return
    }
    advance(selected)
    guard let bytes = PIT8254Channel.Bytes(rawValue: word >> 4 & 3) else {
      state.channels[selected].latchCount()
      return
    }
    state.channels[selected].setMode(word >> 1 & 7, bytes: bytes, bcd: word & 1 != 0)
    if selected == 0 { followOutput() }
  }

  /// The read-back command latches count and status of any of the counters.
  private func readBack(_ word: UInt8) {
    for index in 0..<3 where word & (2 << UInt8(index)) != 0 {
      advance(index)
      if word & 0x20 == 0 { state.channels[index].latchCount() }
      if word & 0x10 == 0 { state.channels[index].latchStatus() }
    }
  }

  // MARK: Time

  private func advance(_ index: Int) {
    let now = timebase.ticks(at: clock.now)
    // An output change that is due but hasn't fired must not be skipped: its edge is an interrupt.
    if index == 0 {
      while let change = state.channels[0].nextChange, change <= now {
        state.channels[0].advance(to: change)
        interrupt.set(state.channels[0].out)
      }
    }
    state.channels[index].advance(to: now)
  }

  /// Carries counter 0's output to the interrupt line and schedules its next change.
  private func followOutput() {
    interrupt.set(state.channels[0].out)
    if let change = state.channels[0].nextChange {
      clock.schedule(outputChange, at: timebase.cycle(ofTick: change))
    } else {
      clock.cancel(outputChange)
    }
  }
}
