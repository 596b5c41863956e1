import IA32

/// A row of the opcode table as bytes that can be executed: its memory operand is [ESI], registers are ECX (by ModRM's r/m
/// field or the opcode) and EDX (by its reg field), DS where it is a segment register, CR2 and DR2.
struct EncodedInstruction: CustomStringConvertible {
  let row: OpcodeRow
  let number: Int
  /// ModRM names memory.
  let inMemory: Bool
  let bytes: [UInt8]

  var description: String {
    "\(row.mnemonic) (row \(number)): \(bytes.map { hexDigits($0) }.joined(separator: " "))"
  }

  var loads: Int { row.memoryOperands(modRMIsMemory: inMemory).loads + row.record.memory.loads }
  var stores: Int { row.memoryOperands(modRMIsMemory: inMemory).stores + row.record.memory.stores }
  var exceptions: ExceptionSet { row.exceptions(modRMIsMemory: inMemory) }

  /// What the bytes are filled with.
  struct Filling {
    /// Immediate bytes.
    var immediate: UInt8 = 1
    /// Displacement of relative branches.
    var relative: UInt8 = 0
    /// Target of far branches.
    var far: (selector: UInt16, offset: UInt32) = (0, 0)
    /// Address of operands that are an offset in the code.
    var address: UInt32 = 0
    /// With an operand-size prefix.
    var has66 = false
  }

  /// The row's forms: with a register, with memory, or the only one there is.
  static func forms(of number: Int, _ filling: Filling) -> [EncodedInstruction] {
    let row = OpcodeTable.rows[number]
    guard row.flags.contains(.modRM) else { return [EncodedInstruction(row, number, nil, filling)] }
    let isSegment = row.operandCodes.contains(.Sw)
    let registers: [UInt8] = isSegment ? [3] : [2, 0, 1, 3, 4, 5, 6, 7]
    let preferred = registers.flatMap { [$0 << 3 | 6, 0xc0 | $0 << 3 | 1] }
    let candidates = (preferred + Array(0xc0...0xff)).filter { row.pattern.matches($0) }
    let memory = row.flags.contains(.registerAlways) ? nil : candidates.first { $0 < 0xc0 }
    let register = candidates.first { $0 >= 0xc0 }
    return [memory, register].compactMap { $0 }.map { EncodedInstruction(row, number, $0, filling) }
  }

  private init(_ row: OpcodeRow, _ number: Int, _ modRM: UInt8?, _ filling: Filling) {
    self.row = row
    self.number = number
    inMemory = modRM.map { $0 < 0xc0 } ?? false
    var bytes: [UInt8] = filling.has66 ? [0x66] : []
    if let prefix = row.prefix.byte { bytes.append(prefix) }
    bytes += row.map.escape
    // Of a run the second one, with ECX.
    bytes.append(row.lastByte + (row.lastOpcode > row.opcode && row.lastByte & 7 == 0 ? 1 : 0))
    if let modRM { bytes.append(modRM) }
    for code in row.operandCodes { bytes += Self.immediate(code, filling) }
    self.bytes = bytes
  }

  private static func immediate(_ code: OperandCode, _ filling: Filling) -> [UInt8] {
    func little(_ value: UInt32, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }
    let wide = filling.has66 ? 2 : 4
    switch code {
    case .Ib, .sIb, .Ib2: return [filling.immediate]
    case .Iw: return [16, 0]
    case .Iz: return little(0x8000_8000 | UInt32(filling.immediate), wide)
    case .Jb: return [filling.relative]
    case .Jz: return little(UInt32(filling.relative), wide)
    case .Ap: return little(filling.far.offset, wide) + little(UInt32(filling.far.selector), 2)
    case .Ob, .Ov: return little(filling.address, 4)
    default: return []
    }
  }
}
