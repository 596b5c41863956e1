/// The gate in address line 20, which the PC AT got so that programs for the 8086 find addresses above 1 MiB at 0
/// again. Two devices hold it open, and one is enough: the keyboard controller's output port and port 92h.
public final class A20Gate: Device {
  public let name = "A20 gate"

  /// What a snapshot keeps of the gate.
  public struct State: Sendable, Equatable, Codable {
    /// The keyboard controller's output pin P21, high after its reset.
    var keyboardController = true
    /// Port 92h, bit 1.
    var fast = false
  }

  public internal(set) var state = State() {
    didSet {
      guard isOpen != (oldValue.keyboardController || oldValue.fast) else { return }
      bus?.setA20(enabled: isOpen)
      onChange(isOpen)
    }
  }

  /// Not owned: the bus owns the devices that work the gate.
  private weak var bus: Bus?
  private let onChange: (_ open: Bool) -> Void

  /// An open gate in the address lines of `bus`. `onChange` hears of each change, for those who keep host pages: they
  /// must drop them.
  public init(bus: Bus, onChange: @escaping (_ open: Bool) -> Void = { _ in }) {
    self.bus = bus
    self.onChange = onChange
  }

  /// The gate is in the address lines and answers nowhere.
  func attach(to bus: Bus) {}

  func reset() { state = State() }

  /// Whether address line 20 reaches the bus.
  public var isOpen: Bool { state.keyboardController || state.fast }
}

/// Port 92h, system control port A: the fast way to open the A20 gate and to reset the CPU.
///
/// IBM PS/2 Hardware Interface Technical Reference; Intel 82371SB data sheet, Port 92 Register. Bit 0 going from 0
/// to 1 resets the CPU, bit 1 opens the gate.
public final class FastA20: BusDevice, Device {
  public let name = "system control port A"

  /// What a snapshot keeps of port 92h.
  public struct State: Sendable, Equatable, Codable {
    /// Bit 0 as written last.
    var resetBit = false
  }

  public internal(set) var state = State()

  private let gate: A20Gate
  private let resetCPU: () -> Void

  /// A port that works `gate` and calls `reset` when the guest asks for it.
  public init(gate: A20Gate, reset: @escaping () -> Void) {
    self.gate = gate
    resetCPU = reset
  }

  /// Puts the port where it belongs.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0x92..<0x93)
  }

  func reset() { state = State() }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    (state.resetBit ? 1 : 0) | (gate.isOpen ? 2 : 0)
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    let resets = value & 1 != 0 && !state.resetBit
    state.resetBit = value & 1 != 0
    gate.state.fast = value & 2 != 0
    if resets { resetCPU() }
  }
}
