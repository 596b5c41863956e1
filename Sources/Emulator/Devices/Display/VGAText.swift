/// The text mode of a VGA: mode 3, as a PC's BIOS leaves it, 80 columns of 25 rows in 16 colours. There are no graphics modes and no
/// fonts to load.
///
/// IBM VGA technical reference (PS/2 Hardware Interface Technical Reference, "Video Subsystem", 1992). What answers:
///
///     B8000h-BFFFFh   text memory: a word a cell, the character's code in the low byte, its attribute in the high one
///     3C0h, 3C1h      attribute controller: index and data by turns, and data to read
///     3D4h, 3D5h      CRT controller: index and data
///     3DAh            input status 1; a read makes the attribute controller's next write an index
///
/// The memory is a device's and not RAM: a PC's processor does not cache it either. An access costs what any uncached one does.
public final class VGAText: BusDevice, Device {
  public let name = "VGA text memory"
  public let dataWidth = AccessWidth.quadword

  /// Physical addresses of the text memory.
  public static let memoryRange: Range<UInt64> = 0xB_8000..<0xC_0000
  static let byteCount = 0x8000

  /// What a snapshot keeps of the screen.
  public struct State: Sendable, Equatable, Codable {
    /// The text memory.
    var memory: [UInt8]
    /// How many stores the memory and the registers that move the picture have seen.
    var writes: UInt64 = 0
    /// The CRT controller's registers 0 to 18h, and the one that is selected.
    var registers: [UInt8] = VGAText.mode3
    var index: UInt8 = 0
    /// The attribute controller's registers 0 to 14h, the one that is selected, and whether port 3C0h takes data next.
    var attributes: [UInt8] = VGAText.mode3Attributes
    var attributeIndex: UInt8 = 0x20
    var takesAttributeData = false

    init() {
      // Blanks, light grey on black.
      memory = (0..<VGAText.byteCount).map { $0 & 1 == 0 ? 0x20 : 0x07 }
    }
  }

