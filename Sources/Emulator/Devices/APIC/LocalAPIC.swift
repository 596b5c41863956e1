/// A processor's local APIC, as the P6 family has it. SDM vol. 3A, chapter 10.
///
/// Its registers lie at FEE00000h, or where IA32_APIC_BASE says. The machine's 8259s are wired to LINT0. A PC's firmware leaves
/// it in virtual wire mode, with LINT0 as ExtINT and LINT1 as NMI, and so does the reset of this machine, which has no firmware
/// of its own: their interrupts go through until software says otherwise. MultiProcessor Specification 1.4, 3.6.2.2.
///
/// The timer counts the machine's cycles, divided as its register says (chosen: the P6 counts its bus clock).
public final class LocalAPIC: BusDevice, Device {
  public let name = "local APIC"

  public var dataWidth: AccessWidth { .doubleword }

  static let defaultBase: UInt64 = 0xfee0_0000
  static let byteCount: UInt64 = 0x1000

  /// All that it remembers.
  public struct State: Sendable, Equatable, Codable {
    /// Bits 31 to 24 of the ID register.
    var identifier: UInt8 = 0
    /// IA32_APIC_BASE.
    var base = LocalAPIC.defaultBase | BaseBit.enabled | BaseBit.bootstrap
    var taskPriority: UInt8 = 0
    var logicalDestination: UInt8 = 0
    /// Bits 31 to 28 of the DFR: 15 is the flat model, 0 the cluster model.
    var destinationModel: UInt8 = 15
    var spurious: UInt32 = 0x1ff
    var inService = VectorSet()
    var triggerMode = VectorSet()
    var requests = VectorSet()
    /// What ESR will show after the next write to it, and what it shows.
    var errors: UInt32 = 0
    var shownErrors: UInt32 = 0
    var commandLow: UInt32 = 0
    var commandHigh: UInt32 = 0
    /// Timer, performance counters, LINT0, LINT1, error.
    var localVectors: [UInt32] = [
      LocalVector.masked, LocalVector.masked, 0x700, 0x400, LocalVector.masked,
    ]
    var initialCount: UInt32 = 0
    var divideConfiguration: UInt32 = 0
    /// The cycle at which the timer's present period began.
    var timerStart: UInt64 = 0
  }

  /// Bits of IA32_APIC_BASE. SDM vol. 3A, figure 10-5.
  enum BaseBit {
    static let bootstrap: UInt64 = 1 << 8
    static let enabled: UInt64 = 1 << 11
  }

  /// Bits of the local vector table, and its entries. SDM vol. 3A, figure 10-8.
  enum LocalVector {
    static let masked: UInt32 = 1 << 16
    static let periodic: UInt32 = 1 << 17
    static let timer = 0
    static let performance = 1
    static let lint0 = 2
    static let lint1 = 3
    static let error = 4
    /// What can be written of each.
    static let writable: [UInt32] = [0x3_00ff, 0x1_07ff, 0x1_a7ff, 0x1_a7ff, 0x1_00ff]
  }

  /// Bits of ESR. SDM vol. 3A, figure 10-9.
  enum ErrorBit {
    static let sendAcceptError: UInt32 = 1 << 2
    static let sendIllegalVector: UInt32 = 1 << 5
    static let receiveIllegalVector: UInt32 = 1 << 6
    static let illegalRegister: UInt32 = 1 << 7
  }

  public internal(set) var state = State()

  private let bus: APICBus
  private let clock: Clock
  /// The interrupt controllers at LINT0.
  private let external: any InterruptController
  private var timer: ClockEvent!
  private weak var physicalBus: Bus?
  private var range: BusRange?
  /// Called when there is something for the processor to look at.
  var onRequest: () -> Void = {}
  /// An NMI has come.
  var onNMI: () -> Void = {}
  /// An INIT has come.
  var onInit: () -> Void = {}

  /// The local APIC of the processor `number`.
  init(number: UInt8, on bus: APICBus, clock: Clock, external: any InterruptController) {
    self.bus = bus
    self.clock = clock
    self.external = external
    state.identifier = number
    timer = clock.makeEvent(name: name) { [unowned self] in timerExpired($0) }
    bus.add(self)
  }

  public func attach(to bus: Bus) throws(BusError) {
    physicalBus = bus
    range = try bus.addMMIO(self, at: Self.defaultBase..<Self.defaultBase + Self.byteCount)
  }

  func reset() {
    var fresh = State()
    fresh.identifier = state.identifier
    state = fresh
    clock.cancel(timer)
    place()
  }

  func accepts(_ state: State) -> Bool {
    state.localVectors.count == LocalVector.writable.count && state.destinationModel <= 15
  }

  // MARK: IA32_APIC_BASE

  /// Whether the processor has an APIC at all, as CPUID tells it.
  var isEnabled: Bool { state.base & BaseBit.enabled != 0 }

