import Testing

@testable import IA32

/// What the fields of a decoded instruction mean, by example.
@Suite struct DecoderTests {
  private func decode(_ bytes: [UInt8], _ mode: DecodeMode = .bits32) throws -> Instruction {
    let result = bytes.withUnsafeBytes { Decoder.decode($0, mode: mode) }
    guard case .instruction(let instruction) = result else {
      Issue.record("\(bytes) gave \(result)")
      throw CancellationError()
    }
    #expect(Int(instruction.length) == bytes.count)
    return instruction
  }

  private func result(_ bytes: [UInt8], _ mode: DecodeMode = .bits32) -> DecodeResult {
    bytes.withUnsafeBytes { Decoder.decode($0, mode: mode) }
  }

  // MARK: Addresses

  @Test(
    arguments: [
      // mov eax,[...]
      ([0x8B, 0x03], MemoryOperand(base: 3)),
      ([0x8B, 0x45, 0xFC], MemoryOperand(base: 5, segment: .ss, displacement: 0xFFFF_FFFC)),
      ([0x3E, 0x8B, 0x45, 0xFC], MemoryOperand(base: 5, segment: .ds, displacement: 0xFFFF_FFFC)),
      ([0x8B, 0x04, 0x24], MemoryOperand(base: 4, segment: .ss)),
      (
        [0x8B, 0x44, 0x8D, 0x10], MemoryOperand(base: 5, index: 1, scale: 2, segment: .ss, displacement: 0x10)
      ),
      ([0x8B, 0x04, 0xAB], MemoryOperand(base: 3, index: 5, scale: 2)),
      ([0x8B, 0x04, 0xCD, 1, 2, 3, 4], MemoryOperand(index: 1, scale: 3, displacement: 0x0403_0201)),
      ([0x8B, 0x04, 0x25, 1, 2, 3, 0x84], MemoryOperand(displacement: 0x8403_0201)),
      ([0x8B, 0x05, 1, 2, 3, 0x84], MemoryOperand(displacement: 0x8403_0201)),
      ([0x64, 0xA1, 1, 2, 3, 4], MemoryOperand(segment: .fs, displacement: 0x0403_0201)),
      ([0x67, 0x8B, 0x42, 0x80], MemoryOperand(base: 5, index: 6, segment: .ss, displacement: 0xFFFF_FF80)),
      ([0x67, 0x8B, 0x87, 0x00, 0x80], MemoryOperand(base: 3, displacement: 0xFFFF_8000)),
      ([0x67, 0x8B, 0x06, 0x00, 0x80], MemoryOperand(displacement: 0x8000)),
      ([0x67, 0xA1, 0x00, 0x80], MemoryOperand(displacement: 0x8000)),
    ] as [([UInt8], MemoryOperand)])
  func addresses(bytes: [UInt8], memory: MemoryOperand) throws {
    let instruction = try decode(bytes)
    #expect(instruction.operation == .data(.mov))
    #expect(instruction.op0 == Operand(kind: .register, index: 0, width: 4))
    #expect(instruction.op1 == Operand(kind: .memory, width: 4))
    #expect(instruction.memory == memory)
  }

  @Test func stringInstructionsPointAtTheirSource() throws {
    let movs = try decode([0xF3, 0x2E, 0xA5])
    #expect(movs.op0 == Operand(kind: .memory, index: 7, width: 4))
    #expect(movs.op1 == Operand(kind: .memory, index: 6, width: 4))
    #expect(movs.memory == MemoryOperand(base: 6, segment: .cs))
    #expect(movs.prefixes == [.rep, .segmentOverride])

    let cmps = try decode([0xA6])
    #expect(cmps.op0 == Operand(kind: .memory, index: 6, width: 1))
    #expect(cmps.op1 == Operand(kind: .memory, index: 7, width: 1))
    #expect(cmps.memory == MemoryOperand(base: 6, segment: .ds))

    // ES can't be overridden.
    let stos = try decode([0x2E, 0x66, 0xAB])
    #expect(stos.memory == MemoryOperand(base: 7, segment: .es))
    #expect(stos.op1 == Operand(kind: .register, index: 0, width: 2))
    #expect(stos.operandSize == 2)

    let outs = try decode([0x65, 0x6E])
    #expect(outs.op0 == Operand(kind: .register, index: 2, width: 2))
    #expect(outs.memory == MemoryOperand(base: 6, segment: .gs))
    #expect(outs.operandSize == 1)

    let xlat = try decode([0xD7])
    #expect(xlat.op0 == Operand(kind: .memory, index: 3, width: 1))
    #expect(xlat.memory == MemoryOperand(base: 3))
    #expect(xlat.operandSize == 1)
  }