  /// CRT controller, mode 3: 80 by 25 characters of 9 by 16 pixels.
  static let mode3: [UInt8] = [
    0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00, 0x00,
    0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF,
  ]
  /// Attribute controller, mode 3: the 16 colours of the CGA, and blinking on (register 10h, bit 3).
  static let mode3Attributes: [UInt8] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F,
    0x0C, 0x00, 0x0F, 0x08, 0x00,
  ]

  public internal(set) var state = State()

  private let clock: Clock
  /// The dot clock of 720 pixels a line: 28.322 MHz.
  private let dots: Timebase

  /// An empty screen of 80 by 25 characters.
  public init(clock: Clock) {
    self.clock = clock
    dots = clock.timebase(hertz: 28_322_000)
  }

  /// Puts memory and ports where they belong.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addMMIO(self, at: Self.memoryRange)
    try bus.addPorts(
      PortBlock(name: "VGA attribute controller") {
        $0 == 0 ? self.state.attributeIndex : self.readAttribute()
      } write: {
        self.writeAttribute(offset: $0, $1)
      },
      at: 0x3C0..<0x3C2)
    try bus.addPorts(
      PortBlock(name: "VGA CRT controller") {
        $0 == 0 ? self.state.index : self.register(self.state.index)
      } write: {
        self.writeController(offset: $0, $1)
      },
      at: 0x3D4..<0x3D6)
    try bus.addPorts(
      PortBlock(name: "VGA input status") { _ in
        self.state.takesAttributeData = false
        return self.inputStatus
      } write: { _, _ in
        // The feature control register, which does nothing.
      },
      at: 0x3DA..<0x3DB)
  }

  func reset() { state = State() }

  func accepts(_ state: State) -> Bool {
    state.memory.count == Self.byteCount && state.registers.count == Self.mode3.count
      && state.attributes.count == Self.mode3Attributes.count
  }

  // MARK: Text memory

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    let start = Int(offset)
    var value: UInt64 = 0
    for byte in (0..<width.bytes).reversed() { value = value << 8 | UInt64(state.memory[start + byte]) }
    return value
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    let start = Int(offset)
    for byte in 0..<width.bytes {
      state.memory[start + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
    }
    state.writes &+= 1
  }

  // MARK: Registers

  private func register(_ index: UInt8) -> UInt8 {
    Int(index) < state.registers.count ? state.registers[Int(index)] : 0
  }

  private func writeController(offset: UInt64, _ value: UInt8) {
    guard offset == 1 else {
      state.index = value & 0x3F
      return
    }
    let index = Int(state.index)
    guard index < state.registers.count else { return }
    state.writes &+= 1
    // Bit 7 of register 11h protects registers 0 to 7, but for bit 4 of register 7.
    if index < 8 && state.registers[0x11] & 0x80 != 0 {
      if index == 7 { state.registers[7] = state.registers[7] & ~0x10 | value & 0x10 }
      return
    }
    state.registers[index] = value
  }

  private func readAttribute() -> UInt8 {
    let index = Int(state.attributeIndex & 0x1F)
    return index < state.attributes.count ? state.attributes[index] : 0
  }

  /// Port 3C1h is for reading.
  private func writeAttribute(offset: UInt64, _ value: UInt8) {
    guard offset == 0 else { return }
    defer { state.takesAttributeData.toggle() }
    guard state.takesAttributeData else {
      state.attributeIndex = value & 0x3F
      return
    }
    let index = Int(state.attributeIndex & 0x1F)
    if index < state.attributes.count { state.attributes[index] = value }
    state.writes &+= 1
  }

  /// Input status register 1: bit 0 outside the picture, bit 3 in the vertical retrace. A frame is 449 lines of 900 dots of
  /// which 400 by 720 are shown.
  private var inputStatus: UInt8 {
    let dot = dots.ticks(at: clock.now) % (449 * 900)
    let (line, column) = (dot / 900, dot % 900)
    return (line >= 400 || column >= 720 ? 0x01 : 0) | (412..<414 ~= line ? 0x08 : 0)
  }

  // MARK: The picture

  /// What the screen shows now.
  public var screen: TextScreen {
    let registers = state.registers
    let columns = Int(registers[0x01]) + 1
    let lines = Int(registers[0x12]) + Int(registers[0x07] & 0x02) << 7 + Int(registers[0x07] & 0x40) << 3 + 1
    let glyphLines = Int(registers[0x09] & 0x1F) + 1
    let rows = max(1, min(TextScreen.maxRows, lines / glyphLines))
    // Addresses count cells; the memory of 16 Ki cells comes again behind its end.
    let start = Int(registers[0x0C]) << 8 | Int(registers[0x0D])
    let pitch = Int(registers[0x13]) * 2
    let cellMask = Self.byteCount / 2 - 1
    var cells: [TextScreen.Cell] = []
    cells.reserveCapacity(rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let cell = 2 * ((start + row * pitch + column) & cellMask)
        cells.append(TextScreen.Cell(character: state.memory[cell], attribute: state.memory[cell + 1]))
      }
    }
    return TextScreen(
      columns: columns, rows: rows, cells: cells, cursor: cursor(start: start, pitch: pitch, columns, rows),
      blinks: state.attributes[0x10] & 0x08 != 0)
  }

  /// The cursor's place; nil while it is off, has no lines, or is off the screen.
  private func cursor(start: Int, pitch: Int, _ columns: Int, _ rows: Int) -> TextScreen.Position? {
    let registers = state.registers
    guard registers[0x0A] & 0x20 == 0, registers[0x0A] & 0x1F <= registers[0x0B] & 0x1F, pitch > 0 else {
      return nil
    }
    let cell = (Int(registers[0x0E]) << 8 | Int(registers[0x0F])) - start
    guard cell >= 0, cell / pitch < rows, cell % pitch < columns else { return nil }
    return TextScreen.Position(row: cell / pitch, column: cell % pitch)
  }
}
