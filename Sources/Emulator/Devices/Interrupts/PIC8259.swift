/// The PC's two 8259A interrupt controllers: the master with inputs 0 to 7 and, at its input 2, the slave with
/// inputs 8 to 15.
///
/// Intel 8259A data sheet, order number 231468; ports and cascade as in the IBM PC AT Technical Reference:
///
///     20h, 21h      master
///     A0h, A1h      slave
///     4D0h, 4D1h    edge/level control of master and slave
public final class PIC8259: Device {
  public let name = "8259 interrupt controllers"

  /// The master's input that the slave requests through.
  static let cascadeInput: UInt8 = 2

  /// All that the pair remembers.
  public struct State: Sendable, Equatable, Codable {
    var master = PIC8259Chip(isMaster: true)
    var slave = PIC8259Chip(isMaster: false)
    /// Which of each input's wires are high: bit n for the n-th that was drawn to it.
    var wires = SIMD16<UInt64>()

    /// Puts one wire of an input to a level; the input is high while any of its wires is.
    mutating func setWire(_ input: Int, _ wire: UInt64, _ level: Bool) {
      if level { wires[input] |= wire } else { wires[input] &= ~wire }
      driveInput(input)
    }

    /// Carries the wires of an input to the chip that has it.
    mutating func driveInput(_ input: Int) {
      let level = wires[input] != 0
      if input < 8 {
        master.setLine(UInt8(input), level)
      } else {
        slave.setLine(UInt8(input - 8), level)
      }
    }

    /// The slave's answer to an acknowledgement. Its output falls for that moment, so that a further request is a
    /// new edge at the master.
    mutating func acknowledgeSlave() -> UInt8? {
      master.setLine(PIC8259.cascadeInput, false)
      return slave.acknowledge()
    }
  }

  /// The pair's state; the output follows it.
  public internal(set) var state = State() {
    didSet {
      output.pointee = state.master.request != nil
      if output.pointee { onRequest() }
    }
  }

  /// Called when INT is high after a change.
  var onRequest: () -> Void = {}

  /// Told the level of an input, 0 to 15, after one of its wires has changed: what else the wires go to.
  var onInput: (_ irq: Int, _ level: Bool) -> Void = { _, _ in }

  /// The INT output, at a fixed place for the CPU's loop. It can change when due events run, in an access to a
  /// port or a memory-mapped device, in `acknowledge`, and when the host delivers input, and at no other time.
  let output: UnsafeMutablePointer<Bool>
  /// How many wires were drawn to each input.
  private var wireCounts = [Int](repeating: 0, count: 16)

  /// Both controllers as they are after power-on.
  public init() {
    output = .allocate(capacity: 1)
    output.initialize(to: false)
  }

  deinit {
    output.deallocate()
  }

  /// Puts the pair at its ports.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(
      PortBlock(name: "8259 master") {
        self.read(\.master, $0)
      } write: {
        self.write(\.master, $0, $1)
      },
      at: 0x20..<0x22)
    try bus.addPorts(
      PortBlock(name: "8259 slave") {
        self.read(\.slave, $0)
      } write: {
        self.write(\.slave, $0, $1)
      },
      at: 0xA0..<0xA2)
    try bus.addPorts(
      PortBlock(name: "8259 edge/level") { offset in
        offset == 0 ? self.state.master.levelTriggered : self.state.slave.levelTriggered
      } write: { offset, value in
        self.update { state in
          // The timer, keyboard, cascade, clock and coprocessor inputs are edges on any PC.
          if offset == 0 {
            state.master.levelTriggered = value & 0b1111_1000
          } else {
            state.slave.levelTriggered = value & 0b1101_1110
          }
        }
      },
      at: 0x4D0..<0x4D2)
  }

  // MARK: The CPU's side

  /// Whether the pair requests an interrupt: the INTR pin.
  public var interruptRequested: Bool { output.pointee }

  /// The CPU's interrupt acknowledge cycle: takes the request into service and gives its vector. When the request
  /// is gone the vector is the spurious one, of input 7 of the chip that was asked.
  public func acknowledge() -> UInt8 {
    var vector: UInt8 = 0
    update { state in
      guard let input = state.master.acknowledge() else {
        vector = state.master.vectorBase | 7
        return
      }
      guard input == Self.cascadeInput, state.master.hasSlave(at: input) else {
        vector = state.master.vectorBase | input
        return
      }
      vector = state.slave.vectorBase | (state.acknowledgeSlave() ?? 7)
    }
    return vector
  }

  // MARK: The devices' side

  /// How many devices can share an input.
  public static let maxWires = 64

  /// A new wire to input `irq`, 0 to 15. Input 2 is the cascade: what the PC calls IRQ 2 arrives at 9. An input is high while
  /// any of its wires is: devices share it as PCI's do, whose inputs are level-triggered. Up to `maxWires` wires end at
  /// one input.
  public func line(_ irq: Int) -> InterruptLine {
    let input = irq == 2 ? 9 : irq & 15
    precondition(wireCounts[input] < Self.maxWires, "too many devices share interrupt input \(input)")
    let wire: UInt64 = 1 << UInt64(wireCounts[input])
    wireCounts[input] += 1
    return InterruptLine(input: input) { level in
      // Devices tell their line's level at every access; most of the time it is what it was.
      guard (self.state.wires[input] & wire != 0) != level else { return }
      self.update { $0.setWire(input, wire, level) }
      self.onInput(input, self.state.wires[input] != 0)
    }
  }

  /// All but the wires' levels, which are the devices' to change.
  func reset() {
    var fresh = State()
    fresh.wires = state.wires
    for input in 0..<16 where UInt8(input) != Self.cascadeInput { fresh.driveInput(input) }
    state = fresh
  }

  func accepts(_ state: State) -> Bool { state.master.isMaster && !state.slave.isMaster }

  // MARK: Registers

  private func read(_ chip: WritableKeyPath<State, PIC8259Chip>, _ offset: UInt64) -> UInt8 {
    var value: UInt8 = 0
    update { state in
      if chip == \.slave, state.slave.polled { state.master.setLine(Self.cascadeInput, false) }
      value = state[keyPath: chip].read(odd: offset != 0)
    }
    return value
  }

  private func write(_ chip: WritableKeyPath<State, PIC8259Chip>, _ offset: UInt64, _ value: UInt8) {
    update { $0[keyPath: chip].write(odd: offset != 0, value) }
  }

  /// Changes the state and carries the slave's output to the master's input.
  private func update(_ change: (inout State) -> Void) {
    var next = state
    change(&next)
    next.master.setLine(Self.cascadeInput, next.slave.request != nil)
    state = next
  }
}

extension PIC8259: InterruptController {}
