/// Port 61h, system control port B: the timer's counter 2 and the memory error bits.
///
/// IBM PC AT Technical Reference, "System board"; bits as in the Intel 82371SB data sheet, NMI Status and
/// Control Register:
///
///     0  RW  gate of counter 2         4  R  memory refresh toggle
///     1  RW  speaker data              5  R  output of counter 2
///     2  RW  parity NMI off            6  R  channel check seen (never)
///     3  RW  channel check NMI off     7  R  parity error seen (never)
public final class SystemControlPort: BusDevice, Device {
  public let name = "system control port B"

  /// What a snapshot keeps of the port.
  public struct State: Sendable, Equatable, Codable {
    /// The bits that are written: 0 to 3.
    var control: UInt8 = 0
  }

  public internal(set) var state = State()

  private let clock: Clock
  private let timer: PIT8254

  /// Port 61h, which gates counter 2 of `timer`.
  public init(clock: Clock, timer: PIT8254) {
    self.clock = clock
    self.timer = timer
  }

  /// Puts the port where it belongs.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0x61..<0x62)
  }

  func reset() {
    state = State()
    timer.setGate2(false)
  }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    // Counter 1 refreshes memory every 18 ticks of the timer's clock, about 15 microseconds.
    let refresh = timer.timebase.ticks(at: clock.now) / 18
    return UInt64(state.control) | (refresh & 1) << 4 | (timer.output2 ? 0x20 : 0)
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    state.control = UInt8(value & 0x0F)
    timer.setGate2(value & 1 != 0)
  }
}
