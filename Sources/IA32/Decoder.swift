/// The code segment's D flag: the default size of operands and addresses. SDM vol. 3A, 3.4.5.
@frozen
public enum DecodeMode: UInt8, Sendable {
  case bits16, bits32
}

/// What the decoder found.
@frozen
public enum DecodeResult: Hashable, Sendable {
  case instruction(Instruction)
  /// The bytes given end inside the instruction.
  case incomplete
  /// #UD. `length` is the number of bytes it took to know.
  case undefined(length: UInt8)
  /// More than 15 bytes: #GP(0).
  case tooLong
}

/// The instruction decoder. SDM vol. 2A, chapter 2.
///
/// It knows encodings only. What depends on the processor's mode or state (privilege, real mode's undefined opcodes, CR4.DE) is
/// the executor's business.
public enum Decoder {
  /// The longest instruction, in bytes. SDM vol. 2A, 2.3.11.
  public static let maximumLength = 15

  /// Decodes the instruction that `bytes` begin with.
  ///
  /// - Parameters:
  ///   - bytes: the code, as many bytes as the caller can read; 15 always suffice.
  ///   - mode: the default size of operands and addresses.
  public static func decode(_ bytes: UnsafeRawBufferPointer, mode: DecodeMode) -> DecodeResult {
    decode(bytes, mode: mode, DecodeTables.shared)
  }

  /// The same by other tables than the processor's.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, mode: DecodeMode, _ tables: DecodeTables
  ) -> DecodeResult {
    var state = DecodeState(bytes, mode: mode)
    return state.decode(tables)
  }
}

/// The bytes of one instruction, with the place that decoding has reached.
private struct CodeCursor {
  private let base: UnsafeRawPointer?
  private let limit: Int
  private(set) var position = 0
  /// Set by reading past the end, which gives zeros.
  private(set) var overran = false

  init(_ bytes: UnsafeRawBufferPointer) {
    base = bytes.baseAddress
    limit = min(bytes.count, Decoder.maximumLength)
  }

  /// What having run past the end means.
  var overrunResult: DecodeResult { limit == Decoder.maximumLength ? .tooLong : .incomplete }

  @inline(__always)
  mutating func byte() -> UInt8 {
    guard position < limit, let base else {
      overran = true
      return 0
    }
    defer { position &+= 1 }
    return base.load(fromByteOffset: position, as: UInt8.self)
  }

  @inline(__always)
  mutating func word() -> UInt16 {
    let low = byte()
    return UInt16(low) | UInt16(byte()) << 8
  }

  @inline(__always)
  mutating func doubleword() -> UInt32 {
    let low = word()
    return UInt32(low) | UInt32(word()) << 16
  }
}

/// The decoding of one instruction, from its first prefix to its last immediate byte.
private struct DecodeState {
  private var cursor: CodeCursor
  private let is32: Bool
  private var prefixes: Prefixes = []
  private var override = SegmentRegister.ds
  private var opcode: UInt8 = 0
  private var modRM: UInt8 = 0
  private var instruction = Instruction(operation: .data(.nop), row: 0)

  init(_ bytes: UnsafeRawBufferPointer, mode: DecodeMode) {
    cursor = CodeCursor(bytes)
    is32 = mode == .bits32
  }

