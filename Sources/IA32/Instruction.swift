/// The segment registers, numbered as ModRM's reg field numbers them. SDM vol. 2A, table 2-1 and section 3.1.1.3 (Sreg).
@frozen
public enum SegmentRegister: UInt8, CaseIterable, Sendable {
  case es = 0
  case cs, ss, ds, fs, gs
}

/// The prefixes found before an opcode. Of F2 and F3 only the last one counts. SDM vol. 2A, 2.1.1.
@frozen
public struct Prefixes: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// F0.
  @inlinable public static var lock: Self { Self(rawValue: 1 << 0) }
  /// F3: REP, REPE.
  @inlinable public static var rep: Self { Self(rawValue: 1 << 1) }
  /// F2: REPNE.
  @inlinable public static var repne: Self { Self(rawValue: 1 << 2) }
  /// 66.
  @inlinable public static var operandSize: Self { Self(rawValue: 1 << 3) }
  /// 67.
  @inlinable public static var addressSize: Self { Self(rawValue: 1 << 4) }
  /// Any of 26, 2E, 36, 3E, 64, 65; which one is in ``MemoryOperand/segment``.
  @inlinable public static var segmentOverride: Self { Self(rawValue: 1 << 5) }
}

/// What an operand is, and with it where its value lies.
@frozen
public enum OperandKind: UInt8, Sendable {
  case none
  /// A general register, numbered by ``Operand/index``.
  case register
  /// A segment register: ``Operand/index`` is the raw value of a ``SegmentRegister``.
  case segment
  /// CR0, CR2, CR3 or CR4.
  case control
  /// DR0 to DR7.
  case debug
  /// The location that ``Instruction/memory`` describes.
  case memory
  /// ``Instruction/immediate``, or ``Instruction/immediate2`` where ``Operand/index`` is 1 (ENTER's nesting level).
  case immediate
  /// ``Instruction/immediate``, a displacement from the next instruction.
  case relative
  /// ``Instruction/immediate2`` : ``Instruction/immediate``, a selector and an offset in the code.
  case farPointer
  /// ST(i) of the floating-point unit, numbered by ``Operand/index``.
  case x87
  /// MM0 to MM7.
  case mmx
  /// XMM0 to XMM7.
  case xmm
}

/// One operand of a decoded instruction.
@frozen
public struct Operand: Hashable, Sendable {
  /// What the operand is.
  public var kind: OperandKind
  /// The register's number. Byte registers 0 to 7 are AL, CL, DL, BL, AH, CH, DH, BH. In a string instruction's memory
  /// operand it is the pointer register: 6 for (E)SI, 7 for (E)DI.
  public var index: UInt8
  /// Size in bytes; 0 where the instruction uses an address and no data (LEA, INVLPG).
  public var width: UInt8

  /// An operand with these fields.
  @inlinable
  public init(kind: OperandKind, index: UInt8 = 0, width: UInt8 = 0) {
    self.kind = kind
    self.index = index
    self.width = width
  }

  /// No operand.
  @inlinable public static var none: Operand { Operand(kind: .none) }
}

/// The address of a memory operand: `segment:[base + index << scale + displacement]`. SDM vol. 2A, 2.1.5.
@frozen
public struct MemoryOperand: Hashable, Sendable {
  /// The general register added, 0 to 7, or ``noRegister``.
  public var base: UInt8
  /// The general register scaled and added, 0 to 7, or ``noRegister``. With 16-bit addresses SI or DI beside BX or BP.
  public var index: UInt8
  /// The shift applied to the index, 0 to 3.
  public var scale: UInt8
  /// The segment in effect: the override's, else SS where the base is (E)SP or (E)BP, else DS.
  public var segment: SegmentRegister
  /// Sign-extended where a register is added; an address on its own is zero-extended.
  public var displacement: UInt32

  /// Stands in ``base`` and ``index`` for "none".
  @inlinable public static var noRegister: UInt8 { 8 }

  /// An address with these parts; without a register it is absolute.
  @inlinable
  public init(
    base: UInt8 = noRegister, index: UInt8 = noRegister, scale: UInt8 = 0, segment: SegmentRegister = .ds,
    displacement: UInt32 = 0
  ) {
    self.base = base
    self.index = index
    self.scale = scale
    self.segment = segment
    self.displacement = displacement
  }
}

/// A decoded instruction: plain data, with everything that its encoding says and nothing that depends on registers.
@frozen
public struct Instruction: Hashable, Sendable {
  /// What the instruction does.
  public var operation: Operation
  /// Bytes, prefixes included: 1 to 15.
  public var length: UInt8
  /// Bytes that the operation works on: 1, 2 or 4.
  public var operandSize: UInt8
  /// Bytes of an address: 2 or 4.
  public var addressSize: UInt8
  /// The condition (tttn) of Jcc, SETcc and CMOVcc, else 0. SDM vol. 1, appendix B.
  public var condition: UInt8
  /// The prefixes found.
  public var prefixes: Prefixes
  /// The destination, or the only operand. The operands are in Intel's order, implicit ones of the opcode spelled out.
  public var op0: Operand
  /// The second operand.
  public var op1: Operand
  /// The third operand.
  public var op2: Operand
  /// The address, where an operand is ``OperandKind/memory``. In a string instruction it is that of the source, or of the
  /// destination where there is no source in memory (INS, STOS, SCAS).
  public var memory: MemoryOperand
  /// Sign-extended to 32 bits where the manual sign-extends. The displacement of a relative branch, the offset of a far pointer,
  /// 1 for the shifts by one. Of a floating-point instruction the low eleven bits of its two opcode bytes, which the unit keeps.
  public var immediate: UInt32
  /// ENTER's nesting level, or the selector of a far pointer.
  public var immediate2: UInt16
  /// The row of ``OpcodeTable/rows`` that matched.
  public var row: UInt16

  /// An instruction of `row` that has no operands yet.
  @inlinable
  public init(operation: Operation, row: UInt16) {
    self.operation = operation
    self.length = 0
    self.operandSize = 0
    self.addressSize = 0
    self.condition = 0
    self.prefixes = []
    self.op0 = .none
    self.op1 = .none
    self.op2 = .none
    self.memory = MemoryOperand()
    self.immediate = 0
    self.immediate2 = 0
    self.row = row
  }

  /// Whether an operand lies in memory.
  @inlinable public var accessesMemory: Bool {
    op0.kind == .memory || op1.kind == .memory || op2.kind == .memory
  }
}
