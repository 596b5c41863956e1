import Testing

@testable import IA32

/// The opcode table against the decoder that reads it, by enumeration of encodings.
@Suite struct OpcodeTableTests {
  /// A default size and the two size prefixes.
  struct Sizes: CustomTestStringConvertible {
    let mode: DecodeMode
    let prefixes: [UInt8]

    var operandSize: UInt8 { (mode == .bits32) != prefixes.contains(0x66) ? 4 : 2 }
    var addressSize: UInt8 { (mode == .bits32) != prefixes.contains(0x67) ? 4 : 2 }
    var testDescription: String { "\(mode) \(prefixes.map { String($0, radix: 16) })" }

    static let all = [DecodeMode.bits16, .bits32].flatMap { mode in
      [[], [0x66], [0x67], [0x66, 0x67]].map { Sizes(mode: mode, prefixes: $0) }
    }
  }

  static func decode(_ bytes: [UInt8], _ mode: DecodeMode = .bits32) -> DecodeResult {
    bytes.withUnsafeBytes { Decoder.decode($0, mode: mode) }
  }

  static func encoded(_ opcode: UInt32) -> [UInt8] {
    opcode < 0x100 ? [UInt8(opcode)] : encoded(opcode >> 8) + [UInt8(opcode & 0xFF)]
  }

  /// Bytes of immediates and offsets that an operand adds behind ModRM's.
  private func immediateBytes(_ code: OperandCode, _ sizes: Sizes) -> Int {
    switch code {
    case .Ib, .sIb, .Ib2, .Jb: 1
    case .Iw: 2
    case .Iz, .Jz: Int(sizes.operandSize)
    case .Ap: Int(sizes.operandSize) + 2
    case .Ob, .Ov: Int(sizes.addressSize)
    default: 0
    }
  }

  /// Bytes of SIB and displacement, from tables 2-1 to 2-3 of the SDM's volume 2A.
  private func addressBytes(_ modRM: UInt8, _ sib: UInt8, _ sizes: Sizes) -> Int {
    let (mod, rm) = (modRM >> 6, modRM & 7)
    if mod == 3 { return 0 }
    if sizes.addressSize == 2 { return mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0 }
    let base = rm == 4 ? sib & 7 : rm
    return (rm == 4 ? 1 : 0) + (mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0)
  }

  @Test(arguments: Sizes.all)
  func everyRowDecodesToItself(sizes: Sizes) {
    for (number, row) in OpcodeTable.rows.enumerated() {
      let codes = [row.operands.0, row.operands.1, row.operands.2]
      // 66 is part of the opcode, or not allowed.
      if sizes.prefixes.contains(0x66) && (row.prefix == .none || row.prefix == .x66) { continue }
      let immediates = codes.reduce(0) { $0 + immediateBytes($1, sizes) }
      for opcode in row.opcode...row.lastOpcode {
        let head = sizes.prefixes + (row.prefix.byte.map { [$0] } ?? []) + Self.encoded(opcode)
        guard row.flags.contains(.modRM) else {
          check(head, tail: immediates, row, number, sizes)
          continue
        }
        for modRM in UInt8.min...UInt8.max where row.pattern.matches(modRM) {
          for sib: UInt8 in modRM & 7 == 4 && modRM < 0xC0 ? [0x00, 0x25, 0x6C, 0xE4] : [0] {
            // Moves to and from control and debug registers take every ModRM byte for a register.
            let address = row.operands.0 == .Rd || row.operands.1 == .Rd ? 0 : addressBytes(modRM, sib, sizes)
            check(
              head + [modRM] + (address > 0 ? [sib] : []), tail: max(0, address - 1) + immediates, row,
              number,
              sizes)
          }
        }
      }
    }
  }

