import IA32

/// A processor: its state, its paging unit, its caches, its decoded blocks. It sits on a `SystemBoard`, which may have others.
///
/// The loop that executes blocks is in Interpreter.swift; the families of instructions are in extensions beside it.
final class CPU {
  /// Its number among the machine's processors, from 0: the events it reports carry it.
  let number: UInt8
  let state: UnsafeMutablePointer<CPUState>
  /// EAX to EDI by number, and a ninth that is always zero: "no register" in an address (`MemoryOperand.noRegister`).
  let registers: UnsafeMutablePointer<UInt32>
  let mmu: MMU
  let blocks: BlockCache
  /// What all processors share; `bus`, `clock` and `observation` are its own.
  let board: SystemBoard
  let bus: Bus
  let clock: Clock
  let heldString: HeldString
  /// What each row of the opcode table does.
  let operations = OpcodeTable.operationsByRow
  let observation: Observation
  /// Linear addresses of instructions before which a run stops.
  var breakpoints: Set<UInt32> = [] { didSet { cutPointsChanged() } }
  /// What the guest's debug registers wait for.
  var debugConditions = DebugConditions()
  /// Where blocks end: `breakpoints` and those of the debug registers.
  var cutPoints: Set<UInt32> = []
  /// The breakpoint that the run began at and goes on from.
  var passedBreakpoint: EventMoment?
  let caches: CacheHierarchy
  let predictor: BranchPredictor
  /// Changed by `setTiming` alone.
  var costs: InstructionCosts
  /// Off, every instruction is decoded afresh from its bytes and is a block of its own, each access asks the TLB arrays
  /// and the caches, and strings move one element after the other: what the fast paths must be equal to.
  let usesFastPaths: Bool
  let model: CPUModel
  let counters: UnsafeMutablePointer<CPUCounters>
  let control: UnsafeMutablePointer<LoopControl>
  var interruptController: (any InterruptController)?
  /// Its local APIC, where the model has one: it is the interrupt controller then.
  var localAPIC: LocalAPIC? {
    didSet {
      guard let localAPIC else { return }
      interruptController = localAPIC
      let (state, control) = (state, control)
      localAPIC.onRequest = { control.pointee.needsAttention = true }
      localAPIC.onNMI = {
        state.pointee.hasPendingNMI = true
        control.pointee.needsAttention = true
      }
    }
  }
  /// FERR#: told when it changes. Where errors of the floating-point unit go while CR0.NE is clear.
  var onFloatingPointError: (_ isSignaled: Bool) -> Void = { _ in }
  /// PerfCtr0 and 1 with their selectors.
  var performance = PerformanceCounters()
  /// The counts by mode; `attributeCounts` brings it up to date.
  var split = PrivilegeSplit()
  /// What happened since the last instruction that completed, for the post-mortem of a triple fault.
  var faultHistory = FaultHistory()
  /// How far the way into a handler has come.
  var deliveryStep = DeliveryStep.gate
  /// A task switch of the instruction or delivery that is under way has been committed.
  var hasSwitchedTask = false
  /// Why the CPU can't go on: shutdown after a triple fault.
  var isShutDown = false
  /// Names of opcodes that raised #UD because this processor does not have them, each once.
  var missingOperations: [String] = []
  /// What the last of them needs and this processor lacks.
  var missingFeatures: CPUFeatures = []
  /// Whether no event is pending but the end of the run: HLT can't be woken by the machine itself then.
  var onlyLimitPending: () -> Bool = { false }
  /// Told about each of `missingOperations` when it is met first.
  var onMissingOperation: ((String) -> Void)?

