import IA32

/// Which form an instruction's operands have, as the general handlers need it.
enum OperandForm: UInt8 {
  /// None that matters, or implicit ones.
  case none
  /// Destination (or only operand) in a register; the source, if any, in a register.
  case registerRegister
  /// Destination in a register, source in memory.
  case registerMemory
  /// Destination in a register, source immediate.
  case registerImmediate
  /// Destination (or only operand) in memory, source in a register.
  case memoryRegister
  /// Destination in memory, source immediate.
  case memoryImmediate
}

/// An instruction as the interpreter executes it: what the decoder found, laid out for speed, with the handler
/// chosen. 32 bytes.
struct Op {
  var handler: Handler
  /// The instruction's record: an index into `OpcodeTable.rows`.
  var row: UInt16
  /// Register number of the destination, or of the only operand. Byte registers as the manual numbers them.
  var destination: UInt8 = 0
  /// Register number of the source.
  var source: UInt8 = 0
  /// Address: registers, shift, segment. `MemoryOperand.noRegister` names the register that is always zero.
  var base: UInt8 = MemoryOperand.noRegister
  var index: UInt8 = MemoryOperand.noRegister
  var scale: UInt8 = 0
  var segment = SegmentRegister.ds
  var form = OperandForm.none
  /// What only some instructions have, one of them each: see the accessors below.
  private var detail: UInt8 = 0
  /// Bytes: operand and address size, instruction length.
  var width: UInt8
  var addressWidth: UInt8
  var length: UInt8
  var prefixes: Prefixes
  /// Immediate operand; the target of a near branch; the offset of a far one.
  var immediate: UInt32 = 0
  /// Displacement; the selector of a far branch, which has no address.
  var displacement: UInt32 = 0
  /// EIP of the next instruction in line.
  var nextEIP: UInt32
  /// Cycles that the instructions before this one in its block cost.
  var cyclesBefore: UInt16 = 0
  /// How many instructions come before this one in its block.
  var position: UInt16 = 0

  init(
    handler: Handler, row: UInt16, width: UInt8, addressWidth: UInt8, length: UInt8, prefixes: Prefixes,
    nextEIP: UInt32
  ) {
    self.handler = handler
    self.row = row
    self.width = width
    self.addressWidth = addressWidth
    self.length = length
    self.prefixes = prefixes
    self.nextEIP = nextEIP
  }

  /// An entry that is not an instruction: a block's end, or a line to fetch. It takes no bytes.
  static func marker(_ handler: Handler, eip: UInt32) -> Op {
    Op(
      handler: handler, row: OpcodeTable.undefinedRow, width: 4, addressWidth: 4, length: 0, prefixes: [],
      nextEIP: eip)
  }

  /// EIP of this instruction.
  @inline(__always)
  var eip: UInt32 { nextEIP &- UInt32(length) }

  /// The destination, or the only operand, lies in memory.
  @inline(__always)
  var isDestinationInMemory: Bool { form == .memoryRegister || form == .memoryImmediate }

  /// An operand lies in memory.
  @inline(__always)
  var hasMemoryOperand: Bool { form == .registerMemory || isDestinationInMemory }

  /// The source is immediate.
  @inline(__always)
  var isSourceImmediate: Bool { form == .registerImmediate || form == .memoryImmediate }
}

/// What only some instructions have.
extension Op {
  /// Of Jcc, SETcc and CMOVcc: the condition's number, the raw value of a `Condition`.
  @inline(__always)
  var condition: UInt8 {
    get { detail }
    set { detail = newValue }
  }

  /// Of MOVZX and MOVSX: the source's bytes, 1 or 2.
  @inline(__always)
  var sourceWidth: UInt8 {
    get { detail }
    set { detail = newValue }
  }

  /// Of ENTER: the nesting level as it is encoded, of which five bits count.
  @inline(__always)
  var nestingLevel: UInt8 {
    get { detail }
    set { detail = newValue }
  }

  /// Of SHLD, SHRD and IMUL with two or three operands: the third operand is immediate.
  @inline(__always)
  var isThirdImmediate: Bool {
    get { detail != 0 }
    set { detail = newValue ? 1 : 0 }
  }

  /// Of a floating-point instruction, and of MMX, SSE and SSE2: bytes of its operand in memory, or 0.
  @inline(__always)
  var memoryWidth: UInt8 {
    get { detail }
    set { detail = newValue }
  }

  /// Of `.undefined`: the exception that it raises, #UD or #GP.
  var faultVector: ExceptionVector {
    get { ExceptionVector(rawValue: detail) ?? .invalidOpcode }
    set { detail = newValue.rawValue }
  }
}

/// A straight run of decoded instructions in one page. It ends at the first branch, at an instruction that may change
/// how the next ones are fetched or decoded, at the page's end, or after `BlockCache.maxInstructions` instructions.
struct Block {
  /// EIP of the first instruction, and above it the mode it was decoded for: one comparison finds a block.
  var key: UInt64
  /// Physical address of the first byte.
  var physical: UInt64
  /// What the interpreter executes; what was decoded is `BlockCache.record(of:)`.
  var ops: UnsafeMutablePointer<Op>
  /// Instructions, and the cycles they cost when no access misses.
  var count: UInt32
  var cycles: UInt32
  /// Entries of `ops` before the `.endOfBlock`: the instructions, and the `.fetchLine`s between them.
  var entries: UInt32
  /// How many of `cycles` are load-use latency.
  var l1Cycles: UInt32
  /// Bytes of code, and 32-byte lines that they touch.
  var bytes: UInt32
  var lines: UInt32
  /// Cycles before the last instruction: when they bring no deadline, the block runs through.
  var cyclesBeforeLast: UInt32
  /// The guest's bytes that it was decoded from, `bytes` of them, as `BlockCache` keeps them.
  var guestBytes: UnsafePointer<UInt8>?
  /// Chains: blocks of one hash bucket, blocks of one page.
  var nextInBucket: UnsafeMutablePointer<Block>?
  var nextInPage: UnsafeMutablePointer<Block>?
}

/// The part of the CPU's mode that decoding depends on; it is part of a block's key.
struct BlockMode: OptionSet, Hashable {
  let rawValue: UInt8

  /// CS.D: 32-bit operands and addresses.
  static let code32 = BlockMode(rawValue: 1 << 0)
  /// SS.B, with SS flat: pushes and pops need no check.
  static let flatStack32 = BlockMode(rawValue: 1 << 1)
  /// DS and ES are flat.
  static let flatData = BlockMode(rawValue: 1 << 2)
  /// CS is flat: near branches need no check.
  static let flatCode = BlockMode(rawValue: 1 << 3)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(of state: UnsafeMutablePointer<CPUState>) {
    var mode: BlockMode = []
    if state.pointee.cs.is32Bit { mode.insert(.code32) }
    if state.pointee.ss.is32Bit && state.pointee.ss.isFlatData { mode.insert(.flatStack32) }
    if state.pointee.ds.isFlatData && state.pointee.es.isFlatData { mode.insert(.flatData) }
    if state.pointee.cs.isFlatCode { mode.insert(.flatCode) }
    self = mode
  }
}
