import IA32
import TestSupport

/// The forms of all instructions that programs can execute: each row of the opcode table with registers and with memory, with
/// operands of 32 and of 16 bits, and string instructions with each repetition.
enum VectorForms {
  static let encodingsPerForm = 16

  /// Instructions that answer with what only that processor or that system knows, or that leave the program.
  static func leftOut(_ row: OpcodeRow) -> String? {
    switch row.operation {
    case .descriptor(.sgdt), .descriptor(.sidt), .descriptor(.sldt), .descriptor(.str), .system(.smsw):
      "the host's own registers, or #GP under UMIP"
    case .system(.cpuid): "tells which processor it is"
    case .system(.rdtsc): "tells the time"
    case .system(.sysenter): "enters the host's kernel"
    default: nil
    }
  }

  static func all(seed: UInt64) -> [VectorForm] {
    var random = SeededGenerator(seed: seed)
    return OpcodeTable.rows.filter { leftOut($0) == nil }.flatMap { forms(of: $0, &random) }
  }

  private static let sized: Set<OperandCode> = [
    .Ev, .Gv, .Zv, .rAX, .Iz, .sIb, .Ov, .Xv, .Yv, .RvMw, .Mp, .Ap, .Ma, .Jb, .Jz, .Menv, .Mstate,
  ]

  /// Whether an operand-size prefix makes another instruction of it.
  private static func hasSizes(_ row: OpcodeRow) -> Bool {
    guard row.prefix == .free, !row.flags.contains(.doublewordOperation) else { return false }
    if !row.flags.contains(.byteOperation), row.operandCodes.contains(where: sized.contains) { return true }
    return switch row.operation {
    case .stack, .arithmetic(.cbw), .arithmetic(.cwd), .segment, .control(.ret), .control(.retFar),
      .control(.iret):
      true
    default: false
    }
  }

  private static func pool(_ row: OpcodeRow) -> VectorForm.Pool {
    switch row.operation {
    case .x87(.fxsave), .x87(.fxrstor), .simdMove, .packedInteger, .sse, .simdConversion, .simdControl: .simd
    case .x87, .system(.wait): .x87
    default: .integer
    }
  }

  /// What tells a row's forms from each other.
  struct Choice {
    var has66: Bool
    /// Whether ModRM names memory; nil without one.
    var inMemory: Bool?
    /// F3 or F2.
    var repetition: UInt8?
  }

  static func choices(of row: OpcodeRow) -> [Choice] {
    var places: [Bool?] = [nil]
    if row.flags.contains(.modRM) {
      let all = (0...0xff as ClosedRange<UInt8>).filter { row.pattern.matches($0) }
      places = []
      if row.flags.contains(.registerAlways) || all.contains(where: { $0 >= 0xc0 }) { places.append(false) }
      if !row.flags.contains(.registerAlways), all.contains(where: { $0 < 0xc0 }) { places.append(true) }
    }
    let repetitions: [UInt8?] =
      row.flags.contains(.repWhile) ? [nil, 0xf3, 0xf2] : row.flags.contains(.rep) ? [nil, 0xf3] : [nil]
    return (hasSizes(row) ? [false, true] : [false]).flatMap { has66 in
      places.flatMap { inMemory in
        repetitions.map { Choice(has66: has66, inMemory: inMemory, repetition: $0) }
      }
    }
  }

  private static func forms(of row: OpcodeRow, _ random: inout SeededGenerator) -> [VectorForm] {
    var result: [VectorForm] = []
    for choice in choices(of: row) {
      let encodings = (0..<encodingsPerForm).map { number -> VectorEncoding in
        var writer = VectorEncodingWriter(
          row, number: number, has66: choice.has66, inMemory: choice.inMemory, repetition: choice.repetition)
        return writer.encoding(&random)
      }
      result.append(
        VectorForm(
          name: name(row, choice), pool: pool(row), first: Int(random.below(UInt32(VectorPools.count))),
          stride: Int(random.below(UInt32(VectorPools.count))) | 1, encodings: encodings))
    }
    return result
  }

