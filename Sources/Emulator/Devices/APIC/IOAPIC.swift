/// The I/O APIC: 24 inputs, each with an entry that says who gets what. Intel 82093AA data sheet, order number 290566.
///
/// It has the same wires as the 8259s. As in PCs, interrupt 0 is at input 2, and the others are at the inputs of their numbers.
public final class IOAPIC: BusDevice, Device {
  public let name = "I/O APIC"

  public var dataWidth: AccessWidth { .doubleword }

  static let base: UInt64 = 0xfec0_0000
  static let inputs = 24

  /// All that it remembers.
  public struct State: Sendable, Equatable, Codable {
    var selected: UInt8 = 0
    var identifier: UInt8 = 0
    /// The redirection table.
    var entries = [UInt64](repeating: Entry.masked, count: IOAPIC.inputs)
    /// The inputs' levels.
    var levels: UInt32 = 0
  }

  /// Bits of an entry. Data sheet, 3.2.4.
  enum Entry {
    static let logical: UInt64 = 1 << 11
    static let activeLow: UInt64 = 1 << 13
    static let remoteRequest: UInt64 = 1 << 14
    static let level: UInt64 = 1 << 15
    static let masked: UInt64 = 1 << 16
    static let writable: UInt64 = 0xff00_0000_0001_afff
  }

  public internal(set) var state = State()

  private let apicBus: APICBus

  init(on apicBus: APICBus) {
    self.apicBus = apicBus
    apicBus.onEndOfInterrupt = { [unowned self] in endOfInterrupt($0) }
  }

  public func attach(to bus: Bus) throws(BusError) {
    try bus.addMMIO(self, at: Self.base..<Self.base + 0x1000)
  }

  /// All but the inputs' levels, which are the devices' to change.
  func reset() {
    var fresh = State()
    fresh.levels = state.levels
    state = fresh
  }

  func accepts(_ state: State) -> Bool { state.entries.count == Self.inputs }

  // MARK: Inputs

  /// A wire of the 8259s, 0 to 15, has changed.
  func setInterrupt(_ irq: Int, _ level: Bool) { setInput(irq == 0 ? 2 : irq, level) }

  func setInput(_ input: Int, _ level: Bool) {
    let bit: UInt32 = 1 << UInt32(input)
    let was = isActive(input)
    if level { state.levels |= bit } else { state.levels &= ~bit }
    let entry = state.entries[input]
    guard isActive(input), !was || entry & Entry.level != 0 else { return }
    deliver(input)
  }

  private func isActive(_ input: Int) -> Bool {
    let isHigh = state.levels >> UInt32(input) & 1 != 0
    return isHigh != (state.entries[input] & Entry.activeLow != 0)
  }

  private func deliver(_ input: Int) {
    let entry = state.entries[input]
    guard entry & Entry.masked == 0, let mode = APICBus.DeliveryMode(rawValue: UInt32(entry >> 8 & 7)) else {
      return
    }
    let isLevel = entry & Entry.level != 0 && (mode == .fixed || mode == .lowestPriority)
    if isLevel {
      guard entry & Entry.remoteRequest == 0 else { return }
      state.entries[input] |= Entry.remoteRequest
    }
    apicBus.send(
      mode, UInt8(truncatingIfNeeded: entry), to: UInt8(truncatingIfNeeded: entry >> 56),
      isLogical: entry & Entry.logical != 0, isLevel: isLevel)
  }

  /// An interrupt of this vector is done: inputs that still are at their level ask again.
  private func endOfInterrupt(_ vector: UInt8) {
    for input in 0..<Self.inputs {
      let entry = state.entries[input]
      guard entry & Entry.remoteRequest != 0, UInt8(truncatingIfNeeded: entry) == vector else { continue }
      state.entries[input] &= ~Entry.remoteRequest
      if isActive(input) { deliver(input) }
    }
  }

  // MARK: Registers

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    let value: UInt32
    switch offset & ~3 {
    case 0x00: value = UInt32(state.selected)
    case 0x10: value = readSelected()
    default: value = 0
    }
    return UInt64(value) >> (8 * (offset & 3)) & width.allOnes
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    switch offset {
    case 0x00: state.selected = UInt8(truncatingIfNeeded: value)
    case 0x10 where width == .doubleword: writeSelected(UInt32(truncatingIfNeeded: value))
    default: break
    }
  }

  private func readSelected() -> UInt32 {
    switch state.selected {
    case 0, 2: return UInt32(state.identifier) << 24
    case 1: return UInt32(Self.inputs - 1) << 16 | 0x11
    case 0x10..<0x10 + UInt8(2 * Self.inputs):
      let entry = state.entries[Int(state.selected - 0x10) >> 1]
      return UInt32(truncatingIfNeeded: state.selected & 1 == 0 ? entry : entry >> 32)
    default: return 0
    }
  }

  private func writeSelected(_ value: UInt32) {
    switch state.selected {
    case 0: state.identifier = UInt8(value >> 24 & 15)
    case 0x10..<0x10 + UInt8(2 * Self.inputs):
      let input = Int(state.selected - 0x10) >> 1
      let shift: UInt64 = state.selected & 1 == 0 ? 0 : 32
      let mask = Entry.writable & (0xffff_ffff << shift)
      var entry = state.entries[input] & ~mask | UInt64(value) << shift & mask
      // An edge has no remote request.
      if entry & Entry.level == 0 { entry &= ~Entry.remoteRequest }
      state.entries[input] = entry
      if entry & Entry.level != 0 && isActive(input) { deliver(input) }
    default: break
    }
  }
}
