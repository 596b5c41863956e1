import IA32

/// Where the guest was at a moment, and what it has used up since the last one.
public struct ProfileSample: Sendable {
  /// Linear address of the next instruction.
  public var linear: UInt32
  /// Return addresses, the innermost caller's first.
  public var callers: [UInt32]
  /// CPL 3.
  public var isUser: Bool
  /// Whether linear addresses go through page tables now.
  public var isPaged: Bool
  /// Cycles since the last sample, HLT's not among them.
  public var cycles: UInt64
  /// Of them, those that page walks took.
  public var walkCycles: UInt64
  /// Cycles since the last sample that passed in HLT.
  public var idleCycles: UInt64

  /// A sample, for tests and for profiles put together elsewhere.
  public init(
    linear: UInt32, callers: [UInt32], isUser: Bool, isPaged: Bool, cycles: UInt64, walkCycles: UInt64,
    idleCycles: UInt64
  ) {
    self.linear = linear
    self.callers = callers
    self.isUser = isUser
    self.isPaged = isPaged
    self.cycles = cycles
    self.walkCycles = walkCycles
    self.idleCycles = idleCycles
  }
}

/// Looks at the guest at regular intervals of cycles: what a statistical profile is made of.
///
/// The clock's deadline brings the loop here between two instructions, so that nothing is looked at while the sampler
/// is off. The guest can't tell: memory and page tables are read as an onlooker reads them, and where a block is left
/// makes no difference to what it does and costs. The distance between samples varies, always in the same way, so that
/// no loop of the guest keeps in step with it; each sample carries the exact cycles since the last, and together they
/// carry the whole run.
final class Sampler {
  private unowned let cpu: CPU
  let event: ClockEvent
  private let handler: Handler

  /// What the event calls; it exists before the sampler does.
  private final class Handler {
    var fire: () -> Void = {}
  }

  private var period: UInt64 = 0
  private var random: UInt64 = 0
  private var body: (ProfileSample) -> Void = { _ in }
  /// The counts at the last sample.
  private var cycles: UInt64 = 0
  private var walkCycles: UInt64 = 0
  private var idleCycles: UInt64 = 0
  /// The page read last: linear page number, and where it lies on the host.
  private var lastPage: (number: UInt32, host: UnsafeRawPointer)?

  /// Frames followed.
  private static let maxCallers = 64

  init(cpu: CPU) {
    self.cpu = cpu
    let handler = Handler()
    self.handler = handler
    event = cpu.clock.makeEvent(name: "profile sample") { _ in handler.fire() }
    handler.fire = { [unowned self] in
      self.take()
      self.scheduleNext()
    }
  }

  /// Begins: `body` gets a sample every `period` cycles on average.
  func start(every period: UInt64, _ body: @escaping (ProfileSample) -> Void) {
    self.period = max(2, period)
    self.body = body
    random = 0x9e37_79b9_7f4a_7c15
    remember()
    scheduleNext()
  }

  /// Ends with a sample of what remains.
  func stop() {
    cpu.clock.cancel(event)
    take()
    body = { _ in }
  }

  /// From half a period to one and a half away.
  private func scheduleNext() {
    random ^= random << 13
    random ^= random >> 7
    random ^= random << 17
    cpu.clock.schedule(event, at: cpu.clock.now &+ period / 2 &+ random % period)
  }

  private func remember() {
    cycles = cpu.clock.now
    walkCycles = cpu.caches.breakdown.pointee.walk
    idleCycles = cpu.caches.breakdown.pointee.idle
  }

  private func take() {
    let idle = cpu.caches.breakdown.pointee.idle &- idleCycles
    let busy = cpu.clock.now &- cycles &- idle
    let walk = cpu.caches.breakdown.pointee.walk &- walkCycles
    let state = cpu.state.pointee
    let linear = state.cs.base &+ state.eip
    body(
      ProfileSample(
        linear: linear, callers: callers(from: linear), isUser: state.privilegeLevel == 3,
        isPaged: state.cr0.contains(.paging), cycles: busy, walkCycles: walk, idleCycles: idle))
    remember()
  }

  // MARK: The stack

  /// The return addresses of the frames that EBP chains together. Where the function at EIP has no frame of its own
  /// now, at its first two instructions and its last, its return address comes from ESP.
  private func callers(from linear: UInt32) -> [UInt32] {
    lastPage = nil
    let state = cpu.state.pointee
    guard state.isProtected, state.ss.is32Bit else { return [] }
    let stack = state.ss.base
    var callers: [UInt32] = []
    if let offset = frameless(at: linear), let address = read(stack &+ cpu[.esp] &+ offset) {
      callers.append(address)
    }
    var frame = cpu[.ebp]
    while callers.count < Self.maxCallers, frame & 3 == 0, frame >= cpu[.esp],
      let next = read(stack &+ frame), let address = read(stack &+ frame &+ 4), address != 0
    {
      callers.append(address)
      // Frames lie one above the other; anything else is not a frame.
      guard next > frame else { break }
      frame = next
    }
    return callers
  }

  /// How far above ESP the return address lies, when EBP is still, or again, the caller's.
  private func frameless(at linear: UInt32) -> UInt32? {
    guard let code = read(linear) else { return nil }
    let pushEBP: UInt32 = 0x55
    let isMoveESPToEBP = code & 0xffff == 0xe589 || code & 0xffff == 0xec8b
    let isReturn = code & 0xff == 0xc3 || code & 0xff == 0xc2
    if code & 0xff == pushEBP || isReturn { return 0 }
    return isMoveESPToEBP ? 4 : nil
  }

  /// The doubleword at a linear address, which leaves no trace; nil where no page is, and across pages.
  private func read(_ linear: UInt32) -> UInt32? {
    let offset = Int(linear & 0xfff)
    guard offset <= 0x1000 - 4, let host = page(linear >> 12) else { return nil }
    return UInt32(littleEndian: host.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  private func page(_ number: UInt32) -> UnsafeRawPointer? {
    if let lastPage, lastPage.number == number { return lastPage.host }
    guard let physical = physicalPage(number << 12), let host = cpu.bus.hostPageForReading(physical >> 12)
    else {
      return nil
    }
    lastPage = (number, UnsafeRawPointer(host))
    return UnsafeRawPointer(host)
  }

  private func physicalPage(_ linear: UInt32) -> UInt64? {
    let control = cpu.mmu.control.pointee
    guard control.mode != .off else { return UInt64(linear) }
    var walk = PageWalk(
      linear: linear, access: PageAccess(.read, user: false), control: control,
      pdpte: cpu.mmu.pdpte(for: linear))
    Onlooker(memory: cpu.bus.memory).finish(&walk)
    guard walk.fault == nil else { return nil }
    return walk.translation.physical(of: linear & ~0xfff, largePageShift: control.largePageShift)
  }
}

extension Machine {
  /// Hands `body` a sample every `period` cycles on average, until `endSampling`. What the guest does and how long it
  /// takes stays the same.
  public func beginSampling(every period: UInt64, _ body: @escaping (ProfileSample) -> Void) {
    sampler.start(every: period, body)
  }

  /// Takes the last sample and ends.
  public func endSampling() { sampler.stop() }
}
