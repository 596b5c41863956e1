import Debugger
import Emulator
import GuestImages
import IA32
import KernelAudit
import MachineDescriptions
import Reports

/// The machine with an image in it, as the run loop and the reports see it.
final class GuestMachine: RunnableMachine {
  let machine: Machine
  let image: GuestImage
  private let debugOutput: DebugOutput
  private let timing: TimingLevel
  private var profile: Profile?
  let places: GuestPlaces
  private var staleChecking: StaleChecking?
  /// Uses of stale translations reported so far.
  private(set) var staleUses = 0

  /// - Throws: `MemoryError` or `BusError` if there can be no such machine.
  init(_ preparation: RunPreparation, description: MachineDescription = .p6, timing: TimingLevel) throws {
    let debugOutput = DebugOutput()
    machine = try Machine(
      description.configuration(
        memoryBytes: preparation.memory.bytes, rom: BootROM.image(handover: preparation.plan.handover),
        timing: timing)
    ) { debugOutput.send($0) }
    self.debugOutput = debugOutput
    image = preparation.image
    places = GuestPlaces(image.elf)
    self.timing = timing
    try preparation.plan.load(into: machine.memory)
    machine.onMissingOperation = { name in
      StandardError.write("pagewalk: the guest met \(name), which this processor has not: #UD\n")
    }
  }

  /// Keeps what the guest writes to port E9h to itself.
  func silenceDebugOutput() { debugOutput.isSilent = true }

  // MARK: Running

  var cycle: UInt64 { machine.cycle }

  /// The line paces what it is given, and a slice leaves it time for more than this.
  var consoleRoom: Int { 64 }

  /// The past of the run, if one is kept: for the debugger's shell afterwards.
  private(set) var history: MachineHistory?

  /// From now on the run can be gone back in.
  func keepHistory() { history = MachineHistory(machine) }

  func receive(_ bytes: [UInt8]) {
    if let history { history.receive(bytes) } else { machine.receive(bytes) }
  }

  /// Gives what the guest wrote to port E9h to standard error, also if no line has ended.
  func flushDebugOutput() { debugOutput.flush() }

  func takeConsoleOutput(draining: Bool) -> [UInt8] {
    debugOutput.flush()
    return history?.takeSerialOutput(draining: draining) ?? machine.takeSerialOutput(draining: draining)
  }

  func run(untilCycle cycle: UInt64) -> MachineStop {
    return switch history?.run(untilCycle: cycle) ?? machine.run(untilCycle: cycle) {
    case .exit(let value): .exited(value)
    case .tripleFault: .tripleFault(postMortem)
    case .halted: .halted
    case .waiting: .waitingForInput
    case .reset: .reset
    case .cycleLimit, .breakpoint: .reachedCycle
    // Nobody but the check for stale translations asks for a stop.
    case .interrupted: staleChecking == .stop ? .usedStaleTranslation : .reachedCycle
    }
  }

  // MARK: Looking

  /// The auditor of the mini-kernel in it.
  /// - Throws: `KernelAuditError.missingSymbols` when the image is not the mini-kernel's.
  func audit() throws(KernelAuditError) -> KernelAudit { try KernelAudit(machine: machine, image: image) }

  var position: GuestPosition {
    let registers = machine.registers
    let linear = registers[SegmentRegister.cs].base &+ registers.eip
    return GuestPosition(
      eip: registers.eip, symbol: places.symbol(at: linear, isPaged: machine.isPaging), cycle: machine.cycle)
  }

  private var postMortem: PostMortem {
    let registers = machine.registers
    let isPaged = machine.isPaging
    let explanation = FaultExplanation(machine) { places.description(of: $0, isPaged: isPaged) }
    return PostMortem(
      position: position, explanation: explanation.lines, cr0: registers.cr0, cr2: registers.cr2,
      cr3: registers.cr3, cr4: registers.cr4)
  }

  var statistics: RunStatistics { RunStatistics(machine.counters, timing: timing) }

  // MARK: Checking

  /// Reports each use of a stale translation on standard error, when it happens.
  func checkStale(_ checking: StaleChecking) {
    staleChecking = checking
    machine.checkStale { [unowned self] report in
      self.staleUses += 1
      let text = StaleReportText(report, self.places).lines.map { $0 + "\n" }.joined()
      StandardError.write("pagewalk: " + text)
      if checking == .stop { self.machine.requestStop() }
    }
  }

  // MARK: Profiling

  /// Cycles between two samples of a profile, on average.
  static let samplingPeriod: UInt64 = 1000

  /// Begins to collect a profile. What the guest does and how long it takes stays the same.
  func beginProfile() {
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
  func endProfile() -> ProfileReport? {
    machine.endSampling()
    defer { profile = nil }
    return profile.map { ProfileReport(profile: $0, image: image.file, period: Self.samplingPeriod) }
  }
}

/// Port E9h on standard error, in whole lines where possible.
private final class DebugOutput {
  private var buffer: [UInt8] = []
  var isSilent = false

  func send(_ byte: UInt8) {
    if isSilent { return }
    buffer.append(byte)
    if byte == UInt8(ascii: "\n") || buffer.count >= 4096 { flush() }
  }

  func flush() {
    guard !buffer.isEmpty else { return }
    FileOutput.write(buffer[...], to: StandardError.descriptor)
    buffer.removeAll(keepingCapacity: true)
  }
}
