/// A hard disk on the PC's primary IDE channel, device 0, moved word by word by the processor (PIO). There is no device 1 and no DMA.
///
/// ATA/ATAPI-6 (T13/1410D). Ports, with IRQ 14:
///
///     1F0h       data, 16 bits (32-bit accesses move two words)
///     1F1h-1F7h  error and features, count, three address registers, device, status and command
///     3F6h       alternate status and device control
///
/// What the guest writes is the machine's, not the file's: a snapshot has it, and going back takes it back.
final class ATADisk: BusDevice, Device {
  let name = "ATA disk"
  let dataWidth = AccessWidth.doubleword

  /// Bits of the status register (7.15).
  enum Status {
    static let error: UInt8 = 0x01
    static let dataRequest: UInt8 = 0x08
    static let seekComplete: UInt8 = 0x10
    static let ready: UInt8 = 0x40
    static let busy: UInt8 = 0x80
  }

  /// Bits of the error register (7.9).
  enum Failure {
    static let aborted: UInt8 = 0x04
    static let notFound: UInt8 = 0x10
    static let uncorrectable: UInt8 = 0x40
  }

  /// What the data register is for.
  enum Transfer: Sendable, Equatable, Codable {
    case none
    /// The guest reads sectors from this one on; so many are left, the present block included.
    case reading(next: UInt64, left: Int)
    /// The guest writes sectors from this one on.
    case writing(next: UInt64, left: Int)
    /// The guest reads what IDENTIFY DEVICE answers.
    case identifying
  }

  /// What a snapshot keeps of the disk.
  struct State: Sendable, Equatable, Codable {
    var registers = ATATaskFile()
    var status = Status.ready | Status.seekComplete
    /// After power-on: the diagnostic's code for no failure.
    var error: UInt8 = 0x01
    /// Device control: bit 1 keeps the interrupt away, bit 2 resets.
    var control: UInt8 = 0
    var isInterruptPending = false
    var geometry = ATAGeometry()
    /// Sectors of a block of READ and WRITE MULTIPLE; 0 while these are off.
    var multiple = 0
    /// The command that is being worked on.
    var command: UInt8 = 0
    var transfer = Transfer.none
    /// The present block, and how much of it has been moved.
    var buffer: [UInt8] = []
    var position = 0
    var written = WrittenSectors()
  }

  var state = State()
  let source: DiskSource
  let interrupt: InterruptLine
  private let clock: Clock
  private var done: ClockEvent!

  init(_ source: DiskSource, clock: Clock, interrupt: InterruptLine) {
    self.source = source
    self.clock = clock
    self.interrupt = interrupt
    done = clock.makeEvent(name: "ATA disk") { [unowned self] _ in commandDone() }
  }

  func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0x1F0..<0x1F8)
    try bus.addPorts(
      PortBlock(name: "ATA device control") { _ in
        self.visibleStatus
      } write: { _, value in
        self.writeControl(value)
      },
      at: 0x3F6..<0x3F7)
  }

  /// The platters keep what is on them.
  func reset() {
    clock.cancel(done)
    let written = state.written
    state = State()
    state.written = written
    updateInterrupt()
  }

  func accepts(_ state: State) -> Bool {
    let size = DiskSource.sectorSize
    let transferIsPossible =
      switch state.transfer {
      case .none, .identifying: true
      case .reading(let next, let left), .writing(let next, let left):
        left >= 0 && left <= 65_536 && next <= source.sectorCount && UInt64(left) <= source.sectorCount - next
          && state.buffer.count <= left * size
      }
    return transferIsPossible && state.buffer.count <= ATAIdentity.maxMultiple * size
      && state.buffer.count % size == 0 && (0...state.buffer.count).contains(state.position)
      && state.position % 2 == 0 && (0...ATAIdentity.maxMultiple).contains(state.multiple)
      && state.geometry.heads <= 16 && state.geometry.sectors <= 255
      && (state.written.last ?? 0) < source.sectorCount
  }

  // MARK: Registers

  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    if offset == 0, width > .byte {
      var value: UInt64 = 0
      for word in 0..<UInt64(width.bytes / 2) { value |= UInt64(readData()) << (16 * word) }
      return value
    }
    return (0..<UInt64(width.bytes)).reduce(0) { $0 | UInt64(readRegister(offset + $1)) << (8 * $1) }
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    if offset == 0, width > .byte {
      for word in 0..<UInt64(width.bytes / 2) { writeData(UInt16(truncatingIfNeeded: value >> (16 * word))) }
      return
    }
    for byte in 0..<UInt64(width.bytes) {
      writeRegister(offset + byte, UInt8(truncatingIfNeeded: value >> (8 * byte)))
    }
  }

  /// Device 1, which is not there, shows a status of 0.
  private var visibleStatus: UInt8 { state.registers.selectsSecond ? 0 : state.status }

  private func readRegister(_ offset: UInt64) -> UInt8 {
    // Bit 7 of device control shows what was written before the last write.
    let showsPrevious = state.control & 0x80 != 0
    let registers = state.registers
    switch offset {
    case 0: return UInt8(truncatingIfNeeded: readData())
    case 1: return state.error
    case 2: return showsPrevious ? registers.previousCount : registers.count
    case 3: return showsPrevious ? registers.previousLow : registers.low
    case 4: return showsPrevious ? registers.previousMiddle : registers.middle
    case 5: return showsPrevious ? registers.previousHigh : registers.high
    case 6: return registers.device | 0xA0
    default:
      state.isInterruptPending = false
      updateInterrupt()
      return visibleStatus
    }
  }

  private func writeRegister(_ offset: UInt64, _ value: UInt8) {
    guard offset != 0 else { return writeData(UInt16(value)) }
    // A device that is busy or moves data takes no registers (7.1).
    guard state.status & (Status.busy | Status.dataRequest) == 0 || offset == 7 else { return }
    if offset != 7 { state.control &= 0x7F }
    switch offset {
    case 1: state.registers.features = value
    case 2: state.registers.writeCount(value)
    case 3: state.registers.writeLow(value)
    case 4: state.registers.writeMiddle(value)
    case 5: state.registers.writeHigh(value)
    case 6: state.registers.device = value
    default:
      state.isInterruptPending = false
      updateInterrupt()
      begin(value)
    }
  }

  private func writeControl(_ value: UInt8) {
    let wasReset = state.control & 0x04 != 0
    state.control = value
    if value & 0x04 != 0 {
      clock.cancel(done)
      state.transfer = .none
      state.isInterruptPending = false
      state.status = Status.busy
    } else if wasReset {
      state.registers = ATATaskFile()
      state.error = 0x01
      state.multiple = 0
      state.status = Status.ready | Status.seekComplete
    }
    updateInterrupt()
  }

  // MARK: Time

  /// A command takes 50 microseconds: as from a disk's own cache.
  func work() {
    state.status = Status.busy
    clock.schedule(done, at: clock.now &+ max(1, clock.frequency / 20_000))
  }

  private func commandDone() {
    state.status = Status.ready | Status.seekComplete
    finish()
  }

  /// The device has something to say: it is ready for a block, or through.
  func ask() {
    state.isInterruptPending = true
    updateInterrupt()
  }

  func updateInterrupt() {
    interrupt.set(state.isInterruptPending && state.control & 0x02 == 0)
  }
}
