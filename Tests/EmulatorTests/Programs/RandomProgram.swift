import HostOracle
import IA32
import TestSupport

@testable import Emulator

/// A seeded straight-line program of integer instructions that no processor may disagree about: it faults nowhere, and
/// uses no flag that the manual leaves undefined.
struct RandomProgram {
  let seed: UInt64
  let registers: ProgramRegisters
  let extraSegment: Bool
  private(set) var code: [UInt8]
  let boundaries: [Int]
  let instructions: Int
  let undefined: EFLAGS

  /// The program of `seed`, of about `length` instructions, or the first `boundary` pieces of it.
  init(seed: UInt64, length: Int, boundary: Int? = nil) {
    self.seed = seed
    var random = SeededGenerator(seed: seed ^ 0x5bd1_e995)
    var registers = ProgramRegisters()
    for index in 0..<8 { registers.general[index] = random.word(UInt32.self) }
    registers.general[4] = Self.stackTop
    registers.eflags |= allFlagImages[Int(random.next() % 64)]
    if random.next() % 4 == 0 { registers.eflags |= EFLAGS.direction.rawValue }
    extraSegment = random.next() % 4 == 0
    var writer = CodeWriter(seed: seed, registers: registers, extraSegment: extraSegment)
    var pieces = 0
    while writer.instructions < length && pieces != boundary {
      writer.boundary()
      writer.piece()
      pieces += 1
    }
    let next = HostProcess.codeAddress + UInt32(writer.code.count) + 5
    writer.byte(0xe9)
    writer.doubleword(HostProcess.exitAddress &- next)
    self.registers = registers
    code = writer.code
    boundaries = writer.boundaries
    instructions = writer.instructions
    undefined = writer.undefined
  }

  static let stackTop = HostProcess.base + 0x1_8000

  /// The last piece's instructions, for reports.
  var lastPiece: String {
    guard let start = boundaries.last else { return "nothing" }
    var lines: [String] = []
    var offset = start
    while offset < code.count - 5 {
      let bytes = Array(code[offset...])
      guard case .instruction(let instruction) = bytes.withUnsafeBytes({ Decoder.decode($0, mode: .bits32) })
      else {
        lines.append("(bad) " + bytes.prefix(8).map { hexDigits($0) }.joined(separator: " "))
        break
      }
      let encoding = bytes.prefix(Int(instruction.length)).map { hexDigits($0) }.joined(separator: " ")
      lines.append(
        Disassembler.text(instruction, at: HostProcess.codeAddress + UInt32(offset)) + "  ; " + encoding)
      offset += Int(instruction.length)
    }
    return lines.joined(separator: "\n")
  }
}

extension CodeWriter {
  /// One instruction, with what prepares it.
  mutating func piece() {
    switch below(40) {
    case 0...6: arithmetic()
    case 7, 8: unary()
    case 9...11: move()
    case 12, 13: shift()
    case 14: doubleShift()
    case 15, 16: multiply()
    case 17, 18: divide()
    case 19, 20: bitTest()
    case 21: bitScan()
    case 22, 23: conditional()
    case 24, 25: exchange()
    case 26: extend()
    case 27...29: stack()
    case 30: frame()
    case 31...33: string()
    case 34: flagInstruction()
    case 35: decimal()
    case 36, 37: transfer()
    case 38: lea()
    default: small()
    }
    keepStackInPlace()
    if chance(5) { capture() }
  }

  /// Pushes the flags, the undefined ones cleared, so that the end's comparison sees them.
  private mutating func capture() {
    guard let top = known[4] else { return }
    byte(0x9c)
    known[4] = top &- 4
    count()
    guard !undefined.isEmpty else { return }
    // and dword ptr [esp], mask
    byte(0x81, 0x24, 0x24)
    doubleword(~undefined.rawValue)
    count()
    flagsAfter(open: .adjust)
  }

  private mutating func keepStackInPlace() {
    let distance = Int64(known[4] ?? 0) - Int64(RandomProgram.stackTop)
    if abs(distance) > 0x4000 { set(4, RandomProgram.stackTop &+ UInt32(below(0x800)) &- 0x400) }
  }

  // MARK: Arithmetic

  private mutating func arithmetic() {
    let operation = below(9)
    let width = width()
    let wide = width == 1 ? 0 : 1
    if operation == 2 || operation == 3 { need(.carry) }
    let isLogic = [1, 4, 6, 8].contains(operation)
    let writes = operation != 7 && operation != 8
    switch below(8) {
    case 0:
      // The accumulator and an immediate.
      if width == 2 { byte(0x66) }
      byte(operation == 8 ? 0xa8 | UInt8(wide) : UInt8(operation << 3 | 4 | wide))
      immediate(value(), width: width)
      count()
      if writes { forget(0) }
    case 1, 2, 3:
      let target = anyOperand(width: width)
      let encoded = encode(target)
      let value = value()
      let short = operation != 8 && width != 1 && chance(2)
      let opcode = operation == 8 ? 0xf6 | wide : short ? 0x83 : width == 1 && chance(4) ? 0x82 : 0x80 | wide
      emit(
        opcode, operation == 8 ? 0 : UInt8(operation), encoded, width: width, lock: mayLock(target, writes))
      immediate(value, width: short ? 1 : width)
      if writes, case .register(let number) = target { forget(number, width: width) }
    default:
      let target = anyOperand(width: width)
      let register = register(width: width)
      let encoded = encode(target)
      if operation == 8 {
        emit(0x84 | wide, register, encoded, width: width)
      } else if chance(2) {
        emit(operation << 3 | wide, register, encoded, width: width, lock: mayLock(target, writes))
        if writes, case .register(let number) = target { forget(number, width: width) }
      } else {
        emit(operation << 3 | 2 | wide, register, encoded, width: width)
        if writes { forget(register, width: width) }
      }
    }
    flagsAfter(open: isLogic ? .adjust : [])
  }

