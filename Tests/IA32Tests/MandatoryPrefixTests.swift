import Testing

@testable import IA32

/// Opcodes that prefixes tell apart and the maps 0F 38 and 0F 3A, in tables of their own: rows like those of MMX and SSE.
@Suite struct MandatoryPrefixTests {
  private static let rows: ContiguousArray<OpcodeRow> = [
    OpcodeRow(.none, 0x0F6F, "movq", .data(.mov), .Pq, .Qq),
    OpcodeRow(.x66, 0x0F6F, "movdqa", .data(.mov), .Vx, .Wx),
    OpcodeRow(.xF3, 0x0F6F, "movdqu", .data(.mov), .Vx, .Wx),
    // A group: registers only, by digit, without a prefix and with one.
    OpcodeRow(.none, 0x0F71, digit: 2, "psrlw", .data(.mov), .Nq, .Ib),
    OpcodeRow(.x66, 0x0F71, digit: 2, "psrlw", .data(.mov), .Ux, .Ib),
    OpcodeRow(.x66, 0x0F71, digit: 6, "psllw", .data(.mov), .Ux, .Ib),
    // A free row beside one with a prefix.
    OpcodeRow(0x0FBD, "bsr", .bit(.bsr), .Gv, .Ev),
    OpcodeRow(.xF3, 0x0FBD, "lzcnt", .data(.mov), .Gv, .Ev),
    OpcodeRow(.none, 0x0F3801, "phaddw", .data(.mov), .Pq, .Qq),
    OpcodeRow(.x66, 0x0F3801, "phaddw", .data(.mov), .Vx, .Wx),
    OpcodeRow(.x66, 0x0F3A0F, "palignr", .data(.mov), .Vx, .Wx, .Ib),
    OpcodeRow(.xF2, 0x0F10, "movsd", .data(.mov), .Vx, .Wq),
    OpcodeRow(.none, 0x0F7E, "movd", .data(.mov), .Ed, .Pq),
  ]
  private static let tables = DecodeTables(rows: rows)

  private func decode(_ bytes: [UInt8]) -> DecodeResult {
    bytes.withUnsafeBytes { Decoder.decode($0, mode: .bits32, Self.tables) }
  }

  /// The row, and the length, of what `bytes` decode to.
  private func row(_ bytes: [UInt8]) -> Int? {
    guard case .instruction(let instruction) = decode(bytes), Int(instruction.length) == bytes.count else {
      return nil
    }
    return Int(instruction.row)
  }

  @Test func prefixesChooseTheRow() {
    #expect(row([0x0F, 0x6F, 0xC1]) == 0)
    #expect(row([0x66, 0x0F, 0x6F, 0xC1]) == 1)
    #expect(row([0xF3, 0x0F, 0x6F, 0xC1]) == 2)
    #expect(row([0xF2, 0x0F, 0x6F, 0xC1]) == nil)
  }

  @Test func repetitionPrefixesCountBefore66() {
    #expect(row([0x66, 0xF3, 0x0F, 0x6F, 0xC1]) == 2)
    #expect(row([0xF3, 0x66, 0x0F, 0x6F, 0xC1]) == 2)
    // Of F2 and F3 the last one counts.
    #expect(row([0xF2, 0xF3, 0x0F, 0x6F, 0xC1]) == 2)
    #expect(row([0xF3, 0xF2, 0x0F, 0x10, 0xC1]) == 11)
  }

  @Test func groupsAreToldApartByPrefixToo() {
    #expect(row([0x0F, 0x71, 0xD1, 4]) == 3)
    #expect(row([0x66, 0x0F, 0x71, 0xD1, 4]) == 4)
    #expect(row([0x66, 0x0F, 0x71, 0xF1, 4]) == 5)
    #expect(row([0x0F, 0x71, 0xF1, 4]) == nil)
    #expect(decode([0x0F, 0x71, 0x11, 4]) == .undefined(length: 3), "memory where a register must be")
  }

  @Test func aFreeRowStandsInForPrefixesWithoutRows() {
    #expect(row([0x0F, 0xBD, 0xC1]) == 6)
    #expect(row([0x66, 0x0F, 0xBD, 0xC1]) == 6)
    #expect(row([0xF2, 0x0F, 0xBD, 0xC1]) == 6)
    #expect(row([0xF3, 0x0F, 0xBD, 0xC1]) == 7)
  }

  @Test func mapsOfThreeBytes() {
    #expect(row([0x0F, 0x38, 0x01, 0xC1]) == 8)
    #expect(row([0x66, 0x0F, 0x38, 0x01, 0xC1]) == 9)
    #expect(row([0x66, 0x0F, 0x3A, 0x0F, 0xC1, 7]) == 10)
    #expect(row([0x0F, 0x3A, 0x0F, 0xC1, 7]) == nil)
    #expect(decode([0x0F, 0x38]) == .incomplete)
    #expect(decode([0x0F, 0x38, 0x02]) == .undefined(length: 3))
  }

  @Test func operandsAndSizes() throws {
    guard case .instruction(let load) = decode([0xF2, 0x0F, 0x10, 0x56, 0x08]) else {
      Issue.record("not decoded")
      return
    }
    #expect(load.op0 == Operand(kind: .xmm, index: 2, width: 16))
    #expect(load.op1 == Operand(kind: .memory, width: 8))
    #expect(load.memory == MemoryOperand(base: 6, displacement: 8))
    guard case .instruction(let move) = decode([0x0F, 0x7E, 0xD1]) else {
      Issue.record("not decoded")
      return
    }
    #expect(move.op0 == Operand(kind: .register, index: 1, width: 4))
    #expect(move.op1 == Operand(kind: .mmx, index: 2, width: 8))
    // 66 is part of the opcode there, and no operand-size prefix.
    guard case .instruction(let aligned) = decode([0x66, 0x0F, 0x6F, 0x06]) else {
      Issue.record("not decoded")
      return
    }
    #expect(aligned.operandSize == 4)
    #expect(aligned.op1 == Operand(kind: .memory, width: 16))
  }

  @Test func withoutRowsTheMapsOfThreeBytesAreUndefinedOpcodesOfTwo() {
    let bytes: [UInt8] = [0x0F, 0x38, 0x01, 0xC1]
    let result = bytes.withUnsafeBytes { Decoder.decode($0, mode: .bits32) }
    #expect(result == .undefined(length: 2))
  }
}

/// What records say, where it can be seen without running anything.
@Suite struct OperationRecordTests {
  @Test func sequencesAndFlags() {
    for operation in Operation.allCases {
      let record = operation.record
      #expect(!record.mayChangeMode || record.endsBlock, "\(operation)")
      #expect(record.raises.isDisjoint(with: .pageFault), "\(operation): accesses bring #PF")
      let conditional = [.control(.jcc), .data(.setcc), .data(.cmovcc)].contains(operation)
      #expect((record.flags.reads == Condition.allFlags) == conditional, "\(operation)")
    }
  }

  @Test func floatingPointMemoryOperandsAreLoadedOrStored() {
    for row in OpcodeTable.rows {
      guard case .x87 = row.operation, row.operandCodes.contains(where: \.isMemoryOnly) else { continue }
      guard !row.record.needs.contains(.fxsave) else { continue }
      let operands = row.memoryOperands(modRMIsMemory: true)
      let stores = ["fst", "fist", "fbstp", "fnst", "fnsave"].contains { "\(row.mnemonic)".hasPrefix($0) }
      #expect(operands == MemoryOperands(loads: stores ? 0 : 1, stores: stores ? 1 : 0), "\(row.mnemonic)")
      #expect(row.record.needs.contains(.fpu))
    }
  }
}
