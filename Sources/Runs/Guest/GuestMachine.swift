import Emulator
import GuestImages
import IA32
import KernelAudit
import MachineDescriptions
import Reports

/// A machine with an image in it, switched on and not run yet: what `run`, the debugger and traces begin with.
public final class GuestMachine: RunnableMachine {
  /// The machine.
  public let machine: Machine
  /// What was loaded into it.
  public let image: GuestImage
  /// Names for the guest's addresses.
  public let places: GuestPlaces
  /// The file behind the disk; nil without one.
  public let disk: DiskFile?
  private let console: any GuestConsole
  private let debugOutput: DebugOutput
  /// What the machine was built from.
  let configuration: MachineConfiguration
  private var profile: Profile?
  private var staleChecking: StaleChecking?
  private var repeatedRun: RepeatedRun?
  /// Uses of stale translations reported so far.
  public private(set) var staleUses = 0
  /// The past of the run, if one is kept: for the debugger's shell afterwards.
  public private(set) var history: MachineHistory?

  /// - Parameters:
  ///   - disk: the file behind the disk of `peripherals`.
  ///   - console: sees what the guest writes to port E9h, and what is said about the guest while it runs.
  /// - Throws: `MemoryError` or `BusError` if there can be no such machine.
  public convenience init(
    _ preparation: RunPreparation, description: MachineDescription = .p6, timing: TimingLevel,
    peripherals: Peripherals = Peripherals(), disk: DiskFile? = nil, console: any GuestConsole
  ) throws {
    var configuration = description.configuration(
      memoryBytes: preparation.memory.bytes, rom: preparation.plan.rom,
      timing: timing)
    configuration.peripherals = peripherals
    try self.init(
      configuration, image: preparation.image, disk: disk, plan: preparation.plan, console: console)
    try preparation.plan.load(into: machine.memory)
  }

  /// - Parameter plan: what a repetition of the run begins with; nil where it can't be repeated.
  init(
    _ configuration: MachineConfiguration, image: GuestImage, disk: DiskFile?, plan: BootPlan?,
    console: any GuestConsole
  ) throws {
    let debugOutput = DebugOutput(console)
    machine = try Machine(configuration) { debugOutput.send($0) }
    repeatedRun = plan.map { RepeatedRun(configuration, $0) }
    self.configuration = configuration
    self.disk = disk
    self.debugOutput = debugOutput
    self.console = console
    self.image = image
    places = GuestPlaces(image.elf)
    machine.onMissingOperation = { [unowned machine] name in
      let owner = MachineDescription.processor(with: machine.missingFeatures)
      let hint = owner.map { " (--cpu \($0) has it)" } ?? ""
      console.say(["the guest executed \(name), which this processor does not implement: #UD\(hint)"])
    }
  }

  // MARK: Running

  /// Cycles since the machine was switched on.
  public var cycle: UInt64 { machine.cycle }

  /// From now on the run can be gone back in.
  /// - Parameter history: one that has begun here and now; nil begins one.
  public func keepHistory(_ history: MachineHistory? = nil) {
    self.history = history ?? MachineHistory(machine)
  }

  /// Sends bytes to the serial port, or types them at the keyboard where there is one.
  public func receive(_ bytes: [UInt8]) {
    if let history { return history.receive(bytes) }
    repeatedRun?.received(machine.typing(bytes), at: machine.cycle)
    machine.receive(bytes)
  }

  /// Writes what the guest has written to its disk to the disk's file, if that was opened for it.
  ///
  /// - Throws: `GuestImageError` if the host can't.
  public func writeDisk() throws { try disk?.write(machine.writtenSectors) }

  /// Gives the console what the guest wrote to port E9h, also if no line has ended.
  public func flushDebugOutput() { debugOutput.flush() }

  /// Hands over what the guest sent over the serial port; with `draining`, what is still on the line too.
  public func takeConsoleOutput(draining: Bool) -> [UInt8] {
    debugOutput.flush()
    return history?.takeSerialOutput(draining: draining) ?? machine.takeSerialOutput(draining: draining)
  }