  mutating func mayLock(_ target: Operand, _ writes: Bool) -> Bool {
    guard writes, case .memory = target else { return false }
    return chance(6)
  }

  /// INC, DEC, NEG, NOT.
  private mutating func unary() {
    let width = width()
    let wide = width == 1 ? 0 : 1
    let target = anyOperand(width: width)
    switch below(5) {
    case 0 where width != 1:
      let register = register()
      if width == 2 { byte(0x66) }
      byte((chance(2) ? 0x40 : 0x48) + register)
      count()
      forget(register)
      flagsAfter(changed: EFLAGS.arithmetic.subtracting(.carry))
      return
    case 1, 2:
      let encoded = encode(target)
      emit(0xfe | wide, UInt8(below(2)), encoded, width: width, lock: mayLock(target, true))
      flagsAfter(changed: EFLAGS.arithmetic.subtracting(.carry))
    case 3:
      let encoded = encode(target)
      emit(0xf6 | wide, 2, encoded, width: width, lock: mayLock(target, true))
    default:
      let encoded = encode(target)
      emit(0xf6 | wide, 3, encoded, width: width, lock: mayLock(target, true))
      flagsAfter()
    }
    if case .register(let number) = target { forget(number, width: width) }
  }

  private mutating func shift() {
    let width = width()
    let wide = width == 1 ? 0 : 1
    let operation = [0, 1, 2, 3, 4, 5, 7][below(7)]
    if operation == 2 || operation == 3 { need(.carry) }
    let target = anyOperand(width: width)
    let count: UInt8
    switch below(3) {
    case 0:
      let encoded = encode(target)
      emit(0xd0 | wide, UInt8(operation), encoded, width: width)
      count = 1
    case 1:
      let encoded = encode(target)
      count = chance(3) ? UInt8(below(256)) : UInt8(below(34))
      emit(0xc0 | wide, UInt8(operation), encoded, width: width)
      byte(count)
    default:
      if known[1] == nil || chance(2) { set(1, value() & ~0xff | UInt32(chance(3) ? below(256) : below(34))) }
      let encoded = encode(target, sparing: [1])
      count = UInt8(knownValue(1) & 0xff)
      emit(0xd2 | wide, UInt8(operation), encoded, width: width)
    }
    if case .register(let number) = target { forget(number, width: width) }
    let instructions: [HostInstruction] = [.rol, .ror, .rcl, .rcr, .shl, .shr, .shl, .sar]
    shiftFlags(instructions[operation], width: width, count: count)
  }

  /// A count of zero changes no flag; else what the manual says of the instruction.
  private mutating func shiftFlags(_ instruction: HostInstruction, width: Int, count: UInt8) {
    guard count & 31 != 0 else { return }
    let open = UndefinedByTheManual(instruction, width: 8 * width, count: count).flags
    let isRotate = [.rol, .ror, .rcl, .rcr].contains(instruction)
    // A rotate leaves SF, ZF, AF and PF as they are, undefined ones too.
    flagsAfter(changed: isRotate ? [.carry, .overflow] : .arithmetic, open: open)
  }

  private mutating func doubleShift() {
    let width = wideWidth()
    let left = chance(2)
    let target = anyOperand(width: width)
    let source = register()
    let limit = width == 2 ? 17 : 32
    var count = UInt8(below(limit)) | UInt8(below(8)) << 5
    if chance(2) {
      let encoded = encode(target)
      emit(left ? 0x1a4 : 0x1ac, source, encoded, width: width)
      byte(count)
    } else {
      set(1, value() & ~0xff | UInt32(count))
      let encoded = encode(target, sparing: [1])
      count = UInt8(knownValue(1) & 0xff)
      emit(left ? 0x1a5 : 0x1ad, source, encoded, width: width)
    }
    if case .register(let number) = target { forget(number) }
    shiftFlags(left ? .shld : .shrd, width: width, count: count)
  }

  private mutating func multiply() {
    let width = width()
    let open: EFLAGS = [.sign, .zero, .adjust, .parity]
    if width != 1 && chance(2) {
      let target = anyOperand(width: width)
      let encoded = encode(target)
      let register = register()
      switch below(3) {
      case 0: emit(0x1af, register, encoded, width: width)
      case 1:
        emit(0x6b, register, encoded, width: width)
        byte(UInt8(below(256)))
      default:
        emit(0x69, register, encoded, width: width)
        immediate(value(), width: width)
      }
      forget(register)
    } else {
      let encoded = encode(anyOperand(width: width))
      emit(width == 1 ? 0xf6 : 0xf7, chance(2) ? 4 : 5, encoded, width: width)
      forget(0)
      if width != 1 { forget(2) }
    }
    flagsAfter(open: open)
  }

