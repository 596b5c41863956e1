import IA32

/// What a machine is built from.
public struct MachineConfiguration: Sendable {
  /// RAM in bytes, 1 MiB to 64 GiB in whole pages.
  public var memoryBytes: UInt64
  /// Physical address bits, 36 to 52.
  public var physicalAddressBits: Int
  /// The boot ROM: it ends at FFFFFFFFh, and its last 64 KiB are seen below 1 MiB too.
  public var rom: [UInt8]
  /// What CPUID says of the processor beyond its parts.
  public var identity: CPUIdentity
  public var tlb: TLBGeometry
  public var timing: TimingLevel
  public var caches: CacheGeometries
  public var latencies: Latencies
  public var branches: BranchPrediction
  /// Cycles a second.
  public var frequency: UInt64
  /// Off, the machine does everything the direct way: what tests hold the fast paths against.
  var usesFastPaths = true

  public init(
    memoryBytes: UInt64, physicalAddressBits: Int = 36, rom: [UInt8], identity: CPUIdentity = .p6,
    tlb: TLBGeometry = .p6, caches: CacheGeometries = .p6, latencies: Latencies = Latencies(),
    branches: BranchPrediction = .dynamic, timing: TimingLevel = .full,
    frequency: UInt64 = Clock.defaultFrequency
  ) {
    self.memoryBytes = memoryBytes
    self.physicalAddressBits = physicalAddressBits
    self.rom = rom
    self.identity = identity
    self.tlb = tlb
    self.caches = caches
    self.latencies = latencies
    self.branches = branches
    self.timing = timing
    self.frequency = frequency
  }
}

/// The PC: what is wired to what. It is built once, stepped by `run`, and looked at between runs.
public final class Machine {
  public let memory: PhysicalMemory
  public let bus: Bus
  public let clock: Clock
  /// What the processors share.
  let board: SystemBoard
  /// By number. One today.
  let processors: [CPU]
  /// The processor that executes now: what is asked of the machine is asked of it.
  let cpu: CPU

  public let interruptControllers = PIC8259()
  public let timer: PIT8254
  public let serial: UART16550
  public let realTimeClock: CMOSRTC
  public let keyboardController: KeyboardController
  public let postPort = POSTPort()
  /// One instance below 4 GiB and, where the address width leaves room, one above all RAM.
  public let demonstrationDevices: [DemonstrationDevice]

  /// The serial port's crystal: 16 times the PC's, as on fast serial cards. Divisor 1 gives 1.8 Mbaud, and a guest
  /// that waits for its console waits some 900 cycles a character instead of 14,000.
  static let serialCrystal: UInt64 = 16 * UART16550.defaultInputClock

  /// Looks at the guest now and then for a profile; off until somebody turns it on.
  let sampler: Sampler

  private var serialOutput: [UInt8] = []
  /// What the guest has sent over the serial port and to the debug console, and how much of it was shown: a stretch that is
  /// executed again after going back says nothing twice.
  var sent = SentBytes()
  var shown = SentBytes()

  struct SentBytes: Hashable {
    var serial = 0
    var debug = 0
  }

  /// The devices that software can only reach by their ports.
  var a20Gate: A20Gate!
  var fastA20: FastA20!
  var systemControlPort: SystemControlPort!
  private var limit: ClockEvent

