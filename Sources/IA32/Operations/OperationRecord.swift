/// What is true of an operation in all its encodings: everything about it but how it is encoded and what it computes.
///
/// Nothing in it has a default: a new operation must say all of it. Tests hold each record against what runs of the
/// instruction are observed to do, and against the host's processor.
public struct OperationRecord: Hashable, Sendable {
  /// What a processor must have; where one lacks any of it, the opcode is undefined.
  public let needs: CPUFeatures
  /// Which of its operands it reads and writes.
  public let operands: OperandUse
  /// The memory it accesses beside its operands.
  public let memory: ImplicitAccesses
  /// The flags that it reads, writes and leaves undefined.
  public let flags: FlagEffects
  /// The exceptions that it may raise, but for those of its accesses to memory (``ExceptionSet/memoryAccess``), for #UD where
  /// a processor or a mode lacks it, and for what LOCK brings.
  public let raises: ExceptionSet
  /// How the instructions after it go on.
  public let sequence: SequenceEffect
  /// What it costs; the timing model gives the figure.
  public let cost: CostClass

  init(
    _ operands: OperandUse, memory: ImplicitAccesses, flags: FlagEffects, raises: ExceptionSet,
    then sequence: SequenceEffect, needs: CPUFeatures, cost: CostClass
  ) {
    self.needs = needs
    self.operands = operands
    self.memory = memory
    self.flags = flags
    self.raises = raises
    self.sequence = sequence
    self.cost = cost
  }

  /// Whether a block of decoded instructions ends here.
  public var endsBlock: Bool { sequence != .next }

  /// Whether what decoding depends on may change: the code, stack or data segments, or the mode.
  public var mayChangeMode: Bool { sequence == .changesMode || sequence == .transfersFar }
}

/// What an operation does with its operands, in Intel's order: the first is the destination.
@frozen
public enum OperandUse: UInt8, Hashable, Sendable {
  /// Nothing: NOP, and what has no operands.
  case none
  /// All are read.
  case read
  /// The first is written, the others are read.
  case write
  /// The first is read and written, the others are read.
  case modify
  /// All are read and written.
  case exchange
  /// A register is written where it is the first; of memory only the address counts.
  case address
  /// Of two operands the first is read and written and the other read; one alone is read, and the result goes to ST(0).
  case accumulate

  /// Whether operand `index` is read.
  public func reads(_ index: Int) -> Bool {
    switch self {
    case .none, .address: false
    case .read, .modify, .exchange, .accumulate: true
    case .write: index > 0
    }
  }

  /// Whether operand `index` of `count` is written. Of an `address` that is the register's case; memory never is.
  public func writes(_ index: Int, of count: Int) -> Bool {
    switch self {
    case .none, .read: false
    case .write, .modify, .address: index == 0
    case .exchange: true
    case .accumulate: index == 0 && count > 1
    }
  }
}

/// Loads and stores beside the operands: on the stack, or of the processor's tables.
public struct ImplicitAccesses: Hashable, Sendable {
  /// Loads and stores that it always makes.
  public let loads: Int
  /// Stores that it always makes.
  public let stores: Int
  /// Whether it may make more than these, as operands or descriptors say.
  public let mayMakeMore: Bool

  static let none = ImplicitAccesses(loads: 0, stores: 0, mayMakeMore: false)
  /// As many as descriptors and the processor's tables ask for.
  static let tables = ImplicitAccesses(loads: 0, stores: 0, mayMakeMore: true)

  static func loads(_ count: Int, andMore: Bool = false) -> ImplicitAccesses {
    ImplicitAccesses(loads: count, stores: 0, mayMakeMore: andMore)
  }

  static func stores(_ count: Int, andMore: Bool = false) -> ImplicitAccesses {
    ImplicitAccesses(loads: 0, stores: count, mayMakeMore: andMore)
  }
}

/// The flags of EFLAGS that an operation reads and changes. SDM vol. 1, appendix A.
public struct FlagEffects: Hashable, Sendable {
  /// What anything afterwards may depend on, but for a flag that merely stays as it is. Of a conditional instruction its opcode
  /// reads some only.
  public let reads: EFLAGS
  /// What it may change, as the manual defines it.
  public let writes: EFLAGS
  /// What the manual leaves undefined, always or for some operands.
  public let undefined: EFLAGS

  init(reads: EFLAGS, writes: EFLAGS, undefined: EFLAGS) {
    self.reads = reads
    self.writes = writes
    self.undefined = undefined
  }

  /// Neither read nor changed.
  static let untouched = FlagEffects(reads: [], writes: [], undefined: [])
  /// The six arithmetic flags by the result.
  static let arithmetic = FlagEffects(reads: [], writes: .arithmetic, undefined: [])

  static func reads(_ flags: EFLAGS) -> FlagEffects { FlagEffects(reads: flags, writes: [], undefined: []) }
  static func writes(_ flags: EFLAGS) -> FlagEffects { FlagEffects(reads: [], writes: flags, undefined: []) }
}

/// How the instructions after an operation go on.
@frozen
public enum SequenceEffect: UInt8, Hashable, Sendable {
  /// With the next one in line, decoded as this one was.
  case next
  /// The next one in line may be fetched otherwise, find interrupts let in, or know the exact time.
  case synchronizes
  /// The next one in line may be decoded otherwise: segments or the mode may have changed.
  case changesMode
  /// Elsewhere in the same segment.
  case transfers
  /// Elsewhere, perhaps in another segment, mode and privilege level.
  case transfersFar
}

/// What an operation costs, by kind. Figures are the timing model's.
@frozen
public enum CostClass: UInt8, CaseIterable, Hashable, Sendable {
  case simple
  case multiplication, division
  case bitScan, doubleShift, rotateThroughCarry
  case exchange, exchange8Bytes
  case packedDecimal, decimalMultiplication, decimalDivision
  case allRegisters, frame
  case segmentLoad, farPointerLoad
  case farJump, farCall, farReturn, interruptReturn
  case softwareInterrupt
  case stringElement, stringComparison, stringInput
  case port
  case clearInterrupts, setInterrupts
  case identification, machineRegisterRead, machineRegisterWrite, controlRegisterWrite
  case pageInvalidation, cacheInvalidation
  case descriptorTableLoad, systemRegisterStore
  /// A floating-point instruction of no special cost.
  case x87
  case x87Addition, x87Multiplication, x87Division, x87SquareRoot
  case x87Integer, x87DecimalLoad, x87DecimalStore
  case x87ConditionalMove, x87StatusWord, x87ControlLoad
  case x87Rounding, x87Remainder, x87Transcendental
  case x87Environment, x87StateStore, x87StateLoad, x87Initialization
  /// An instruction of MMX, SSE or SSE2 of no special cost.
  case simd
  case simdMultiplication, simdDifferences, emptyMMXState
  case floatAddition, floatConversion, singleMultiplication, doubleMultiplication
  case singleDivision, packedSingleDivision, doubleDivision, packedDoubleDivision
  case singleSquareRoot, packedSingleSquareRoot, doubleSquareRoot, packedDoubleSquareRoot
  case mxcsrLoad, mxcsrStore, fence
}
