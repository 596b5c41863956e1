/// The parts of one disassembled line.
struct InstructionText {
  let instruction: Instruction
  let row: OpcodeRow
  let address: UInt32

  private static let registers32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"]
  private static let registers16 = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"]
  private static let registers8 = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"]
  private static let segments = ["es", "cs", "ss", "ds", "fs", "gs"]

  /// The whole line: prefix, mnemonic, operands.
  func line(_ symbol: ((UInt32) -> String?)?) -> String {
    let operands = operandTexts(symbol).joined(separator: ",")
    let name = prefix + mnemonic
    if operands.isEmpty { return name }
    return name + String(repeating: " ", count: max(1, 7 - name.count)) + operands
  }

  /// LOCK and the repetition prefixes, where they mean something.
  private var prefix: String {
    var text = instruction.prefixes.contains(.lock) ? "lock " : ""
    if row.flags.isString {
      let repeatsWhile = row.flags.contains(.repWhile)
      if instruction.prefixes.contains(.rep) { text += repeatsWhile ? "repz " : "rep " }
      if instruction.prefixes.contains(.repne) { text += "repnz " }
    }
    return text
  }

  /// Whether the code segment's default is 32 bits: the address size and its prefix tell.
  private var is32: Bool {
    (instruction.addressSize == 4) != instruction.prefixes.contains(.addressSize)
  }

  /// The mnemonic, which tells the sizes apart where no operand does.
  private var mnemonic: String {
    let wide = instruction.operandSize == 4
    let written = "\(row.mnemonic)"
    switch instruction.operation {
    case .arithmetic(.cbw): return wide ? "cwde" : "cbw"
    case .arithmetic(.cwd): return wide ? "cdq" : "cwd"
    case .control(.jcxz): return instruction.addressSize == 4 ? "jecxz" : "jcxz"
    case .data(.nop) where instruction.op0.kind == .none && instruction.prefixes.contains(.rep):
      return "pause"
    case .data(.nop) where isSizedNop: return "xchg"
    case .stack(.pusha), .stack(.popa), .stack(.pushf), .stack(.popf), .stack(.leave), .stack(.enter),
      .control(.iret), .control(.ret), .control(.retFar):
      return written + sizeSuffix
    case .stack(.push), .segment(.pushSegment), .segment(.popSegment), .control(.call), .control(.jmp), .x87:
      return written + (showsSize ? "" : sizeSuffix)
    case .descriptor(.sgdt), .descriptor(.sidt), .descriptor(.lgdt), .descriptor(.lidt):
      return written + (wide ? "d" : "w")
    case .sse(.cmp, _):
      guard let predicate = comparison else { return written }
      return "cmp" + predicate + written.dropFirst(3)
    case .arithmetic, .decimal, .shift, .bit, .flag, .data, .stack, .segment, .string, .control, .port,
      .descriptor, .system, .simdMove, .packedInteger, .sse, .simdConversion, .simdControl:
      return written
    }
  }

  /// The predicate of CMPPS and its kin, as part of the mnemonic; nil where there is no such predicate.
  private var comparison: String? {
    guard case .sse(.cmp, _) = instruction.operation, instruction.immediate < 8 else { return nil }
    return ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"][Int(instruction.immediate)]
  }

  /// Whether the first operand tells the operand size, or has nothing to do with it.
  private var showsSize: Bool {
    switch row.operands.0 {
    case .Jb: true
    case .Menv, .Mstate: false
    default: [.register, .memory, .x87, .none].contains(instruction.op0.kind)
    }
  }

  /// "w" or "d" where the operand size isn't the code segment's.
  private var sizeSuffix: String {
    (instruction.operandSize == 4) == is32 ? "" : is32 ? "w" : "d"
  }

  /// 90 with an operand-size prefix, which assemblers write as the XCHG that the opcode stands for.
  private var isSizedNop: Bool {
    instruction.op0.kind == .none && instruction.prefixes.isDisjoint(with: .rep)
      && instruction.prefixes.contains(.operandSize)
  }

  private func operandTexts(_ symbol: ((UInt32) -> String?)?) -> [String] {
    if instruction.operation == .data(.nop) && isSizedNop {
      return instruction.operandSize == 4 ? ["eax", "eax"] : ["ax", "ax"]
    }
    var texts: [String] = []
    let codes = [row.operands.0, row.operands.1, row.operands.2]
    for (code, operand) in zip(codes, [instruction.op0, instruction.op1, instruction.op2])
    where operand.kind != .none {
      // The two-operand IMUL names its destination once.
      if instruction.operation == .arithmetic(.imul2) && code == .Gv && !texts.isEmpty { continue }
      if code == .Ib && comparison != nil { continue }
      texts.append(text(operand, code, symbol))
    }
    return texts
  }