  /// Runs until the clock reaches `cycle` or something else stops the guest.
  public func advance(untilCycle cycle: UInt64) -> StopReason {
    let reason = history?.run(untilCycle: cycle) ?? machine.run(untilCycle: cycle)
    return switch reason {
    // Only the check for stale translations and the observers, which are asked next, want a stop.
    case .interrupted: staleChecking == .stop ? .staleTranslation : .cycleLimit
    case .breakpoint: .cycleLimit
    default: reason
    }
  }

  // MARK: Looking

  /// Where the processor stands.
  public var position: GuestPosition {
    let registers = machine.registers
    let linear = registers[SegmentRegister.cs].base &+ registers.eip
    return GuestPosition(
      eip: registers.eip, symbol: places.symbol(at: linear, isPaged: machine.isPaging), cycle: machine.cycle)
  }

  /// The post-mortem of a triple fault.
  public func explanation(of reason: StopReason) -> [String] {
    guard reason == .tripleFault else { return [] }
    let isPaged = machine.isPaging
    let machine = machine
    let places = places
    let (repeatedRun, console) = (repeatedRun, console)
    // The check follows the stores to the tables that translations came from. Where it was off, the run is repeated with it.
    let isChecked = staleChecking != nil
    let isRepeatable = history == nil && repeatedRun != nil
    var checked: Machine?? = isChecked ? .some(machine) : isRepeatable ? nil : .some(nil)
    let lastStore: LastStore = { address, since in
      let source = checked ?? repeatedRun?.checked(untilCycle: machine.cycle, console)
      checked = .some(source)
      return source?.lastCheckedStore(to: address, since: since)
    }
    return PostMortem(machine, lastStore: lastStore) {
      places.description(of: $0, isPaged: isPaged)
    }.lines
  }

  /// What the run has counted so far.
  public var statistics: RunStatistics { RunStatistics(machine.counters, timing: machine.timing) }

  // MARK: Checking

  /// Reports each use of a stale translation to the console, when it happens.
  public func checkStale(_ checking: StaleChecking) {
    staleChecking = checking
    machine.checkStale { [unowned self] report in
      self.staleUses += 1
      self.console.say(StaleReportText(report, self.places).lines)
      if checking == .stop { self.machine.requestStop() }
    }
  }

  // MARK: Profiling

  /// Cycles between two samples of a profile, on average.
  public static let samplingPeriod: UInt64 = 1000

  /// Begins to collect a profile. What the guest does and how long it takes stays the same.
  public func beginProfile() {
    let elf = image.elf
    let places = places
    profile = Profile { linear, isPaged in
      elf?.symbol(at: linear, isPaged: isPaged)?.symbol.displayName
    } line: { linear, isPaged in
      places.line(at: linear, isPaged: isPaged)?.description
    }
    machine.beginSampling(every: Self.samplingPeriod) { [unowned self] in self.profile?.add($0) }
  }

  /// The profile of the run since `beginProfile`; nil if none was begun.
  public func endProfile() -> ProfileReport? {
    machine.endSampling()
    defer { profile = nil }
    return profile.map { ProfileReport(profile: $0, image: image.file, period: Self.samplingPeriod) }
  }
}

/// Port E9h on its way to a console, in whole lines where possible.
private final class DebugOutput {
  private let console: any GuestConsole
  private var buffer: [UInt8] = []
  private static let maxLine = 4096

  init(_ console: any GuestConsole) { self.console = console }

  func send(_ byte: UInt8) {
    buffer.append(byte)
    if byte == UInt8(ascii: "\n") || buffer.count >= Self.maxLine { flush() }
  }

  func flush() {
    guard !buffer.isEmpty else { return }
    console.showDebugOutput(buffer)
    buffer.removeAll(keepingCapacity: true)
  }
}