  // MARK: Immediates

  @Test(
    arguments: [
      ([0x83, 0xC0, 0xFF], 0xFFFF_FFFF, 4),  // add eax,-1
      ([0x66, 0x83, 0xC0, 0xFF], 0xFFFF_FFFF, 2),
      ([0x80, 0xC0, 0xFF], 0xFF, 1),
      ([0x04, 0xFF], 0xFF, 1),
      ([0x66, 0x05, 0xFF, 0xFF], 0xFFFF, 2),
      ([0x6A, 0x80], 0xFFFF_FF80, 4),  // push -128
      ([0xD1, 0xE0], 1, 4),  // shl eax,1
      ([0xC1, 0xE0, 0xFF], 0xFF, 4),
      ([0xC2, 0x00, 0x80], 0x8000, 4),  // ret 0x8000
      ([0xCD, 0x80], 0x80, 4),
      ([0xE4, 0xF4], 0xF4, 1),
      ([0xE5, 0xF4], 0xF4, 4),
      ([0xEB, 0xFE], 0xFFFF_FFFE, 4),
      ([0x66, 0xE9, 0xFD, 0xFF], 0xFFFF_FFFD, 2),
      ([0xE9, 0x00, 0x00, 0x00, 0x80], 0x8000_0000, 4),
    ] as [([UInt8], UInt32, UInt8)])
  func immediates(bytes: [UInt8], immediate: UInt32, operandSize: UInt8) throws {
    let instruction = try decode(bytes)
    #expect(instruction.immediate == immediate)
    #expect(instruction.operandSize == operandSize)
  }

  @Test func twoImmediates() throws {
    let enter = try decode([0xC8, 0x34, 0x12, 0x1F])
    #expect(enter.immediate == 0x1234 && enter.immediate2 == 0x1F)
    #expect(enter.op0 == Operand(kind: .immediate, width: 2))
    #expect(enter.op1 == Operand(kind: .immediate, index: 1, width: 1))

    let far = try decode([0xEA, 0x78, 0x56, 0x34, 0x12, 0x08, 0x00])
    #expect(far.operation == .control(.jmpFar) && far.immediate == 0x1234_5678 && far.immediate2 == 8)
    #expect(far.op0 == Operand(kind: .farPointer, width: 6))

    let far16 = try decode([0x9A, 0x34, 0x12, 0x00, 0xF0], .bits16)
    #expect(far16.operation == .control(.callFar) && far16.immediate == 0x1234 && far16.immediate2 == 0xF000)
    #expect(far16.op0 == Operand(kind: .farPointer, width: 4))
  }

  // MARK: Operands

  @Test func multiplicationNamesBothFactors() throws {
    let two = try decode([0x0F, 0xAF, 0x0B])  // imul ecx,[ebx]
    let ecx = Operand(kind: .register, index: 1, width: 4)
    #expect(two.operation == .arithmetic(.imul2) && two.op0 == ecx && two.op1 == ecx)
    #expect(two.op2 == Operand(kind: .memory, width: 4))

    let three = try decode([0x6B, 0xCB, 0xFE])  // imul ecx,ebx,-2
    #expect(three.operation == .arithmetic(.imul2) && three.op0 == ecx)
    #expect(three.op1 == Operand(kind: .register, index: 3, width: 4))
    #expect(three.op2 == Operand(kind: .immediate, width: 4) && three.immediate == 0xFFFF_FFFE)

    let one = try decode([0xF7, 0xEB])
    #expect(one.operation == .arithmetic(.imul) && one.op0 == Operand(kind: .register, index: 3, width: 4))
  }