  private func text(_ operand: Operand, _ code: OperandCode, _ symbol: ((UInt32) -> String?)?) -> String {
    let index = Int(operand.index & 7)
    switch operand.kind {
    case .none: return ""
    case .register:
      // These read a selector from a register that is written at the operand size.
      let isWhole =
        code == .Ew
        && [.segment(.movToSegment), .descriptor(.lar), .descriptor(.lsl)].contains(instruction.operation)
      switch isWhole ? instruction.operandSize : operand.width {
      case 1: return Self.registers8[index]
      case 2: return Self.registers16[index]
      default: return Self.registers32[index]
      }
    case .segment: return index < 6 ? Self.segments[index] : "?"
    case .control: return "cr\(index)"
    case .debug: return "dr\(index)"
    case .memory: return sizeName(operand, code) + memory(operand, code)
    case .immediate:
      if code == .one { return "1" }
      if operand.index == 1 { return hex(UInt32(instruction.immediate2)) }
      return hex(instruction.immediate & mask(operand.width))
    case .relative:
      let target = branchTarget(operand)
      if let name = symbol?(target) { return "\(hex(target)) <\(name)>" }
      return hex(target)
    case .farPointer: return "\(hex(UInt32(instruction.immediate2))):\(hex(instruction.immediate))"
    case .x87: return code == .ST0 ? "st" : "st(\(index))"
    case .mmx: return "mm\(index)"
    case .xmm: return "xmm\(index)"
    }
  }

  /// "DWORD PTR " and the like, which MOV's short forms and operands without a simple type go without.
  private func sizeName(_ operand: Operand, _ code: OperandCode) -> String {
    if code == .Ob || code == .Ov { return "" }
    if instruction.operation == .system(.invlpg) { return "BYTE PTR " }
    switch operand.width {
    case 1: return "BYTE PTR "
    case 2: return "WORD PTR "
    case 4: return "DWORD PTR "
    case 6: return code == .Ms ? "" : "FWORD PTR "
    case 8: return "QWORD PTR "
    case 10: return "TBYTE PTR "
    case 16: return "XMMWORD PTR "
    default: return ""
    }
  }

  /// The address: `fs:[ebx+esi*4+0x10]`, or `ds:0x1234` where no register is added.
  private func memory(_ operand: Operand, _ code: OperandCode) -> String {
    let names = instruction.addressSize == 4 ? Self.registers32 : Self.registers16
    switch code {
    case .Yb, .Yv: return "es:[\(names[7])]"
    case .Xb, .Xv, .rBXAL:
      return "\(Self.segments[Int(instruction.memory.segment.rawValue)]):[\(names[Int(operand.index & 7)])]"
    default: break
    }
    let memory = instruction.memory
    let segment = Self.segments[Int(memory.segment.rawValue)] + ":"
    var terms: [String] = []
    if memory.base < 8 { terms.append(names[Int(memory.base)]) }
    if memory.index < 8 {
      terms.append(
        names[Int(memory.index)] + (instruction.addressSize == 4 ? "*\(1 << (memory.scale & 3))" : ""))
    }
    if terms.isEmpty { return segment + hex(memory.displacement) }
    var text = terms.joined(separator: "+")
    if memory.displacement != 0 {
      let signed = Int32(bitPattern: memory.displacement)
      text += signed < 0 ? "-" + hex(signed.magnitude) : "+" + hex(signed.magnitude)
    }
    return (instruction.prefixes.contains(.segmentOverride) ? segment : "") + "[\(text)]"
  }

  /// Where a relative branch goes. A 16-bit one wraps at 64 KiB: to the first 64 KiB in 32-bit code, and within the same
  /// 64 KiB in 16-bit code, whose offsets have no higher bits unless the caller adds the segment's base.
  private func branchTarget(_ operand: Operand) -> UInt32 {
    let target = address &+ UInt32(instruction.length) &+ instruction.immediate
    if operand.width == 4 { return target }
    return target & 0xFFFF | (is32 ? 0 : address & 0xFFFF_0000)
  }

  private func mask(_ width: UInt8) -> UInt32 { width == 1 ? 0xFF : width == 2 ? 0xFFFF : 0xFFFF_FFFF }

  private func hex(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
}