  mutating func decode(_ tables: DecodeTables) -> DecodeResult {
    opcode = readPrefixes()
    var row = readOpcode(tables)
    var isGroup = false
    if row & DecodeTables.notRow != 0 && row != DecodeTables.undefined {
      if row & DecodeTables.groupBit == 0 { row = tables.slot(prefixed: row, prefixes) }
      isGroup = row & DecodeTables.groupBit != 0 && row != DecodeTables.undefined
      if isGroup {
        modRM = cursor.byte()
        row = tables.row(group: row, modRM: modRM)
      }
    }
    if cursor.overran { return cursor.overrunResult }
    if row == DecodeTables.undefined { return .undefined(length: UInt8(truncatingIfNeeded: cursor.position)) }

    let entry = tables.entries[Int(row)]
    let flags = entry.flags
    let hasModRM = flags.contains(.modRM)
    if hasModRM && !isGroup { modRM = cursor.byte() }
    let hasMemory = hasModRM && modRM < 0xC0 && !flags.contains(.registerAlways)
    if prefixes.contains(.lock) && !(flags.contains(.lockable) && hasMemory) {
      if cursor.overran { return cursor.overrunResult }
      return .undefined(length: UInt8(truncatingIfNeeded: cursor.position))
    }

    instruction.operation = entry.operation
    instruction.row = row
    instruction.prefixes = prefixes
    let has66 = prefixes.contains(.operandSize) && !flags.contains(.mandatory66)
    let wide: UInt8 = is32 != has66 ? 4 : 2
    instruction.operandSize =
      flags.contains(.byteOperation) ? 1 : flags.contains(.doublewordOperation) ? 4 : wide
    instruction.addressSize = is32 != prefixes.contains(.addressSize) ? 4 : 2
    if flags.contains(.conditional) { instruction.condition = opcode & 0xF }
    if hasMemory {
      if instruction.addressSize == 4 { readAddress32() } else { readAddress16() }
    }
    instruction.op0 = operand(entry.first, wide)
    instruction.op1 = operand(entry.second, wide)
    instruction.op2 = operand(entry.third, wide)
    if cursor.overran { return cursor.overrunResult }
    if opcode & 0xF8 == 0xD8, case .x87 = entry.operation {
      instruction.immediate = UInt32(opcode & 7) << 8 | UInt32(modRM)
    }
    instruction.length = UInt8(truncatingIfNeeded: cursor.position)
    return .instruction(instruction)
  }

  /// Reads the rest of the opcode, whose first byte is in `opcode`, and gives its slot.
  @inline(__always)
  private mutating func readOpcode(_ tables: DecodeTables) -> UInt16 {
    guard opcode == 0x0F else { return tables.opcodes[Int(opcode)] }
    opcode = cursor.byte()
    if opcode == 0x38 && tables.hasMap0F38 {
      opcode = cursor.byte()
      return tables.opcodes[Int(OpcodeMap.map0F38.rawValue) << 8 | Int(opcode)]
    }
    if opcode == 0x3A && tables.hasMap0F3A {
      opcode = cursor.byte()
      return tables.opcodes[Int(OpcodeMap.map0F3A.rawValue) << 8 | Int(opcode)]
    }
    return tables.opcodes[0x100 | Int(opcode)]
  }

  /// Reads the prefixes and gives the byte after them. SDM vol. 2A, 2.1.1.
  private mutating func readPrefixes() -> UInt8 {
    while true {
      let byte = cursor.byte()
      switch byte {
      case 0x26: setOverride(.es)
      case 0x2E: setOverride(.cs)
      case 0x36: setOverride(.ss)
      case 0x3E: setOverride(.ds)
      case 0x64: setOverride(.fs)
      case 0x65: setOverride(.gs)
      case 0x66: prefixes.insert(.operandSize)
      case 0x67: prefixes.insert(.addressSize)
      case 0xF0: prefixes.insert(.lock)
      case 0xF2:
        prefixes.remove(.rep)
        prefixes.insert(.repne)
      case 0xF3:
        prefixes.remove(.repne)
        prefixes.insert(.rep)
      default: return byte
      }
    }
  }

  private mutating func setOverride(_ segment: SegmentRegister) {
    override = segment
    prefixes.insert(.segmentOverride)
  }

  /// The segment of an address whose default is `segment`.
  private func effective(_ segment: SegmentRegister) -> SegmentRegister {
    prefixes.contains(.segmentOverride) ? override : segment
  }
}

// MARK: - Addresses

extension DecodeState {
  /// ModRM's memory forms with 32-bit addresses, SIB included. SDM vol. 2A, tables 2-2 and 2-3.
  private mutating func readAddress32() {
    let mod = modRM >> 6
    var memory = MemoryOperand(base: modRM & 7)
    if memory.base == 4 {
      let sib = cursor.byte()
      memory.base = sib & 7
      let index = sib >> 3 & 7
      if index != 4 {
        memory.index = index
        memory.scale = sib >> 6
      }
    }
    switch mod {
    case 0:
      if memory.base == 5 {
        memory.base = MemoryOperand.noRegister
        memory.displacement = cursor.doubleword()
      }
    case 1: memory.displacement = signExtended(cursor.byte())
    default: memory.displacement = cursor.doubleword()
    }
    memory.segment = effective(memory.base == 4 || memory.base == 5 ? .ss : .ds)
    instruction.memory = memory
  }