  /// A processor after RESET#, not yet plugged in.
  init(
    number: UInt8 = 0, on board: SystemBoard, model: CPUModel = .p6, addressWidth: UInt8,
    geometry: TLBGeometry = .p6, caches: CacheGeometries = .p6, timing: TimingLevel = .functional,
    latencies: Latencies = Latencies(), branches: BranchPrediction = .dynamic, usesFastPaths: Bool = true
  ) {
    self.number = number
    predictor = BranchPredictor(branches)
    state = .allocate(capacity: 1)
    state.initialize(to: CPUState())
    registers = .allocate(capacity: 9)
    registers.initialize(repeating: 0, count: 9)
    counters = .allocate(capacity: 1)
    counters.initialize(to: CPUCounters())
    control = .allocate(capacity: 1)
    control.initialize(to: LoopControl())
    self.board = board
    bus = board.bus
    clock = board.clock
    observation = board.observation
    self.model = model
    self.usesFastPaths = usesFastPaths
    blocks = BlockCache(memory: board.memory, gate: board.gate)
    heldString = HeldString(blocks: blocks)
    self.caches = CacheHierarchy(
      caches, latencies: latencies, isOn: timing == .full, clock: board.clock, memory: board.memory)
    costs = InstructionCosts(level: timing, latencies: latencies)
    mmu = MMU(
      state: state, on: board, addressWidth: addressWidth, geometry: geometry, caches: self.caches,
      hasAttributeTable: model.features.contains(.pageAttributeTable))
    mmu.usesFastPaths = usesFastPaths
    self.caches.usesFilters = usesFastPaths
    mmu.walkReferenceCost = timing == .tlb ? latencies.flatWalkReference : 0
    let control = control
    mmu.onDataBreakpoint = { control.pointee.needsAttention = true }
    reset()
  }

  /// Makes the processor known to its board, which hears of its code and its filter from now on.
  func plugIn() { board.plugIn(self, code: blocks, shortcut: mmu) }

  deinit {
    state.deallocate()
    registers.deallocate()
    counters.deallocate()
    control.deallocate()
  }

  /// The state after RESET#: real mode, CS base FFFF0000h, EIP FFF0h. SDM vol. 3A, table 9-1.
  func reset() {
    var fresh = CPUState()
    fresh.cr0 = [.extensionType, .notWriteThrough, .cacheDisable]
    fresh.eip = 0xfff0
    fresh.cs = SegmentCache(realMode: 0xf000, isCode: true)
    fresh.cs.base = 0xffff_0000
    for data in [SegmentRegister.es, .ss, .ds, .fs, .gs] { fresh[data] = SegmentCache(realMode: 0) }
    fresh.ldtr.limit = 0xffff
    fresh.ldtr.access = 0x82
    fresh.tr.limit = 0xffff
    fresh.tr.access = 0x8b
    fresh.memoryTypes = MemoryTypeRegisters(addressWidth: model.addressWidth)
    fresh.miscellaneousEnable = ModelSpecificRegister.miscellaneousEnableAfterReset
    attributeCounts()
    state.pointee = fresh
    performance = PerformanceCounters()
    for index in 0..<9 { registers[index] = 0 }
    registers[2] = model.signature
    isShutDown = false
    faultHistory = FaultHistory()
    mmu.resetPaging()
    debugRegistersChanged()
  }

  // MARK: Registers

  @inline(__always)
  subscript(register: GeneralRegister) -> UInt32 {
    get { registers[Int(register.rawValue)] }
    set { registers[Int(register.rawValue)] = newValue }
  }

  /// Changes CPL; rights of accesses follow, and what was counted so far goes to the mode that is left.
  func setPrivilegeLevel(_ level: UInt8) {
    let wasUser = state.pointee.privilegeLevel == 3
    if wasUser != (level == 3) { attributeCounts() }
    let old = state.pointee.privilegeLevel
    state.pointee.privilegeLevel = level
    guard wasUser != (level == 3) else { return }
    mmu.privilegeChanged()
    mmu.tellMode(.cpl, UInt64(old), UInt64(level))
  }

  // MARK: Implicit supervisor accesses (descriptor tables, TSS, stacks of inner rings). SDM vol. 3A, 4.6.

  func loadSystem<W: FixedWidthInteger & UnsignedInteger>(
    _ linear: UInt32, as type: W.Type
  ) throws(GuestFault) -> W {
    try mmu.load(linear, as: type, user: false)
  }

  func storeSystem<W: FixedWidthInteger & UnsignedInteger>(
    _ linear: UInt32, _ value: W
  ) throws(GuestFault) {
    try mmu.store(linear, value, user: false)
  }
}

/// Counts of what the CPU did since reset.
public struct CPUCounters: Hashable, Codable, Sendable {
  /// Instructions that completed; each iteration of a repeated string instruction is one.
  public var instructions: UInt64 = 0
  /// Exceptions delivered, by vector 0 to 31.
  public var faults = [UInt64](repeating: 0, count: 32)
  /// External interrupts taken.
  public var interrupts: UInt64 = 0
  /// Cycles that passed in HLT.
  public var idleCycles: UInt64 = 0
  /// INT n, INT3 and INTO.
  public var softwareInterrupts: UInt64 = 0

  /// Nothing counted yet.
  public init() {}
}
