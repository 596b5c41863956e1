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
  /// Sizes of the TLB arrays and of the paging-structure cache.
  public var tlb: TLBGeometry
  /// How closely time is modelled when the machine starts; `Machine.setTiming` changes it.
  public var timing: TimingLevel
  /// Sizes of L1I, L1D and L2. CPUID tells them in every timing level; only `full` models them.
  public var caches: CacheGeometries
  /// What accesses, walks and branches cost, in cycles.
  public var latencies: Latencies
  /// How branches are predicted in the `full` level.
  public var branches: BranchPrediction
  /// Cycles a second.
  public var frequency: UInt64
  /// What the serial port does with characters that the guest does not leave time for.
  public var serial: SerialTransmission
  /// What is plugged in beyond what every machine has.
  public var peripherals = Peripherals()
  /// Off, the machine does everything the direct way: what tests hold the fast paths against.
  var usesFastPaths = true

  /// A P6 with the given RAM and ROM; whatever is left out is as on a Pentium II or III.
  public init(
    memoryBytes: UInt64, physicalAddressBits: Int = 36, rom: [UInt8], identity: CPUIdentity = .p6,
    tlb: TLBGeometry = .p6, caches: CacheGeometries = .p6, latencies: Latencies = Latencies(),
    branches: BranchPrediction = .dynamic, timing: TimingLevel = .full,
    frequency: UInt64 = Clock.defaultFrequency, serial: SerialTransmission = .exact
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
    self.serial = serial
  }
}

/// The PC: what is wired to what. It is built once, stepped by `run`, and looked at between runs.
public final class Machine {
  /// RAM.
  public let memory: PhysicalMemory
  /// The physical address space and the ports.
  public let bus: Bus
  /// The one clock that processors and devices share.
  public let clock: Clock
  /// What the processors share.
  let board: SystemBoard
  /// By number. One today.
  let processors: [CPU]
  /// The processor that executes now: what is asked of the machine is asked of it.
  let cpu: CPU

  /// What is on the board beside the processor.
  let devices: PCDevices

  /// Looks at the guest now and then for a profile; off until `beginSampling`.
  let sampler: Sampler

  private var serialOutput: [UInt8] = []
  /// What the guest has sent over the serial port and to the debug console, and how much of it was shown: a stretch that is
  /// executed again after going back says nothing twice.
  var sent = SentBytes()
  var shown = SentBytes()

  struct SentBytes: Hashable, Codable {
    var serial = 0
    var debug = 0
  }

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

    let (processor, observation) = (cpu, cpu.observation)
    var serialOutput: (UInt8) -> Void = { _ in }
    var debugOutput: (UInt8) -> Void = { _ in }
    devices = try PCDevices(
      DeviceSurroundings(
        bus: bus, clock: clock, serial: configuration.serial,
        hasAPIC: cpu.model.features.contains(.localAPIC), peripherals: configuration.peripherals,
        reset: {
          control.pointee.stop = .reset
          control.pointee.needsAttention = true
        },
        exit: { value in
          control.pointee.stop = .exit(UInt8(truncatingIfNeeded: value))
          control.pointee.needsAttention = true
        },
        floatingPointErrorsIgnored: { [unowned processor] in processor.ignoreFloatingPointErrors() },
        a20Changed: { [unowned processor] _ in processor.physicalAddressesChanged() },
        serialOutput: { serialOutput($0) }, debugOutput: { debugOutput($0) }))
    try attachROM(configuration.rom)

    cpu.interruptController = devices.interruptControllers
    cpu.localAPIC = devices.localAPIC
    cpu.onFloatingPointError = devices.coprocessorErrors.setError
    devices.interruptControllers.onRequest = { control.pointee.needsAttention = true }
    bus.onMapChange = { [unowned processor] in processor.memoryMapChanged() }
    bus.snoop = { [unowned processor] in processor.caches.snoopStore($0, bytes: $1) }
    debugOutput = { [unowned self] byte in
      if observation.wants(.console) { observation.tell(.console(ConsoleEvent(port: .debug, byte: byte))) }
      self.sent.debug += 1
      guard self.sent.debug > self.shown.debug else { return }
      self.shown.debug = self.sent.debug
      debugConsole(byte)
    }
    serialOutput = { [unowned self] byte in
      if observation.wants(.console) { observation.tell(.console(ConsoleEvent(port: .serial, byte: byte))) }
      self.sent.serial += 1
      guard self.sent.serial > self.shown.serial else { return }
      self.shown.serial = self.sent.serial
      self.serialOutput.append(byte)
    }
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

  /// The devices that are plugged in: where they answer and what they hold. Looking changes nothing.
  public var deviceListing: [DeviceListing] { devices.registry.listing }

  /// The RESET# line: the processor and the devices begin anew, at this cycle. RAM, the clock of the CMOS and its memory stay,
  /// and so does what has been counted. Between runs only. (A guest that asks for a reset ends the run: `StopReason.reset`.)
  public func reset() {
    devices.registry.reset()
    cpu.control.pointee = LoopControl()
    cpu.reset()
    cpu.modeChanged()
  }

  // MARK: The console

  /// A person types: at the keyboard if the machine has one, otherwise at the terminal at the serial port.
  public func receive(_ bytes: some Sequence<UInt8>) {
    // Bytes can always be sent.
    try? apply(typing(Array(bytes)))
  }

  /// The input by which these characters reach the guest.
  public func typing(_ bytes: [UInt8]) -> MachineInput {
    devices.keyboardController.state.keyboard == nil ? .serial(bytes) : .keyboard(bytes)
  }

  /// The sectors of the disk that the guest has written, with their numbers, ascending; none without a disk.
  public var writtenSectors: [(sector: UInt64, bytes: [UInt8])] { devices.disk?.state.written.sectors ?? [] }

  /// What the guest sent over the serial port since the last call. When the run has ended for good, what still waits in
  /// the transmitter comes with it.
  public func takeSerialOutput(draining: Bool = false) -> [UInt8] {
    if draining { devices.serial.drain() }
    defer { serialOutput.removeAll(keepingCapacity: true) }
    return serialOutput
  }

  /// Bytes that the guest has sent over the serial port so far.
  public var serialBytesSent: Int { sent.serial }

  /// What the text screen shows.
  public var textScreen: TextScreen { devices.screen.screen }

  /// How often the guest has stored to the text screen or moved what it shows: the same number, the same picture.
  public var textScreenWrites: UInt64 { devices.screen.state.writes }

  // MARK: Logging

  /// Told once for each opcode that raised #UD because this processor does not have it.
  public var onMissingOperation: ((String) -> Void)? {
    get { cpu.onMissingOperation }
    set { cpu.onMissingOperation = newValue }
  }

  /// What the opcode that was told of last belongs to, where another processor has it.
  public var missingFeatures: CPUFeatures { cpu.missingFeatures }
}
