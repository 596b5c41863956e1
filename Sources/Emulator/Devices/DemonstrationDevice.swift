/// A made-up memory-mapped device for learning to drive one: what `ioremap` is for.
///
/// It has what real devices have and memory hasn't: reads with side effects, a FIFO, a register that only a 64-bit
/// access moves whole, an interrupt with write-1-to-clear status, and wait states. One page of registers, repeated
/// nowhere; little-endian; offsets in bytes:
///
///     offset  bits  name        access  what it does
///     00h     32    ID          R       4B57_4750h, "PGWK" in memory
///     04h     32    VERSION     R       1
///     08h     32    SCRATCH     RW      keeps what is written
///     0Ch     32    COUNTER     RW      a read gives the value and adds 1; a write sets it
///     10h     32    FIFO        RW      a write pushes, a read pops; empty it reads 0, full it drops and notes OVERRUN
///     14h     32    FIFO_STATE  R       bits 0-7 fill level (0-16), bit 8 empty, bit 9 full
///     18h     32    INT_ENABLE  RW      which bits of INT_STATUS drive the interrupt line
///     1Ch     32    INT_STATUS  RW1C    bit 0 TIMER, bit 1 OVERRUN, bit 2 UNDERRUN; writing 1 clears a bit
///     20h     32    TIMER       RW      writing N sets TIMER in N cycles, 0 cancels; reads the cycles left
///     24h     32    WAIT        RW      wait states of every further access, at most 1000
///     28h     64    WIDE        RW      a 64-bit register; its halves can be accessed alone
///     30h     64    LAST        R       the access before this one: bits 0-11 offset, 16-19 bytes, 31 it was a write
///     38h     64    CYCLE       R       the machine's cycle count
///
/// Narrower accesses reach the bytes that they name. A side effect happens when an access touches its register's
/// lowest byte; a narrow write to FIFO, TIMER or COUNTER has zeros for the bytes it doesn't name. What isn't listed
/// reads 0 and ignores writes.
public final class DemonstrationDevice: BusDevice, Device {
  /// How much of the address space an instance takes.
  public static let byteCount: UInt64 = 0x1000
  /// What ID reads.
  public static let identification: UInt32 = 0x4B57_4750
  /// Where the instance below 4 GiB is: in the device hole.
  public static let addressBelow4GiB: UInt64 = 0xFED1_0000
  /// Where the instance above 4 GiB is while RAM leaves that free: at 60 GiB.
  public static let addressAbove4GiB: UInt64 = 0xF_0000_0000

  static let fifoCapacity = 16
  static let maxWaitStates: UInt32 = 1_000

  public let name: String
  public let dataWidth = AccessWidth.quadword

  /// All that the device remembers.
  public struct State: Sendable, Equatable, Codable {
    var scratch: UInt32 = 0
    var counter: UInt32 = 0
    var fifo: [UInt32] = []
    var interruptEnable: UInt32 = 0
    var interruptStatus: UInt32 = 0
    /// The cycle at which the timer runs out.
    var timerDue: UInt64?
    var waitStates: UInt32 = 0
    var wide: UInt64 = 0
    var last: UInt64 = 0
  }

  public internal(set) var state = State()

  private let address: UInt64
  private let clock: Clock
  let interrupt: InterruptLine
  private var timer: ClockEvent!

  /// A device with its registers at the physical address `address`, which asks for interrupts through `interrupt`.
  public init(
    name: String = "demonstration device", at address: UInt64 = DemonstrationDevice.addressBelow4GiB,
    clock: Clock, interrupt: InterruptLine = .unconnected
  ) {
    self.name = name
    self.address = address
    self.clock = clock
    self.interrupt = interrupt
    timer = clock.makeEvent(name: name) { [unowned self] _ in
      state.timerDue = nil
      state.interruptStatus |= Status.timer
      updateInterrupt()
    }
  }

  /// Puts the device's registers at its address.
  public func attach(to bus: Bus) throws(BusError) {
    let (end, overflow) = address.addingReportingOverflow(Self.byteCount)
    try bus.addMMIO(self, at: address..<(overflow ? .max : end))
  }

  func reset() {
    state = State()
    clock.cancel(timer)
    updateInterrupt()
  }

  func accepts(_ state: State) -> Bool {
    state.fifo.count <= Self.fifoCapacity && state.waitStates <= Self.maxWaitStates
  }

  /// Where an instance above 4 GiB goes beside the RAM of `map`: at 60 GiB, or at the next GiB above all RAM. `nil` when
  /// RAM fills the address space, as 64 GiB do with 36 bits.
  public static func address(above map: MemoryMap, physicalAddressBits: Int) -> UInt64? {
    let gibibyte: UInt64 = 1 << 30
    let address = max(addressAbove4GiB, (map.top + gibibyte - 1) / gibibyte * gibibyte)
    let limit: UInt64 = 1 << UInt64(min(max(physicalAddressBits, 32), 52))
    if address + byteCount <= limit { return address }
    // A machine of 35 bits or fewer has no 60th GiB, but may have room above its RAM.
    let next = max(MemoryMap.deviceHole.upperBound, (map.top + gibibyte - 1) / gibibyte * gibibyte)
    return next + byteCount <= limit ? next : nil
  }

