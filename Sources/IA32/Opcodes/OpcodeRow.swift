/// Which opcode map an opcode is of: what comes before its last byte. SDM vol. 2D, A.2.
@frozen
public enum OpcodeMap: UInt8, CaseIterable, Hashable, Sendable {
  case oneByte, map0F, map0F38, map0F3A

  /// The bytes before the opcode's own.
  public var escape: [UInt8] {
    switch self {
    case .oneByte: []
    case .map0F: [0x0F]
    case .map0F38: [0x0F, 0x38]
    case .map0F3A: [0x0F, 0x3A]
    }
  }
}

/// A prefix that is part of an opcode, as the SIMD instructions have it. SDM vol. 2A, 2.1.2 and 3.1.1.1 ("NP", "NFx").
@frozen
public enum MandatoryPrefix: UInt8, CaseIterable, Hashable, Sendable {
  /// Not part of it: 66, F2 and F3 mean what they mean everywhere, and the opcode has no other rows for them, or those take
  /// precedence.
  case free
  /// NP: none of the three.
  case none
  case x66
  /// With or without 66.
  case xF3, xF2

  /// The prefix itself.
  public var byte: UInt8? {
    switch self {
    case .free, .none: nil
    case .x66: 0x66
    case .xF3: 0xF3
    case .xF2: 0xF2
    }
  }
}

/// Operands in memory, each counted once however many pieces it takes.
@frozen
public struct MemoryOperands: Hashable, Sendable {
  public var loads: Int
  public var stores: Int
}

/// The record of an instruction: how it is encoded, and with its operation's record everything else that is to be known.
/// An opcode, or a run of opcodes that differ in a register number only.
public struct OpcodeRow: Sendable {
  public let map: OpcodeMap
  public let prefix: MandatoryPrefix
  /// The first opcode, with its escape bytes before it: 0x00 to 0xFF, 0x0F00 to 0x0FFF, 0x0F3800, 0x0F3A00 and on.
  public let opcode: UInt32
  /// The last opcode of the run; the first one again where there is no run.
  public let lastOpcode: UInt32
  /// The ModRM bytes that are this row's.
  public let pattern: ModRMPattern
  /// The name as the manual spells it, in lower case, for a 32-bit operand size where it depends on that.
  public let mnemonic: StaticString
  public let operation: Operation
  /// What is true of the operation in all its encodings.
  public let record: OperationRecord
  public let operands: (OperandCode, OperandCode, OperandCode)
  public let flags: OpcodeFlags

  private let withRegisters: MemoryOperands
  private let withMemory: MemoryOperands

  /// A row of an instruction to which prefixes mean what they mean everywhere.
  ///
  /// - Parameters:
  ///   - opcode: the opcode with its escape bytes.
  ///   - through: the last opcode of a run.
  ///   - digit: the manual's "/digit".
  ///   - digits: the values that are allowed in the reg field, as a bit mask.
  ///   - register: the "/digit" of a form in which mod is 3.
  ///   - modRM: the whole ModRM byte, C0 to FF.
  init(
    _ opcode: UInt32, through: UInt32? = nil,
    digit: UInt8? = nil, digits: UInt8? = nil, register: UInt8? = nil, modRM: UInt8? = nil,
    _ mnemonic: StaticString, _ operation: Operation,
    _ first: OperandCode = .none, _ second: OperandCode = .none, _ third: OperandCode = .none,
    flags: OpcodeFlags = []
  ) {
    self.init(
      .free, opcode, through: through, digit: digit, digits: digits, register: register, modRM: modRM,
      mnemonic,
      operation, first, second, third, flags: flags)
  }