  private static func name(_ row: OpcodeRow, _ choice: Choice) -> String {
    var name = String(describing: row.mnemonic)
    name += " " + row.operandCodes.map { "\($0)" }.joined(separator: ",")
    name += " " + hexDigits(row.opcode)
    if let digit = row.pattern.digit { name += "/\(digit)" }
    if let repetition = choice.repetition { name += repetition == 0xf3 ? " F3" : " F2" }
    if choice.has66 { name += " 66" }
    if let inMemory = choice.inMemory { name += inMemory ? " memory" : " register" }
    return name
  }
}

/// Writes one encoding of a row, and what its operands ask of states.
struct VectorEncodingWriter {
  private let row: OpcodeRow
  private let number: Int
  private let has66: Bool
  private let inMemory: Bool?
  private let repetition: UInt8?
  private var fixups: [VectorFixup] = []
  /// Registers that the operation gives a value of its own.
  private var reserved: Set<UInt8> = [4]
  /// Where the operand in memory begins.
  private var address = VectorState.operand
  /// The bits of a base register that states vary.
  private var lowMask: UInt32 = 0

  init(_ row: OpcodeRow, number: Int, has66: Bool, inMemory: Bool?, repetition: UInt8?) {
    (self.row, self.number, self.has66, self.inMemory, self.repetition) =
      (row, number, has66, inMemory, repetition)
  }

  private static let selectors: [UInt16] = [
    0x2b, 0, 0x2b, 1, 0x23, 3, 0x2b, 0x18, 0x08, 0x10, 0x2a, 0x63, 0x3003, 0x2b, 0x28, 0x2c,
  ]
  private var selector: UInt16 { Self.selectors[number % Self.selectors.count] }
  /// Of far branches: most go where they can.
  private var codeSelector: UInt16 {
    [0x23, 0x23, 0x23, 0, 0x23, 0x2b, 0x23, 0x23, 0x18, 0x23, 0x23, 0x3003, 0x23, 0x23, 0x22, 0x23][number]
  }

  private mutating func fix(_ register: UInt8, _ mask: UInt32, _ addend: UInt32) {
    reserved.insert(register)
    fixups.append(
      VectorFixup(place: VectorState.Place.general(register), mask: mask, addend: addend))
  }

  private mutating func fixStack(_ offset: Int, _ mask: UInt32, _ addend: UInt32) {
    fixups.append(
      VectorFixup(place: VectorState.Place.stackTop + offset, mask: mask, addend: addend))
  }

  private mutating func fixOperand(_ offset: Int, _ mask: UInt32, _ addend: UInt32) {
    fixups.append(
      VectorFixup(
        place: VectorState.Place.data + Int(address - VectorState.data) + offset, mask: mask, addend: addend))
  }

  mutating func encoding(_ random: inout SeededGenerator) -> VectorEncoding {
    var bytes: [UInt8] = []
    if inMemory == true {
      if row.flags.contains(.lockable), random.oneIn(3) { bytes.append(0xf0) }
      if random.oneIn(8) { bytes.append([0x26, 0x2e, 0x36, 0x3e][Int(random.below(4))]) }
    }
    if has66 { bytes.append(0x66) }
    if let repetition { bytes.append(repetition) }
    if let prefix = row.prefix.byte { bytes.append(prefix) }
    bytes += row.map.escape
    let run = row.lastOpcode - row.opcode
    var last = row.lastByte
    if run > 0 { last += UInt8(random.below(run + 1)) }
    bytes.append(last)
    chooseMemory(&random)
    var modRM: [UInt8] = []
    if row.flags.contains(.modRM) { modRM = operands(&random) }
    prepare(modRM.first, &random)
    bytes += modRM
    for code in row.operandCodes { bytes += immediate(code, &random) }
    return VectorEncoding(bytes: bytes, fixups: fixups)
  }

  // MARK: ModRM

  private mutating func chooseMemory(_ random: inout SeededGenerator) {
    let wide: Set<OperandCode> = [.Wx, .Mx]
    lowMask =
      row.operandCodes.contains(where: wide.contains)
      ? (random.oneIn(4) ? 0xf : 0) : [0, 0, 3, 7, 0xf][Int(random.below(5))]
    switch row.operation {
    case .x87(.fxsave), .x87(.fxrstor):
      address = VectorState.data + 0x80
      lowMask = number % 8 == 7 ? 0xf : 0
    case .control, .segment, .descriptor, .simdControl(.ldmxcsr), .arithmetic(.cmpxchg),
      .arithmetic(.cmpxchg8b), .x87:
      lowMask = number % 4 == 3 && fixupsNeedNoPlace ? lowMask : 0
    default: break
    }
  }