  public var waitStates: UInt32 { state.waitStates }

  private enum Status {
    static let timer: UInt32 = 1
    static let overrun: UInt32 = 2
    static let underrun: UInt32 = 4
    static let all: UInt32 = 7
  }

  // MARK: Accesses

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    // The bus gives naturally aligned pieces, so an access lies within one aligned quadword.
    let shift = (offset & 7) * 8
    let wanted = width.allOnes << shift
    var value: UInt64 = 0
    if wanted & 0xFFFF_FFFF != 0 {
      value = UInt64(readRegister(offset & ~7, effects: wanted & 0xFF != 0))
    }
    if wanted >> 32 != 0 {
      value |= UInt64(readRegister(offset & ~7 | 4, effects: wanted >> 32 & 0xFF != 0)) << 32
    }
    note(offset: offset, width: width, isWrite: false)
    return value >> shift & width.allOnes
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    let shift = (offset & 7) * 8
    let mask = width.allOnes << shift
    let placed = value << shift & mask
    let base = offset & ~7
    let low = UInt32(truncatingIfNeeded: mask)
    let high = UInt32(truncatingIfNeeded: mask >> 32)
    if low != 0 { writeRegister(base, UInt32(truncatingIfNeeded: placed), mask: low) }
    if high != 0 { writeRegister(base | 4, UInt32(truncatingIfNeeded: placed >> 32), mask: high) }
    updateInterrupt()
    note(offset: offset, width: width, isWrite: true)
  }

  private func note(offset: UInt64, width: AccessWidth, isWrite: Bool) {
    state.last = offset & 0xFFF | UInt64(width.rawValue) << 16 | (isWrite ? 1 << 31 : 0)
  }

  /// Reads the 32 bits at a multiple of 4; `effects` if the access names the lowest byte.
  private func readRegister(_ offset: UInt64, effects: Bool) -> UInt32 {
    switch offset {
    case 0x00: return Self.identification
    case 0x04: return 1
    case 0x08: return state.scratch
    case 0x0C:
      defer { if effects { state.counter &+= 1 } }
      return state.counter
    case 0x10: return readFIFO(pops: effects)
    case 0x14:
      let level = UInt32(state.fifo.count)
      return level | (level == 0 ? 0x100 : 0) | (level == UInt32(Self.fifoCapacity) ? 0x200 : 0)
    case 0x18: return state.interruptEnable
    case 0x1C: return state.interruptStatus
    case 0x20:
      guard let due = state.timerDue, due > clock.now else { return 0 }
      return UInt32(clamping: due - clock.now)
    case 0x24: return state.waitStates
    case 0x28: return UInt32(truncatingIfNeeded: state.wide)
    case 0x2C: return UInt32(truncatingIfNeeded: state.wide >> 32)
    case 0x30: return UInt32(truncatingIfNeeded: state.last)
    case 0x38: return UInt32(truncatingIfNeeded: clock.now)
    case 0x3C: return UInt32(truncatingIfNeeded: clock.now >> 32)
    default: return 0
    }
  }

  private func readFIFO(pops: Bool) -> UInt32 {
    guard let first = state.fifo.first else {
      if pops {
        state.interruptStatus |= Status.underrun
        updateInterrupt()
      }
      return 0
    }
    if pops { state.fifo.removeFirst() }
    return first
  }

  /// Writes those of the 32 bits at a multiple of 4 that `mask` names.
  private func writeRegister(_ offset: UInt64, _ value: UInt32, mask: UInt32) {
    func merged(_ old: UInt32) -> UInt32 { old & ~mask | value }
    let namesLowest = mask & 0xFF != 0
    switch offset {
    case 0x08: state.scratch = merged(state.scratch)
    case 0x0C: if namesLowest { state.counter = value }
    case 0x10: if namesLowest { push(value) }
    case 0x18: state.interruptEnable = merged(state.interruptEnable) & Status.all
    case 0x1C: state.interruptStatus &= ~value
    case 0x20: if namesLowest { startTimer(value) }
    case 0x24: state.waitStates = min(merged(state.waitStates), Self.maxWaitStates)
    case 0x28:
      let low = merged(UInt32(truncatingIfNeeded: state.wide))
      state.wide = state.wide & ~0xFFFF_FFFF | UInt64(low)
    case 0x2C:
      let high = merged(UInt32(truncatingIfNeeded: state.wide >> 32))
      state.wide = UInt64(high) << 32 | state.wide & 0xFFFF_FFFF
    default: break
    }
  }

  private func push(_ value: UInt32) {
    guard state.fifo.count < Self.fifoCapacity else {
      state.interruptStatus |= Status.overrun
      return
    }
    state.fifo.append(value)
  }

  private func startTimer(_ cycles: UInt32) {
    guard cycles != 0 else {
      state.timerDue = nil
      clock.cancel(timer)
      return
    }
    let due = clock.now &+ UInt64(cycles)
    state.timerDue = due
    clock.schedule(timer, at: due)
  }

  private func updateInterrupt() {
    interrupt.set(state.interruptStatus & state.interruptEnable != 0)
  }
}