  @Test func conditionsComeFromTheOpcode() throws {
    #expect(try decode([0x7F, 0]).condition == 15)
    #expect(try decode([0x0F, 0x84, 0, 0, 0, 0]).condition == 4)
    #expect(try decode([0x0F, 0x92, 0xC0]).condition == 2)
    #expect(try decode([0x0F, 0x4D, 0xC0]).condition == 13)
    #expect(try decode([0x40]).condition == 0)
  }

  @Test func systemRegisters() throws {
    // mod is ignored and the operands are always doublewords.
    for modRM: UInt8 in [0xD8, 0x18, 0x58, 0x98] {
      let instruction = try decode([0x66, 0x0F, 0x22, modRM])  // mov cr3,eax
      #expect(instruction.operation == .system(.movToCR) && instruction.operandSize == 4)
      #expect(instruction.op0 == Operand(kind: .control, index: 3, width: 4))
      #expect(instruction.op1 == Operand(kind: .register, index: 0, width: 4))
    }
    #expect(try decode([0x0F, 0x21, 0xF8], .bits16).op1 == Operand(kind: .debug, index: 7, width: 4))
    #expect(try decode([0x8E, 0xD0]).op0 == Operand(kind: .segment, index: 2, width: 2))
    #expect(try decode([0x8C, 0xC8]).op0 == Operand(kind: .register, index: 0, width: 4))
    #expect(try decode([0x8C, 0x08]).op0 == Operand(kind: .memory, width: 2))
    #expect(try decode([0x0F, 0x01, 0x10]).op0 == Operand(kind: .memory, width: 6))
    #expect(try decode([0x0F, 0x01, 0x38]).op0 == Operand(kind: .memory, width: 0))
    #expect(try decode([0x0F, 0xC7, 0x0E]).op0 == Operand(kind: .memory, width: 8))
    #expect(try decode([0x62, 0x03]).op1 == Operand(kind: .memory, width: 8))
    #expect(try decode([0x66, 0xC4, 0x03]).op1 == Operand(kind: .memory, width: 4))
  }

  @Test func floatingPoint() throws {
    let load = try decode([0xDB, 0x2B])
    #expect(load.operation == .x87(.fld) && load.op0 == Operand(kind: .memory, width: 10))
    #expect("\(OpcodeTable.row(of: load).mnemonic)" == "fld")
    let add = try decode([0xDC, 0xC3])
    #expect(add.op0 == Operand(kind: .x87, index: 3, width: 10))
    #expect(add.op1 == Operand(kind: .x87, index: 0, width: 10))
    #expect(try decode([0xDD, 0x30]).op0.width == 108)
    #expect(try decode([0x66, 0xD9, 0x20]).op0.width == 14)
  }

  @Test func hintsAreIgnored() throws {
    #expect(try decode([0xF3, 0x90]).operation == .data(.nop))
    #expect(try decode([0xF3, 0x0F, 0xBC, 0xC1]).operation == .bit(.bsf))
    #expect(try decode([0xF3, 0x0F, 0xBD, 0xC1]).operation == .bit(.bsr))
    #expect(try decode([0x0F, 0x1F, 0x44, 0x00, 0x00]).operation == .data(.nop))
    #expect(try decode([0x66, 0x66, 0x2E, 0x3E, 0x90]).memory.segment == .ds)
  }

  // MARK: Prefixes and length

  @Test func theLastRepetitionPrefixCounts() throws {
    #expect(try decode([0xF2, 0xF3, 0xA6]).prefixes == .rep)
    #expect(try decode([0xF3, 0xF2, 0xA6]).prefixes == .repne)
    #expect(try decode([0x2E, 0x64, 0x8B, 0x03]).memory.segment == .fs)
  }