  /// Whether the operand may lie anywhere.
  private var fixupsNeedNoPlace: Bool {
    switch row.operation {
    case .arithmetic, .x87: true
    default: false
    }
  }

  /// ModRM and what follows it.
  private mutating func operands(_ random: inout SeededGenerator) -> [UInt8] {
    if case .arithmetic(let operation) = row.operation, operation == .div || operation == .idiv {
      reserved.formUnion([0, 2])
    }
    while true {
      let reg = random.byte() & 7
      let rm = random.byte() & 7
      guard inMemory == true else {
        let modRM = 0xc0 | reg << 3 | rm
        // A branch through ESP would put the stack among the code.
        if row.pattern.matches(modRM), !(isBranch && rm == 4) { return [modRM] }
        continue
      }
      guard row.pattern.matches(reg << 3) else { continue }
      if case .bit = row.operation, row.operandCodes.contains(.Gv) {
        if reserved.contains(reg) { continue }
        fix(reg, 0x1ff, 0 &- 0x100)
      }
      return [memory(reg, &random)].flatMap { $0 }
    }
  }

  private var isBranch: Bool {
    if case .control = row.operation { true } else { false }
  }

  private mutating func memory(_ reg: UInt8, _ random: inout SeededGenerator) -> [UInt8] {
    var base: UInt8
    repeat { base = random.byte() & 7 } while reserved.contains(base)
    switch random.below(5) {
    case 0:
      return [reg << 3 | 5] + Self.little(address + (lowMask == 0 ? 0 : random.below(lowMask)))
    case 1 where base != 5:
      fix(base, lowMask, address)
      return [reg << 3 | base]
    case 2:
      let displacement = random.byte()
      fix(base, lowMask, address &- UInt32(bitPattern: Int32(Int8(bitPattern: displacement))))
      return [0x40 | reg << 3 | base, displacement]
    case 3:
      fix(base, lowMask, address)
      var index: UInt8
      repeat { index = random.byte() & 7 } while reserved.contains(index)
      let scale = random.byte() & 3
      fix(index, lowMask >> UInt32(scale), 0)
      return [0x44 | reg << 3, scale << 6 | index << 3 | base, 0]
    default:
      let displacement = random.word()
      fix(base, lowMask, address &- displacement)
      return [0x80 | reg << 3 | base] + Self.little(displacement)
    }
  }

  private static func little(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }

  // MARK: What operations need

  private mutating func prepare(_ modRM: UInt8?, _ random: inout SeededGenerator) {
    let rm = modRM.map { $0 & 7 } ?? 0
    let landing = VectorState.landing
    let data = VectorState.data
    switch row.operation {
    case .arithmetic(.div), .arithmetic(.idiv): prepareDivision()
    case .stack(.enter), .stack(.leave): fix(5, 0x1c, VectorState.stackTop)
    case .stack(.popf): fixStack(0, 0x4_0cd5, 0x202)
    case .control(let operation): prepareControl(operation, rm)
    case .data(.xlat): fix(3, 0xff, data)
    case .string:
      fix(6, 0xf, data + 0x80)
      fix(7, 0xf, data + (number % 2 == 0 ? 0xb0 : 0x84))
      if repetition != nil { fix(1, 0xf, 0) }
    case .simdMove(.maskmovq), .simdMove(.maskmovdqu): fix(7, 0xf, data + 0x40)
    case .simdControl(.ldmxcsr) where number % 4 != 3: fixOperand(0, 0xffff, 0)
    case .x87(.fxrstor) where lowMask == 0: fixOperand(24, number % 4 == 2 ? 0x1_ffff : 0xffff, 0)
    case .segment(.movToSegment), .descriptor(.lar), .descriptor(.lsl), .descriptor(.verr),
      .descriptor(.verw):
      if inMemory == true {
        fixOperand(0, 0xffff_0000, UInt32(selector))
      } else {
        fix(rm, 0xffff_0000, UInt32(selector))
      }
    case .segment(.popSegment): fixStack(0, 0xffff_0000, UInt32(selector))
    case .segment(.les), .segment(.lds), .segment(.lss), .segment(.lfs), .segment(.lgs):
      if has66 {
        fixOperand(0, 0xffff, UInt32(selector) << 16)
      } else {
        fixOperand(4, 0xffff_0000, UInt32(selector))
      }
    default: break
    }
    _ = landing
  }