  /// A row of an instruction whose opcode begins with `prefix`, or must go without: `OpcodeRow(.x66, 0x0F6F, ...)` is the
  /// manual's "66 0F 6F".
  init(
    _ prefix: MandatoryPrefix, _ opcode: UInt32, through: UInt32? = nil,
    digit: UInt8? = nil, digits: UInt8? = nil, register: UInt8? = nil, modRM: UInt8? = nil,
    _ mnemonic: StaticString, _ operation: Operation,
    _ first: OperandCode = .none, _ second: OperandCode = .none, _ third: OperandCode = .none,
    flags: OpcodeFlags = []
  ) {
    self.prefix = prefix
    self.opcode = opcode
    self.lastOpcode = through ?? opcode
    self.mnemonic = mnemonic
    self.operation = operation
    self.record = operation.record
    self.operands = (first, second, third)
    map =
      switch opcode >> 8 {
      case 0x0F: .map0F
      case 0x0F38: .map0F38
      case 0x0F3A: .map0F3A
      default: .oneByte
      }

    let codes = [first, second, third]
    let memoryOnly = codes.contains { $0.isMemoryOnly }
    let registerOnly = register != nil || modRM != nil || codes.contains { $0.isRegisterOnly }
    let pattern = ModRMPattern(
      registers: digits ?? (digit ?? register ?? modRM.map { $0 >> 3 & 7 }).map { 1 << $0 } ?? 0xFF,
      rms: modRM.map { 1 << ($0 & 7) } ?? 0xFF,
      memory: !registerOnly, register: !memoryOnly)
    self.pattern = pattern

    var flags = flags
    if pattern != .any || codes.contains(where: { $0.usesModRM }) { flags.insert(.modRM) }
    if codes.first(where: { $0 != .Ib && $0 != .DX })?.isByteData == true { flags.insert(.byteOperation) }
    if codes.contains(.Rd) { flags.formUnion([.doublewordOperation, .registerAlways]) }
    if [.control(.jcc), .data(.setcc), .data(.cmovcc)].contains(operation) { flags.insert(.conditional) }
    if prefix == .x66 { flags.insert(.mandatory66) }
    self.flags = flags

    let present = codes.filter { $0 != .none }
    withRegisters = Self.count(present, record.operands, modRMIsMemory: false)
    withMemory = Self.count(present, record.operands, modRMIsMemory: true)
  }

  /// The opcode's last byte, of the first opcode of a run.
  public var lastByte: UInt8 { UInt8(truncatingIfNeeded: opcode) }

  /// The operand codes that are there, in Intel's order.
  public var operandCodes: [OperandCode] { [operands.0, operands.1, operands.2].filter { $0 != .none } }

  /// What registers, memory or other flags afterwards may depend on: of a conditional instruction, its own condition.
  public var flagsRead: EFLAGS {
    guard flags.contains(.conditional), let condition = Condition(rawValue: lastByte & 0xF) else {
      return record.flags.reads
    }
    return condition.flags
  }

  /// How many of its operands in memory it loads and stores. A pair, or a far pointer's two parts, counts as one.
  /// - Parameter modRMIsMemory: whether ModRM names memory, in a row that allows both.
  public func memoryOperands(modRMIsMemory: Bool) -> MemoryOperands {
    modRMIsMemory ? withMemory : withRegisters
  }

  private static func count(
    _ codes: [OperandCode], _ use: OperandUse, modRMIsMemory: Bool
  ) -> MemoryOperands {
    var count = MemoryOperands(loads: 0, stores: 0)
    guard use != .address else { return count }
    for (index, code) in codes.enumerated()
    where code.isImplicitMemory || code.isMemoryOnly || code.isRegisterOrMemory && modRMIsMemory {
      if use.reads(index) { count.loads += 1 }
      if use.writes(index, of: codes.count) { count.stores += 1 }
    }
    return count
  }

  /// All the exceptions that it may raise where the processor has it.
  /// - Parameter modRMIsMemory: whether ModRM names memory, in a row that allows both.
  public func exceptions(modRMIsMemory: Bool) -> ExceptionSet {
    let operands = memoryOperands(modRMIsMemory: modRMIsMemory)
    let accesses = operands.loads + operands.stores + record.memory.loads + record.memory.stores
    let touches = accesses > 0 || record.memory.mayMakeMore
    return touches ? record.raises.union(.memoryAccess) : record.raises
  }
}