  @Test func fifteenBytesAreTheLimit() throws {
    let prefixes = [UInt8](repeating: 0x2E, count: 16)
    #expect(try decode(prefixes.prefix(14) + [0x90]).length == 15)
    #expect(result(prefixes.prefix(15) + [0x90]) == .tooLong)
    #expect(result(prefixes.prefix(14) + [0x04, 0x00]) == .tooLong)
    #expect(result(prefixes.prefix(12) + [0x8B, 0x43, 0x00]) != .tooLong)
    #expect(result(prefixes.prefix(12) + [0x8B, 0x83, 0, 0, 0, 0]) == .tooLong)
    #expect(result(Array(prefixes.prefix(14))) == .incomplete)
    #expect(result(Array(prefixes.prefix(15))) == .tooLong)
    #expect(result([]) == .incomplete)
  }

  @Test(
    arguments: [
      ([0x0F, 0x0D, 0x00], 2), ([0x0F, 0x05], 2), ([0x0F, 0x7C, 0xC1], 2),
      ([0x66, 0x0F, 0x7C, 0xC1], 3), ([0x0F, 0xB8, 0xC1], 2),
      ([0x0F, 0xFF, 0xC0], 2),
      ([0x8D, 0xC0], 2), ([0x62, 0xC0], 2), ([0xC4, 0xC0], 2), ([0xC5, 0xF8], 2),  // registers for memory
      ([0x0F, 0x01, 0xD0], 3), ([0x0F, 0x01, 0xF8], 3), ([0x0F, 0xC7, 0xC8], 3), ([0x0F, 0xB2, 0xC0], 3),
      ([0xFF, 0xD8], 2), ([0xFF, 0xE8], 2), ([0xFF, 0xF8], 2), ([0xFE, 0xD0], 2), ([0x8F, 0xC8], 2),
      ([0xC6, 0xC8], 2),
      ([0x8E, 0xC8], 2), ([0x8E, 0xF0], 2), ([0x8C, 0xF8], 2),  // MOV to CS, segments 6 and 7
      ([0x0F, 0x20, 0xC8], 3), ([0x0F, 0x22, 0xE8], 3), ([0x0F, 0x22, 0xF8], 3), ([0x0F, 0x24, 0xC0], 2),
      ([0x0F, 0x00, 0xF0], 3), ([0x0F, 0xBA, 0xC0], 3), ([0xDF, 0xC0], 2), ([0xD9, 0xD1], 2),
      ([0xDD, 0x08], 2),
      ([0xF0, 0x90], 2), ([0xF0, 0x01, 0xC0], 3), ([0xF0, 0x03, 0x00], 3), ([0xF0, 0x38, 0x00], 3),  // LOCK
    ] as [([UInt8], UInt8)])
  func undefinedOpcodes(bytes: [UInt8], length: UInt8) {
    #expect(result(bytes + [UInt8](repeating: 0, count: 12)) == .undefined(length: length))
    #expect(result(Array(bytes.prefix(Int(length)))) == .undefined(length: length))
    #expect(result(Array(bytes.prefix(Int(length) - 1))) == .incomplete)
  }

  @Test func anythingDecodesTheSameWithMoreBytesAndNeverTraps() {
    let seed: UInt64 = 0xDEC0_DE01
    var random = RandomCode(seed: seed)
    let code = random.bytes(count: 60_000)
    for start in 0..<code.count - 16 {
      for mode in [DecodeMode.bits16, .bits32] {
        let full = result(Array(code[start..<start + 16]), mode)
        let length: Int
        switch full {
        case .instruction(let instruction): length = Int(instruction.length)
        case .undefined(let needed): length = Int(needed)
        case .tooLong: length = 15
        case .incomplete:
          Issue.record("seed \(seed), offset \(start): 16 bytes are incomplete")
          return
        }
        if result(Array(code[start..<start + length]), mode) != full
          || result(Array(code[start..<start + length - 1]), mode) != .incomplete
        {
          Issue.record("seed \(seed), offset \(start), \(mode): the length of \(full) isn't what it takes")
          return
        }
      }
    }
  }
}