  /// A division whose quotient fits.
  private mutating func divide() {
    let width = width()
    let signed = chance(2)
    let bits = 8 * width
    let mask = UInt64(1) << bits - 1
    var divisor: UInt64
    var dividend: UInt64
    repeat {
      divisor = UInt64(value()) & mask
      let high = UInt64(value()) & mask
      let low = UInt64(value()) & mask
      dividend = chance(2) ? low : high << bits | low
    } while !Self.fits(dividend, divisor, bits: bits, signed: signed)
    if width == 1 {
      set(0, value() & ~0xffff | UInt32(dividend))
    } else {
      set(0, UInt32(dividend & mask) | (width == 2 ? value() << 16 : 0))
      set(2, UInt32(dividend >> bits) | (width == 2 ? value() << 16 : 0))
    }
    let opcode = width == 1 ? 0xf6 : 0xf7
    if chance(2) {
      // Not in the dividend: EBX, ECX, EBP, ESI, EDI.
      let register: UInt8 = width == 1 ? [1, 3][below(2)] : [1, 3, 5, 6, 7][below(5)]
      set(register, UInt32(divisor))
      emit(opcode, signed ? 7 : 6, Encoded(modRM: 0xc0 | register), width: width)
    } else {
      let place = place()
      // mov dword ptr [place], divisor
      byte(0xc7, 0x05)
      doubleword(place)
      doubleword(UInt32(divisor))
      count()
      let encoded = encode(.memory(place), sparing: [0, 2])
      emit(opcode, signed ? 7 : 6, encoded, width: width)
    }
    forget(0)
    if width != 1 { forget(2) }
    flagsAfter(open: .arithmetic)
  }

  private static func fits(_ dividend: UInt64, _ divisor: UInt64, bits: Int, signed: Bool) -> Bool {
    guard divisor != 0 else { return false }
    guard signed else { return dividend / divisor <= UInt64(1) << bits - 1 }
    let left = Int64(bitPattern: dividend << (64 - 2 * bits)) >> (64 - 2 * bits)
    let right = Int64(bitPattern: divisor << (64 - bits)) >> (64 - bits)
    let (quotient, overflow) = left.dividedReportingOverflow(by: right)
    let limit = Int64(1) << (bits - 1)
    return !overflow && quotient >= -limit && quotient < limit
  }

  // MARK: Bits

  private mutating func bitTest() {
    let width = wideWidth()
    let operation = UInt8(4 + below(4))
    let open: EFLAGS = [.overflow, .sign, .adjust, .parity]
    let writes = operation != 4
    if chance(2) {
      let target = anyOperand(width: width)
      let encoded = encode(target)
      emit(0x1ba, operation, encoded, width: width, lock: mayLock(target, writes))
      byte(UInt8(below(256)))
      if writes, case .register(let number) = target { forget(number) }
    } else {
      let opcode = 0x183 | Int(operation) << 3
      let index = register()
      if chance(2) {
        let target = register()
        emit(opcode, index, Encoded(modRM: 0xc0 | target), width: width)
        if writes { forget(target) }
      } else {
        // The operand's address and the index together name the word, which lies in the window.
        let reach = knownValue(index)
        let signed = width == 2 ? Int32(Int16(truncatingIfNeeded: reach)) : Int32(bitPattern: reach)
        let words = signed >> (width == 2 ? 4 : 5)
        let address = place() &- UInt32(bitPattern: words &* Int32(width))
        var encoded: Encoded
        repeat { encoded = encode(.memory(address), sparing: [index]) } while encoded.prefixes.contains(0x67)
        emit(opcode, index, encoded, width: width, lock: mayLock(.memory(address), writes))
      }
    }
    // ZF stays what it was.
    flagsAfter(changed: EFLAGS.arithmetic.subtracting(.zero), open: open)
  }

  private mutating func bitScan() {
    let width = wideWidth()
    let register = register()
    let encoded = encode(anyOperand(width: width))
    emit(chance(2) ? 0x1bc : 0x1bd, register, encoded, width: width)
    forget(register)
    flagsAfter(open: [.carry, .overflow, .sign, .adjust, .parity])
  }

  /// SETcc, CMOVcc.
  private mutating func conditional() {
    need(EFLAGS.arithmetic.subtracting(.adjust))
    let condition = below(16)
    if chance(2) {
      let target = anyOperand(width: 1)
      let encoded = encode(target)
      emit(0x190 | condition, UInt8(below(8)), encoded, width: 1)
      if case .register(let number) = target { forget(number, width: 1) }
    } else {
      let width = wideWidth()
      let register = register()
      let encoded = encode(anyOperand(width: width))
      emit(0x140 | condition, register, encoded, width: width)
      forget(register)
    }
  }
}