  /// `head` and `tail` bytes more must give the row; anything shorter is incomplete.
  private func check(_ head: [UInt8], tail: Int, _ row: OpcodeRow, _ number: Int, _ sizes: Sizes) {
    let bytes = head + [UInt8](repeating: 0x5A, count: tail)
    guard case .instruction(let instruction) = Self.decode(bytes + [0xCC], sizes.mode) else {
      Issue.record("\(bytes) isn't \(row.mnemonic)")
      return
    }
    if Int(instruction.row) != number || Int(instruction.length) != bytes.count
      || instruction.operation != row.operation || instruction.addressSize != sizes.addressSize
      || Self.decode(bytes, sizes.mode) != .instruction(instruction)
      || Self.decode(bytes.dropLast(), sizes.mode) != .incomplete
    {
      Issue.record("\(bytes) of \(row.mnemonic) gave \(instruction)")
    }
    let isFixed =
      row.flags.contains(.byteOperation) || row.flags.contains(.doublewordOperation)
    if !isFixed && instruction.operandSize != sizes.operandSize {
      Issue.record("\(bytes) of \(row.mnemonic) has operand size \(instruction.operandSize)")
    }
  }

  @Test(arguments: [MandatoryPrefix.none, .x66, .xF3, .xF2])
  func whatNoRowMatchesIsUndefined(prefix: MandatoryPrefix) {
    let prefixes: Set<UInt32> = [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x0F]
    for opcode in Array(UInt32(0)...0xFF) + Array(0x0F00...0x0FFF) where !prefixes.contains(opcode) {
      let rows = OpcodeTable.rows.filter { $0.opcode <= opcode && opcode <= $0.lastOpcode }
      for modRM in UInt8.min...UInt8.max {
        let all = rows.filter { $0.pattern.matches(modRM) }
        let own = all.filter { $0.prefix == prefix }
        let matching = own.isEmpty ? all.filter { $0.prefix == .free } : own
        let bytes =
          (prefix.byte.map { [$0] } ?? []) + Self.encoded(opcode) + [modRM] + [UInt8](repeating: 0, count: 10)
        let isUndefined = if case .undefined = Self.decode(bytes) { true } else { false }
        if matching.count > 1 || isUndefined != matching.isEmpty {
          Issue.record("\(bytes.prefix(3)): \(matching.count) rows, undefined: \(isUndefined)")
        }
      }
    }
  }

  @Test func lockIsAllowedWhereTheManualSays() {
    // SDM vol. 2A, "LOCK": these, and only with a destination in memory.
    let arithmetic: [ArithmeticOperation] = [
      .add, .adc, .and, .cmpxchg, .cmpxchg8b, .dec, .inc, .neg, .not, .or, .sbb, .sub, .xadd, .xor,
    ]
    let lockable = Set(
      arithmetic.map { Operation.arithmetic($0) } + [.bit(.btc), .bit(.btr), .bit(.bts), .data(.xchg)])
    for row in OpcodeTable.rows {
      let destinationIsModRM = [OperandCode.Eb, .Ev, .Mq].contains(row.operands.0)
      let expected = lockable.contains(row.operation) && destinationIsModRM && row.flags.contains(.modRM)
      for modRM in UInt8.min...UInt8.max where row.pattern.matches(modRM) {
        let bytes =
          [0xF0] + (row.prefix.byte.map { [$0] } ?? []) + Self.encoded(row.opcode) + [modRM]
          + [UInt8](repeating: 0, count: 12)
        let isDefined = if case .instruction = Self.decode(bytes) { true } else { false }
        #expect(isDefined == (expected && modRM < 0xC0), "lock \(row.mnemonic), ModRM \(modRM)")
      }
    }
  }

  @Test func everyOperationHasARow() {
    let used = Set(OpcodeTable.rows.map(\.operation))
    #expect(Operation.allCases.filter { !used.contains($0) }.isEmpty)
  }

  @Test func repetitionBelongsToStringInstructions() {
    for row in OpcodeTable.rows {
      let expected: OpcodeFlags =
        switch row.operation {
        case .string(.cmps), .string(.scas): .repWhile
        case .string: .rep
        default: []
        }
      #expect(row.flags.intersection([.rep, .repWhile]) == expected, "\(row.mnemonic)")
    }
  }
}
