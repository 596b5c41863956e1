/// What is true of an opcode beside its operands.
@frozen
public struct OpcodeFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt16

  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// LOCK is allowed when the destination is in memory. SDM vol. 2A, "LOCK".
  @inlinable public static var lockable: Self { Self(rawValue: 1 << 0) }
  /// A string instruction that REP repeats (E)CX times.
  @inlinable public static var rep: Self { Self(rawValue: 1 << 1) }
  /// A string instruction that REPE and REPNE repeat while ZF agrees.
  @inlinable public static var repWhile: Self { Self(rawValue: 1 << 2) }
  /// A ModRM byte follows the opcode. Set by the table itself.
  @inlinable public static var modRM: Self { Self(rawValue: 1 << 3) }
  /// Works on bytes, whatever the operand size. Set by the table itself.
  @inlinable public static var byteOperation: Self { Self(rawValue: 1 << 4) }
  /// Works on doublewords, whatever the operand size: moves to and from control and debug registers. Set by the table itself.
  @inlinable public static var doublewordOperation: Self { Self(rawValue: 1 << 5) }
  /// Bits 3 to 0 of the opcode are a condition. Set by the table itself.
  @inlinable public static var conditional: Self { Self(rawValue: 1 << 6) }
  /// ModRM's mod field is ignored and r/m is always a register. Set by the table itself.
  @inlinable public static var registerAlways: Self { Self(rawValue: 1 << 7) }

  /// One of the string instructions.
  @inlinable public var isString: Bool { !isDisjoint(with: [.rep, .repWhile]) }
}

/// Which ModRM bytes belong to a row; everything where the opcode is not shared.
@frozen
public struct ModRMPattern: Hashable, Sendable {
  /// Bit n is set when a reg field of n matches.
  public let registers: UInt8
  /// Bit n is set when an r/m field of n matches; looked at only where mod is 3.
  public let rms: UInt8
  /// Whether mod 0 to 2 match.
  public let memory: Bool
  /// Whether mod 3 matches.
  public let register: Bool

  /// Every ModRM byte.
  static let any = ModRMPattern(registers: 0xFF, rms: 0xFF, memory: true, register: true)

  /// The group digit of the manual's "/digit", where the pattern is one.
  public var digit: UInt8? {
    registers.nonzeroBitCount == 1 ? UInt8(registers.trailingZeroBitCount) : nil
  }

  /// Whether the byte belongs to the row.
  public func matches(_ modRM: UInt8) -> Bool {
    guard registers >> (modRM >> 3 & 7) & 1 != 0 else { return false }
    return modRM < 0xC0 ? memory : register && rms >> (modRM & 7) & 1 != 0
  }
}

/// One row of the opcode table: an opcode, or a run of opcodes that differ in a register number only.
public struct OpcodeRow: Sendable {
  /// The first opcode: one byte, or 0F and a second one.
  public let opcode: UInt16
  /// The last opcode of the run; the first one again where there is no run.
  public let lastOpcode: UInt16
  /// The ModRM bytes that are this row's.
  public let pattern: ModRMPattern
  /// The name as the manual spells it, in lower case, for a 32-bit operand size where it depends on that.
  public let mnemonic: StaticString
  public let operation: Operation
  public let operands: (OperandCode, OperandCode, OperandCode)
  public let flags: OpcodeFlags

  /// A row as the tables write it.
  ///
  /// - Parameters:
  ///   - opcode: the opcode, 0x00 to 0xFF or 0x0F00 to 0x0FFF.
  ///   - through: the last opcode of a run.
  ///   - digit: the manual's "/digit".
  ///   - digits: the values that are allowed in the reg field, as a bit mask.
  ///   - register: the "/digit" of a form in which mod is 3.
  ///   - modRM: the whole ModRM byte, C0 to FF.
  init(
    _ opcode: UInt16, through: UInt16? = nil,
    digit: UInt8? = nil, digits: UInt8? = nil, register: UInt8? = nil, modRM: UInt8? = nil,
    _ mnemonic: StaticString, _ operation: Operation,
    _ first: OperandCode = .none, _ second: OperandCode = .none, _ third: OperandCode = .none,
    flags: OpcodeFlags = []
  ) {
    self.opcode = opcode
    self.lastOpcode = through ?? opcode
    self.mnemonic = mnemonic
    self.operation = operation
    self.operands = (first, second, third)

    let codes = [first, second, third]
    let memoryOnly = codes.contains { $0.isMemoryOnly }
    let registerOnly = register != nil || modRM != nil
    let pattern = ModRMPattern(
      registers: digits ?? (digit ?? register ?? modRM.map { $0 >> 3 & 7 }).map { 1 << $0 } ?? 0xFF,
      rms: modRM.map { 1 << ($0 & 7) } ?? 0xFF,
      memory: !registerOnly, register: !memoryOnly)
    self.pattern = pattern

    var flags = flags
    if pattern != .any || codes.contains(where: { $0.usesModRM }) { flags.insert(.modRM) }
    if codes.first(where: { $0 != .Ib && $0 != .DX })?.isByteData == true { flags.insert(.byteOperation) }
    if codes.contains(.Rd) { flags.formUnion([.doublewordOperation, .registerAlways]) }
    switch operation {
    case .jcc, .setcc, .cmovcc: flags.insert(.conditional)
    default: break
    }
    self.flags = flags
  }
}

/// The opcode table of the i686: every instruction of the Pentium Pro, one row an opcode. SDM vol. 2D, appendix A.
///
/// The decoder, the interpreter's choice of handler, the disassembler and the tests that enumerate encodings all read this
/// table. An opcode without a row is undefined; so are the ModRM bytes that no row's pattern matches.
public enum OpcodeTable {
  /// All rows. ``Instruction/row`` is an index into them.
  public static let rows: ContiguousArray<OpcodeRow> = ContiguousArray(
    oneByteRows + twoByteRows + groupRows + x87Rows)

  /// The row that an instruction was decoded with.
  public static func row(of instruction: Instruction) -> OpcodeRow { rows[Int(instruction.row)] }
}