  /// - Parameter debugConsole: gets what the guest writes to port E9h.
  /// - Throws: `MemoryError` for the size, `BusError` for what doesn't fit into the address width.
  public init(_ configuration: MachineConfiguration, debugConsole: @escaping (UInt8) -> Void = { _ in })
    throws
  {
    memory = try PhysicalMemory(bytes: configuration.memoryBytes)
    bus = try Bus(memory: memory, physicalAddressBits: configuration.physicalAddressBits)
    clock = Clock(frequency: configuration.frequency)
    let addressWidth = UInt8(configuration.physicalAddressBits)
    board = SystemBoard(memory: memory, bus: bus, clock: clock)
    cpu = CPU(
      number: 0, on: board,
      model: CPUModel(
        identity: configuration.identity, addressWidth: addressWidth, geometry: configuration.tlb,
        caches: configuration.caches),
      addressWidth: addressWidth, geometry: configuration.tlb, caches: configuration.caches,
      timing: configuration.timing, latencies: configuration.latencies, branches: configuration.branches,
      usesFastPaths: configuration.usesFastPaths)
    processors = [cpu]
    cpu.plugIn()
    let control = cpu.control
    limit = clock.makeEvent(name: "limit of the run") { _ in control.pointee.stop = .cycleLimit }
    sampler = Sampler(cpu: cpu)

    let pic = interruptControllers
    timer = PIT8254(clock: clock, interrupt: pic.line(0))
    var transmit: (UInt8) -> Void = { _ in }
    serial = UART16550(clock: clock, inputClock: Self.serialCrystal, interrupt: pic.line(4)) { transmit($0) }
    realTimeClock = CMOSRTC(clock: clock, map: memory.layout, interrupt: pic.line(8))
    let processor = cpu
    a20Gate = A20Gate(bus: bus) { [unowned processor] _ in processor.physicalAddressesChanged() }
    keyboardController = KeyboardController(gate: a20Gate, interrupt: pic.line(1)) {
      control.pointee.stop = .reset
      control.pointee.needsAttention = true
    }
    demonstrationDevices = try Self.demonstrationDevices(
      on: bus, clock: clock, lines: [pic.line(10), pic.line(11)])
    fastA20 = FastA20(gate: a20Gate) {
      control.pointee.stop = .reset
      control.pointee.needsAttention = true
    }
    let exit = DebugExit { value in
      control.pointee.stop = .exit(UInt8(truncatingIfNeeded: value))
      control.pointee.needsAttention = true
    }

    try pic.attach(to: bus)
    try timer.attach(to: bus)
    try serial.attach(to: bus)
    try realTimeClock.attach(to: bus)
    try keyboardController.attach(to: bus)
    try fastA20.attach(to: bus)
    systemControlPort = SystemControlPort(clock: clock, timer: timer)
    try systemControlPort.attach(to: bus)
    try postPort.attach(to: bus)
    let observation = board.observation
    try DebugConsole { [unowned self] byte in
      if observation.wants(.console) { observation.tell(.console(ConsoleEvent(port: .debug, byte: byte))) }
      self.sent.debug += 1
      guard self.sent.debug > self.shown.debug else { return }
      self.shown.debug = self.sent.debug
      debugConsole(byte)
    }.attach(to: bus)
    try exit.attach(to: bus)
    try attachROM(configuration.rom)

    let coprocessor = CoprocessorErrorPort(interrupt: pic.line(13)) { [unowned(unsafe) processor] in
      if processor.state.pointee.x87.signalsError { processor.state.pointee.x87.ignoresErrors = true }
    }
    try coprocessor.attach(to: bus)
    cpu.onFloatingPointError = coprocessor.setError
    cpu.interruptController = pic
    pic.onRequest = { control.pointee.needsAttention = true }
    transmit = { [unowned self] byte in
      if observation.wants(.console) { observation.tell(.console(ConsoleEvent(port: .serial, byte: byte))) }
      self.sent.serial += 1
      guard self.sent.serial > self.shown.serial else { return }
      self.shown.serial = self.sent.serial
      self.serialOutput.append(byte)
    }
  }

  private static func demonstrationDevices(
    on bus: Bus, clock: Clock, lines: [InterruptLine]
  ) throws(BusError) -> [DemonstrationDevice] {
    let low = DemonstrationDevice(name: "demonstration device, low", clock: clock, interrupt: lines[0])
    try low.attach(to: bus, at: DemonstrationDevice.addressBelow4GiB)
    let high = DemonstrationDevice.address(
      above: bus.memory.layout, physicalAddressBits: bus.physicalAddressBits)
    guard let high else { return [low] }
    let device = DemonstrationDevice(name: "demonstration device, high", clock: clock, interrupt: lines[1])
    try device.attach(to: bus, at: high)
    return [low, device]
  }

  private func attachROM(_ rom: [UInt8]) throws(BusError) {
    guard !rom.isEmpty else { return }
    try bus.addROM(name: "boot ROM", at: PhysicalAddress(1 << 32 - UInt64(rom.count)), bytes: rom)
    let shadow = Array(rom.suffix(1 << 16))
    try bus.addROM(
      name: "boot ROM below 1 MiB", at: PhysicalAddress(1 << 20 - UInt64(shadow.count)), bytes: shadow)
  }

  // MARK: Running

  /// Cycles since the machine was switched on.
  public var cycle: UInt64 { clock.now }

  /// Runs until the clock reaches `cycle` (it stops at the first instruction boundary from there on), or until something
  /// else stops the CPU.
  /// - Parameter passingBreakpoint: the first instruction executes even if it has a breakpoint.
  public func run(untilCycle cycle: UInt64 = .max, passingBreakpoint: Bool = false) -> StopReason {
    cpu.passedBreakpoint = passingBreakpoint ? cpu.moment : nil
    clock.schedule(limit, at: cycle)
    cpu.control.pointee.limit = cycle
    cpu.onlyLimitPending = { [unowned self] in self.clock.isOnlyPending(self.limit, self.sampler.event) }
    cpu.run()
    clock.cancel(limit)
    return cpu.control.pointee.stop ?? .interrupted
  }

  // MARK: The console

  /// Sends bytes to the serial port, as a terminal would.
  public func receive(_ bytes: some Sequence<UInt8>) {
    serial.receive(bytes)
    cpu.requestAttention()
  }

  /// What the guest sent over the serial port since the last call. When the run has ended for good, what still waits in
  /// the transmitter comes with it.
  public func takeSerialOutput(draining: Bool = false) -> [UInt8] {
    if draining { serial.drain() }
    defer { serialOutput.removeAll(keepingCapacity: true) }
    return serialOutput
  }

  // MARK: Logging

  /// Told once for each opcode that raised #UD because this processor does not have it.
  public var onMissingOperation: ((String) -> Void)? {
    get { cpu.onMissingOperation }
    set { cpu.onMissingOperation = newValue }
  }
}