  /// A write of IA32_APIC_BASE. A base at which something else answers leaves the registers out of reach.
  func setBase(_ value: UInt64) {
    state.base = value & ~BaseBit.bootstrap | state.base & BaseBit.bootstrap
    place()
  }

  private func place() {
    guard let range, let bus = physicalBus else { return }
    guard isEnabled, (try? bus.move(range, to: state.base & ~0xfff)) != nil else { return bus.remove(range) }
  }

  // MARK: Accesses

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    guard offset & 15 < 4 else { return 0 }
    return UInt64(readRegister(UInt32(truncatingIfNeeded: offset & 0xff0))) >> (8 * (offset & 3))
      & width.allOnes
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    guard offset & 15 == 0, width == .doubleword else { return }
    writeRegister(UInt32(truncatingIfNeeded: offset), UInt32(truncatingIfNeeded: value))
  }

  private func readRegister(_ offset: UInt32) -> UInt32 {
    switch offset {
    case 0x20: return UInt32(state.identifier) << 24
    case 0x30: return 0x0004_0011
    case 0x80: return UInt32(state.taskPriority)
    case 0x90: return UInt32(arbitrationPriority)
    case 0xa0: return UInt32(processorPriority)
    case 0xd0: return UInt32(state.logicalDestination) << 24
    case 0xe0: return UInt32(state.destinationModel) << 28 | 0x0fff_ffff
    case 0xf0: return state.spurious
    case 0x100...0x170: return state.inService[word: Int(offset - 0x100) >> 4]
    case 0x180...0x1f0: return state.triggerMode[word: Int(offset - 0x180) >> 4]
    case 0x200...0x270: return state.requests[word: Int(offset - 0x200) >> 4]
    case 0x280: return state.shownErrors
    case 0x300: return state.commandLow
    case 0x310: return state.commandHigh
    case 0x320...0x370 where Self.localVector(at: offset) != nil:
      return state.localVectors[Self.localVector(at: offset) ?? 0]
    case 0x380: return state.initialCount
    case 0x390: return currentCount
    case 0x3e0: return state.divideConfiguration
    default:
      note(error: ErrorBit.illegalRegister)
      return 0
    }
  }

  private func writeRegister(_ offset: UInt32, _ value: UInt32) {
    switch offset {
    case 0x20: state.identifier = UInt8(value >> 24)
    case 0x80:
      state.taskPriority = UInt8(truncatingIfNeeded: value)
      tellIfRequested()
    case 0xb0: endOfInterrupt()
    case 0xd0: state.logicalDestination = UInt8(value >> 24)
    case 0xe0: state.destinationModel = UInt8(value >> 28)
    case 0xf0:
      // The low four bits of the vector are ones on a P6.
      state.spurious = value & 0x3f0 | 0x0f
      if value & 0x100 == 0 {
        for index in state.localVectors.indices { state.localVectors[index] |= LocalVector.masked }
      }
      tellIfRequested()
    case 0x280:
      state.shownErrors = state.errors
      state.errors = 0
    case 0x300:
      state.commandLow = value & 0x000c_cfff
      bus.send(command: state.commandLow, to: UInt8(state.commandHigh >> 24), from: self)
    case 0x310: state.commandHigh = value & 0xff00_0000
    case 0x320...0x370 where Self.localVector(at: offset) != nil:
      let index = Self.localVector(at: offset) ?? 0
      let isOff = state.spurious & 0x100 == 0
      state.localVectors[index] =
        value & LocalVector.writable[index] | (isOff ? LocalVector.masked : 0)
      tellIfRequested()
    case 0x380: startTimer(value)
    case 0x3e0:
      // The count goes on from where it is, at the new pace.
      let count = currentCount
      state.divideConfiguration = value & 0xb
      if count != 0 {
        schedule(remaining: count)
      } else {
        state.timerStart = clock.now &- UInt64(state.initialCount) &* divisor
      }
    case 0x30, 0x90, 0xa0, 0xc0, 0x100...0x270, 0x390: break
    default: note(error: ErrorBit.illegalRegister)
    }
  }

  /// The entry of the local vector table at a register's offset. SDM vol. 3A, table 10-1.
  private static func localVector(at offset: UInt32) -> Int? {
    switch offset {
    case 0x320: LocalVector.timer
    case 0x340: LocalVector.performance
    case 0x350: LocalVector.lint0
    case 0x360: LocalVector.lint1
    case 0x370: LocalVector.error
    default: nil
    }
  }

  private func note(error: UInt32) {
    guard state.errors & error == 0 else { return }
    state.errors |= error
    deliverLocally(LocalVector.error)
  }

  // MARK: Requests

  /// Takes an interrupt by its local vector.
  private func deliverLocally(_ index: Int) {
    let entry = state.localVectors[index]
    guard entry & LocalVector.masked == 0 else { return }
    switch index == LocalVector.timer || index == LocalVector.error ? 0 : entry >> 8 & 7 {
    case 4: onNMI()
    case 0: request(UInt8(entry & 0xff), isLevel: false)
    default: break
    }
  }

  /// A fixed interrupt: into IRR, where it waits for its priority. SDM vol. 3A, 10.8.4.
  func request(_ vector: UInt8, isLevel: Bool) {
    guard state.spurious & 0x100 != 0 else { return }
    guard vector >= 16 else { return note(error: ErrorBit.receiveIllegalVector) }
    state.requests.insert(vector)
    if isLevel { state.triggerMode.insert(vector) } else { state.triggerMode.remove(vector) }
    tellIfRequested()
  }

  /// An illegal vector was to be sent.
  func refuseToSend() { note(error: ErrorBit.sendIllegalVector) }

  /// Nobody took what was sent.
  func noteUnaccepted() { note(error: ErrorBit.sendAcceptError) }

  private func tellIfRequested() { if interruptRequested { onRequest() } }

  /// The higher of TPR and the class of what is in service. SDM vol. 3A, 10.8.3.1.
  var processorPriority: UInt8 {
    let served = (state.inService.highest ?? 0) & 0xf0
    return state.taskPriority & 0xf0 >= served ? state.taskPriority : served
  }

  private var arbitrationPriority: UInt8 {
    let requested = (state.requests.highest ?? 0) & 0xf0
    let served = (state.inService.highest ?? 0) & 0xf0
    return max(state.taskPriority, requested, served)
  }

  /// The vector that the processor would take now.
  private var deliverable: UInt8? {
    guard isEnabled, let vector = state.requests.highest, vector & 0xf0 > processorPriority & 0xf0 else {
      return nil
    }
    return vector
  }

  /// Whether the 8259s' request goes through: by LINT0 as ExtINT, or by the pin where the APIC is off.
  private var lets8259Through: Bool {
    let entry = state.localVectors[LocalVector.lint0]
    return !isEnabled || entry & LocalVector.masked == 0 && entry >> 8 & 7 == 7
  }

  /// EOI: the highest interrupt in service is done. SDM vol. 3A, 10.8.5.
  private func endOfInterrupt() {
    guard let vector = state.inService.highest else { return }
    state.inService.remove(vector)
    if state.triggerMode.contains(vector) { bus.endOfInterrupt(vector) }
    tellIfRequested()
  }

  // MARK: The timer

  /// Cycles a count. SDM vol. 3A, figure 10-10.
  private var divisor: UInt64 {
    let code = state.divideConfiguration & 3 | state.divideConfiguration >> 1 & 4
    return code == 7 ? 1 : 2 << UInt64(code)
  }

  private var currentCount: UInt32 {
    let passed = (clock.now &- state.timerStart) / divisor
    return passed >= UInt64(state.initialCount) ? 0 : state.initialCount - UInt32(passed)
  }

  private func startTimer(_ count: UInt32) {
    state.initialCount = count
    state.timerStart = clock.now
    guard count != 0 else { return clock.cancel(timer) }
    schedule(remaining: count)
  }

  /// The count reaches 0 after as many counts more.
  private func schedule(remaining: UInt32) {
    let due = clock.now &+ UInt64(remaining) &* divisor
    state.timerStart = due &- UInt64(state.initialCount) &* divisor
    clock.schedule(timer, at: due)
  }

  private func timerExpired(_ due: UInt64) {
    if state.localVectors[LocalVector.timer] & LocalVector.periodic != 0, state.initialCount != 0 {
      // Periods that ended within one instruction make one interrupt.
      let period = UInt64(state.initialCount) &* divisor
      state.timerStart = due &+ (clock.now &- due) / period &* period
      clock.schedule(timer, at: state.timerStart &+ period)
    }
    deliverLocally(LocalVector.timer)
  }

  // MARK: Destinations

  /// Whether a message is for this APIC. SDM vol. 3A, 10.6.2.
  func isDestination(_ destination: UInt8, isLogical: Bool) -> Bool {
    guard isLogical else { return destination == 0xff || destination == state.identifier }
    if state.destinationModel == 15 { return destination & state.logicalDestination != 0 }
    let isCluster = destination >> 4 == 15 || destination >> 4 == state.logicalDestination >> 4
    return isCluster && destination & state.logicalDestination & 15 != 0
  }
}

extension LocalAPIC: InterruptController {
  var interruptRequested: Bool {
    deliverable != nil || external.interruptRequested && lets8259Through
  }

  func acknowledge() -> UInt8 {
    if let vector = deliverable {
      state.requests.remove(vector)
      state.inService.insert(vector)
      return vector
    }
    if external.interruptRequested && lets8259Through { return external.acknowledge() }
    return UInt8(truncatingIfNeeded: state.spurious)
  }
}