  /// ModRM's memory forms with 16-bit addresses. SDM vol. 2A, table 2-1.
  private mutating func readAddress16() {
    let mod = modRM >> 6
    var memory = MemoryOperand()
    switch modRM & 7 {
    case 0: (memory.base, memory.index) = (3, 6)  // BX + SI
    case 1: (memory.base, memory.index) = (3, 7)  // BX + DI
    case 2: (memory.base, memory.index) = (5, 6)  // BP + SI
    case 3: (memory.base, memory.index) = (5, 7)  // BP + DI
    case 4: memory.base = 6  // SI
    case 5: memory.base = 7  // DI
    case 6: memory.base = mod == 0 ? MemoryOperand.noRegister : 5  // BP, or none
    default: memory.base = 3  // BX
    }
    switch mod {
    case 0: if memory.base == MemoryOperand.noRegister { memory.displacement = UInt32(cursor.word()) }
    case 1: memory.displacement = signExtended(cursor.byte())
    default: memory.displacement = signExtended(cursor.word())
    }
    memory.segment = effective(memory.base == 5 ? .ss : .ds)
    instruction.memory = memory
  }

  /// An address that the opcode implies: `segment:[register]`.
  private mutating func setAddress(_ register: UInt8, _ segment: SegmentRegister) {
    instruction.memory = MemoryOperand(base: register, segment: segment)
  }
}

// MARK: - Operands

extension DecodeState {
  /// Decodes one operand; immediates and offsets are read in the order in which they are encoded.
  private mutating func operand(_ code: OperandCode, _ wide: UInt8) -> Operand {
    switch code {
    case .none: return .none

    case .Eb: return registerOrMemory(1)
    case .Ew: return registerOrMemory(2)
    case .Ev: return registerOrMemory(wide)
    case .RvMw: return modRM < 0xC0 ? Operand(kind: .memory, width: 2) : registerOrMemory(wide)
    case .RdMw: return modRM < 0xC0 ? Operand(kind: .memory, width: 2) : registerOrMemory(4)
    case .Gb: return Operand(kind: .register, index: modRM >> 3 & 7, width: 1)
    case .Gw: return Operand(kind: .register, index: modRM >> 3 & 7, width: 2)
    case .Gv: return Operand(kind: .register, index: modRM >> 3 & 7, width: wide)
    case .Ed: return registerOrMemory(4)
    case .Gd: return Operand(kind: .register, index: modRM >> 3 & 7, width: 4)
    case .Rd: return Operand(kind: .register, index: modRM & 7, width: 4)
    case .Cd: return Operand(kind: .control, index: modRM >> 3 & 7, width: 4)
    case .Dd: return Operand(kind: .debug, index: modRM >> 3 & 7, width: 4)
    case .Sw: return Operand(kind: .segment, index: modRM >> 3 & 7, width: 2)

    case .M: return Operand(kind: .memory, width: 0)
    case .Ma: return Operand(kind: .memory, width: wide &* 2)
    case .Mp: return Operand(kind: .memory, width: wide &+ 2)
    case .Ms: return Operand(kind: .memory, width: 6)
    case .Mb: return Operand(kind: .memory, width: 1)
    case .Mw: return Operand(kind: .memory, width: 2)
    case .Md: return Operand(kind: .memory, width: 4)
    case .Mq: return Operand(kind: .memory, width: 8)
    case .Mt: return Operand(kind: .memory, width: 10)
    case .Mx: return Operand(kind: .memory, width: 16)
    case .Menv: return Operand(kind: .memory, width: wide == 4 ? 28 : 14)
    case .Mstate: return Operand(kind: .memory, width: wide == 4 ? 108 : 94)

    case .Ib: return immediate(UInt32(cursor.byte()), 1)
    case .sIb: return immediate(signExtended(cursor.byte()), wide)
    case .Iw: return immediate(UInt32(cursor.word()), 2)
    case .Iz: return immediate(wide == 4 ? cursor.doubleword() : UInt32(cursor.word()), wide)
    case .Ib2:
      instruction.immediate2 = UInt16(cursor.byte())
      return Operand(kind: .immediate, index: 1, width: 1)
    case .one: return immediate(1, 1)
    case .Jb:
      instruction.immediate = signExtended(cursor.byte())
      return Operand(kind: .relative, width: wide)
    case .Jz:
      instruction.immediate = wide == 4 ? cursor.doubleword() : signExtended(cursor.word())
      return Operand(kind: .relative, width: wide)
    case .Ap:
      instruction.immediate = wide == 4 ? cursor.doubleword() : UInt32(cursor.word())
      instruction.immediate2 = cursor.word()
      return Operand(kind: .farPointer, width: wide &+ 2)

    case .Ob: return offset(1)
    case .Ov: return offset(wide)
    case .Xb: return source(1)
    case .Xv: return source(wide)
    case .Yb: return destination(1)
    case .Yv: return destination(wide)
    case .rBXAL:
      setAddress(3, effective(.ds))
      return Operand(kind: .memory, index: 3, width: 1)
    case .rDI:
      setAddress(7, effective(.ds))
      return .none

    case .Zb: return Operand(kind: .register, index: opcode & 7, width: 1)
    case .Zv: return Operand(kind: .register, index: opcode & 7, width: wide)
    case .AL: return Operand(kind: .register, index: 0, width: 1)
    case .CL: return Operand(kind: .register, index: 1, width: 1)
    case .AX: return Operand(kind: .register, index: 0, width: 2)
    case .DX: return Operand(kind: .register, index: 2, width: 2)
    case .rAX: return Operand(kind: .register, index: 0, width: wide)

    case .ES: return segment(.es)
    case .CS: return segment(.cs)
    case .SS: return segment(.ss)
    case .DS: return segment(.ds)
    case .FS: return segment(.fs)
    case .GS: return segment(.gs)
    case .ST0: return Operand(kind: .x87, index: 0, width: 10)
    case .STi: return Operand(kind: .x87, index: modRM & 7, width: 10)
    case .Pq: return Operand(kind: .mmx, index: modRM >> 3 & 7, width: 8)
    case .Qq: return registerOrMemory(8, .mmx, registerWidth: 8)
    case .Qd: return registerOrMemory(4, .mmx, registerWidth: 8)
    case .Nq: return Operand(kind: .mmx, index: modRM & 7, width: 8)
    case .Vx: return Operand(kind: .xmm, index: modRM >> 3 & 7, width: 16)
    case .Wx: return registerOrMemory(16, .xmm, registerWidth: 16)
    case .Wq: return registerOrMemory(8, .xmm, registerWidth: 16)
    case .Wd: return registerOrMemory(4, .xmm, registerWidth: 16)
    case .Ux: return Operand(kind: .xmm, index: modRM & 7, width: 16)
    }
  }