  private mutating func prepareDivision() {
    let isSigned = row.operation == .arithmetic(.idiv)
    if row.flags.contains(.byteOperation) {
      if number % 4 != 0 { fix(0, number % 4 == 1 ? 0xff : 0xfff, 0) }
      return
    }
    switch number % 4 {
    case 1: fix(2, 0, 0)
    case 2:
      fix(2, 3, 0)
      fix(0, 0xffff, 0)
    case 3:
      fix(2, 0, isSigned ? .max : 1)
      fix(0, .max, 0)
    default: break
    }
  }

  private mutating func prepareControl(_ operation: ControlOperation, _ rm: UInt8) {
    let landing = VectorState.landing
    let selector = UInt32(codeSelector)
    switch operation {
    case .ret: fixStack(0, 0xff, landing)
    case .retFar, .iret:
      if has66 {
        fixStack(0, 0xff, landing & 0xffff | selector << 16)
        if operation == .iret { fixStack(4, 0xffff_0cd5, 0x202) }
      } else {
        fixStack(0, 0xff, landing)
        fixStack(4, 0xffff_0000, selector)
        if operation == .iret { fixStack(8, 0x4_0cd5, 0x202) }
      }
    case .jmp, .call:
      if inMemory == true {
        fixOperand(0, 0xff, landing)
      } else if inMemory == false {
        fix(rm, 0xff, landing)
      }
    case .jmpFar, .callFar:
      guard inMemory == true else { break }
      if has66 {
        fixOperand(0, 0xff, landing & 0xffff | selector << 16)
      } else {
        fixOperand(0, 0xff, landing)
        fixOperand(4, 0xffff_0000, selector)
      }
    case .loop, .loope, .loopne, .jcxz: fix(1, number % 4 == 3 ? 0x1_0000 : 3, 0)
    case .bound:
      if has66 {
        if number % 3 != 0 { fixOperand(0, 0x7fff_00ff, 0x8000) }
      } else if number % 3 != 0 {
        fixOperand(0, 0xffff, 0x8000_0000)
        fixOperand(4, 0x7fff_ffff, 0)
      }
    default: break
    }
  }

  // MARK: Immediates

  private func immediate(_ code: OperandCode, _ random: inout SeededGenerator) -> [UInt8] {
    let wide = has66 ? 2 : 4
    let edges: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, 4, 8, 0x10]
    let byte = random.oneIn(3) ? edges[Int(random.below(8))] : random.byte()
    switch code {
    case .Ib where row.operation == .control(.int):
      return [[0x20, 3, 4, 0, 1, 0xff, 5, 6, 0x21, 8, 13, 14, 0x40, 0x81, 2, 0x10][number]]
    case .Ib, .sIb: return [byte]
    case .Ib2: return [number % 2 == 0 ? UInt8(number & 1) : byte]
    case .Iw: return [byte & 0x1c, 0]
    case .Iz:
      let value =
        random.oneIn(3)
        ? UInt32(bitPattern: Int32(Int8(bitPattern: byte)))
        : random.word() >> (random.flag() ? random.word() & 31 : 0)
      return Array(Self.little(value).prefix(wide))
    case .Jb: return [byte < 0x10 || byte > 0xe0 ? 0x20 : byte]
    case .Jz:
      // Not back to itself.
      let distance = random.below(0x400) &- 0x240
      return Array(Self.little(distance > 0xffff_ffe0 ? 0x20 : distance).prefix(wide))
    case .Ap:
      let offset = VectorState.landing + random.below(0x100)
      return Array(Self.little(offset).prefix(wide)) + [UInt8(codeSelector & 0xff), UInt8(codeSelector >> 8)]
    case .Ob, .Ov: return Self.little(VectorState.operand + random.below(8))
    default: return []
    }
  }
}