  @inline(__always)
  private func registerOrMemory(_ width: UInt8) -> Operand {
    modRM < 0xC0
      ? Operand(kind: .memory, width: width) : Operand(kind: .register, index: modRM & 7, width: width)
  }

  private func registerOrMemory(_ width: UInt8, _ kind: OperandKind, registerWidth: UInt8) -> Operand {
    modRM < 0xC0
      ? Operand(kind: .memory, width: width) : Operand(kind: kind, index: modRM & 7, width: registerWidth)
  }

  private mutating func immediate(_ value: UInt32, _ width: UInt8) -> Operand {
    instruction.immediate = value
    return Operand(kind: .immediate, width: width)
  }

  /// The memory operand of MOV's short forms: an offset and no registers.
  private mutating func offset(_ width: UInt8) -> Operand {
    let displacement = instruction.addressSize == 4 ? cursor.doubleword() : UInt32(cursor.word())
    instruction.memory = MemoryOperand(segment: effective(.ds), displacement: displacement)
    return Operand(kind: .memory, width: width)
  }

  private mutating func source(_ width: UInt8) -> Operand {
    setAddress(6, effective(.ds))
    return Operand(kind: .memory, index: 6, width: width)
  }

  /// ES:(E)DI, which no prefix changes. Where there is a source as well, `memory` is the source's, whichever comes first.
  private mutating func destination(_ width: UInt8) -> Operand {
    if instruction.op0.kind != .memory { setAddress(7, .es) }
    return Operand(kind: .memory, index: 7, width: width)
  }

  private func segment(_ register: SegmentRegister) -> Operand {
    Operand(kind: .segment, index: register.rawValue, width: 2)
  }
}

@inline(__always)
private func signExtended(_ byte: UInt8) -> UInt32 {
  UInt32(bitPattern: Int32(Int8(bitPattern: byte)))
}

@inline(__always)
private func signExtended(_ word: UInt16) -> UInt32 {
  UInt32(bitPattern: Int32(Int16(bitPattern: word)))
}
