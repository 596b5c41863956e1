import IA32
import TestSupport

@testable import Emulator

/// Writes machine code, and keeps what is known of the machine at its end: values of registers, flags that the manual
/// leaves undefined.
///
/// It encodes by itself, from the manual's formats: forms that no assembler would choose are wanted too.
struct CodeWriter {
  /// Where a memory operand's bytes lie, as the program sees memory.
  static let window: ClosedRange<UInt32> = HostProcess.base + 0x100...HostProcess.base + 0xff00

  var random: SeededGenerator
  private(set) var code: [UInt8] = []
  /// Where instructions begin that a shortened program may end at.
  private(set) var boundaries: [Int] = []
  private(set) var instructions = 0
  /// The value of each register, where it is known.
  var known: [UInt32?]
  /// Flags that the manual leaves undefined here.
  var undefined: EFLAGS = []
  /// DF.
  var isDescending = false
  /// ES has `HostProcess.base` as its base.
  let extraSegment: Bool

  init(seed: UInt64, registers: ProgramRegisters, extraSegment: Bool) {
    random = SeededGenerator(seed: seed)
    known = registers.general.map { $0 }
    isDescending = registers.eflags & EFLAGS.direction.rawValue != 0
    self.extraSegment = extraSegment
  }

  // MARK: Chance

  mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
  mutating func chance(_ one: Int) -> Bool { below(one) == 0 }
  mutating func value() -> UInt32 { random.word(UInt32.self) }
  mutating func width() -> Int { [1, 2, 4, 4][below(4)] }
  mutating func wideWidth() -> Int { [2, 4, 4][below(3)] }
  /// Any register but ESP.
  mutating func register() -> UInt8 { [0, 1, 2, 3, 5, 6, 7][below(7)] }
  /// A register of this width; byte registers by their own numbers.
  mutating func register(width: Int) -> UInt8 { width == 1 ? UInt8(below(8)) : register() }
  /// A place for an operand of `bytes`, often across a page's end.
  mutating func place(_ bytes: UInt32 = 8) -> UInt32 {
    if chance(6) { return HostProcess.base + UInt32(1 + below(14)) * 0x1000 - UInt32(1 + below(8)) }
    return Self.window.lowerBound + UInt32(below(0xfd00))
  }

  // MARK: Bytes

  mutating func byte(_ values: UInt8...) { code += values }
  mutating func bytes(_ values: [UInt8]) { code += values }
  mutating func word(_ value: UInt32) { code += [UInt8(value & 0xff), UInt8(value >> 8 & 0xff)] }
  mutating func doubleword(_ value: UInt32) {
    word(value & 0xffff)
    word(value >> 16)
  }
  /// An immediate of an operand's width.
  mutating func immediate(_ value: UInt32, width: Int) {
    switch width {
    case 1: byte(UInt8(value & 0xff))
    case 2: word(value)
    default: doubleword(value)
    }
  }

  /// A place where the program may be cut: an instruction, with what prepares it, begins.
  mutating func boundary() { boundaries.append(code.count) }
  mutating func count(_ executed: Int = 1) { instructions += executed }

  // MARK: Registers

  /// `mov register, value`, which changes no flags.
  mutating func set(_ register: UInt8, _ value: UInt32) {
    byte(0xb8 + register)
    doubleword(value)
    known[Int(register)] = value
    count()
  }

  /// The register's value, which is made known first when it isn't.
  mutating func knownValue(_ register: UInt8) -> UInt32 {
    if let value = known[Int(register)] { return value }
    set(register, value())
    return known[Int(register)] ?? 0
  }

  mutating func forget(_ register: UInt8, width: Int = 4) {
    known[width == 1 ? Int(register & 3) : Int(register)] = nil
  }

  // MARK: Flags

  /// Sees to it that `flags` are defined, before an instruction that uses them.
  mutating func need(_ flags: EFLAGS) {
    guard !undefined.isDisjoint(with: flags) else { return }
    // cmp r32, r32
    byte(0x39, 0xc0 | UInt8(below(64)))
    undefined = []
    count()
  }

  /// After an instruction that changes `changed` and leaves `open` undefined.
  mutating func flagsAfter(changed: EFLAGS = .arithmetic, open: EFLAGS = []) {
    undefined.subtract(changed)
    undefined.formUnion(open)
  }

  // MARK: Operands

  /// What a ModRM operand stands for.
  enum Operand {
    case register(UInt8)
    /// A memory operand at this address, in this segment or in any.
    case memory(UInt32)
  }

  /// The encoding of an operand: prefixes that stand before the opcode, and ModRM, SIB and displacement after it.
  struct Encoded {
    var prefixes: [UInt8] = []
    var modRM: UInt8
    var rest: [UInt8] = []
  }

  /// Encodes an operand; registers of the address that must be known are loaded here. `reg` is the ModRM's middle field.
  /// - Parameter popped: what POP adds to ESP before the address is computed.
  mutating func encode(_ operand: Operand, popped: UInt32 = 0, sparing: Set<UInt8> = []) -> Encoded {
    switch operand {
    case .register(let number): return Encoded(modRM: 0xc0 | number)
    case .memory(let linear):
      return chance(6) ? encode16(linear, sparing) : encode32(linear, popped, sparing)
    }
  }

  private func displacement(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 0xff) } }

  /// A segment override for flat segments, or FS with its base.
  private mutating func override() -> (prefix: [UInt8], base: UInt32) {
    switch below(12) {
    case 0: ([0x3e], 0)
    case 1: ([0x36], 0)
    case 2: ([0x26], extraSegment ? HostProcess.base : 0)
    case 3, 4: ([0x64], HostProcess.base)
    case 5: ([0x2e], 0)
    default: ([], 0)
    }
  }

  private mutating func addressRegister(_ sparing: Set<UInt8>, stackPointer: Bool) -> UInt8 {
    while true {
      let candidate = UInt8(below(8))
      if candidate == 4 ? stackPointer : !sparing.contains(candidate) || known[Int(candidate)] != nil {
        return candidate
      }
    }
  }

  private mutating func encode32(_ linear: UInt32, _ popped: UInt32, _ sparing: Set<UInt8>) -> Encoded {
    // CS has its own base when the segments are not flat: reads through it are left to other tests.
    var (prefix, segmentBase) = override()
    if prefix == [0x2e] { prefix = [] }
    let target = linear &- segmentBase
    var result = Encoded(prefixes: prefix, modRM: 0)
    switch below(8) {
    case 0:
      result.modRM = 5
      result.rest = displacement(target)
    case 1:
      // No base: index, scale and displacement.
      let index = addressRegister(sparing, stackPointer: false)
      let scale = UInt32(below(4))
      let offset = target &- knownValue(index) << scale
      result.modRM = 4
      result.rest = [UInt8(scale << 6) | index << 3 | 5] + displacement(offset)
    case 2, 3, 4:
      let base = addressRegister(sparing, stackPointer: true)
      let index = addressRegister(sparing, stackPointer: false)
      let scale = UInt32(below(4))
      let baseValue = knownValue(base) &+ (base == 4 ? popped : 0)
      let offset = target &- baseValue &- knownValue(index) << scale
      result.modRM = 0x84
      result.rest = [UInt8(scale << 6) | index << 3 | base] + displacement(offset)
    default:
      let base = addressRegister(sparing, stackPointer: true)
      // Often a displacement that fits into a byte, or none.
      if base != 4 && !sparing.contains(base) && chance(2) {
        set(base, chance(3) && base != 5 ? target : target &+ UInt32(below(256)) &- 128)
      }
      let offset = target &- knownValue(base) &- (base == 4 ? popped : 0)
      let byteSized = Int32(bitPattern: offset) >= -128 && Int32(bitPattern: offset) <= 127
      let field = base == 4 ? UInt8(4) : base
      if offset == 0 && base != 5 {
        result.modRM = field
      } else if byteSized {
        result.modRM = 0x40 | field
      } else {
        result.modRM = 0x80 | field
      }
      // ESP needs a SIB byte, and any register may have one; its scale means nothing without an index.
      if base == 4 { result.rest = [UInt8(below(4)) << 6 | 0x24] }
      if byteSized && !(offset == 0 && base != 5) { result.rest += [UInt8(offset & 0xff)] }
      if !byteSized { result.rest += displacement(offset) }
    }
    return result
  }

  /// 16-bit addressing reaches the window through FS, or through ES when that has its base too.
  private mutating func encode16(_ linear: UInt32, _ sparing: Set<UInt8>) -> Encoded {
    let target = (linear &- HostProcess.base) & 0xffff
    let segment: UInt8 = extraSegment && chance(2) ? 0x26 : 0x64
    var result = Encoded(prefixes: chance(2) ? [segment, 0x67] : [0x67, segment], modRM: 0)
    let registers: [[UInt8]] = [[3, 6], [3, 7], [5, 6], [5, 7], [6], [7], [5], [3]]
    let choice = below(9)
    guard choice < 8, registers[choice].allSatisfy({ !sparing.contains($0) || known[Int($0)] != nil }) else {
      result.modRM = 6
      result.rest = [UInt8(target & 0xff), UInt8(target >> 8)]
      return result
    }
    let sum = registers[choice].reduce(0 as UInt32) { $0 &+ knownValue($1) }
    let offset = (target &- sum) & 0xffff
    let signed = Int16(truncatingIfNeeded: offset)
    if offset == 0 && choice != 6 {
      result.modRM = UInt8(choice)
    } else if signed >= -128 && signed <= 127 {
      result.modRM = 0x40 | UInt8(choice)
      result.rest = [UInt8(offset & 0xff)]
    } else {
      result.modRM = 0x80 | UInt8(choice)
      result.rest = [UInt8(offset & 0xff), UInt8(offset >> 8)]
    }
    return result
  }

  /// A register, or memory at a place of its own, as often.
  mutating func anyOperand(width: Int) -> Operand {
    chance(2) ? .register(register(width: width)) : .memory(place())
  }

  // MARK: Instructions

  /// Writes an instruction with a ModRM operand. An opcode above FFh has 0F before it.
  mutating func emit(_ opcode: Int, _ reg: UInt8, _ operand: Encoded, width: Int, lock: Bool = false) {
    var prefixes = operand.prefixes
    if width == 2 { prefixes.insert(0x66, at: below(prefixes.count + 1)) }
    if lock { prefixes.insert(0xf0, at: below(prefixes.count + 1)) }
    bytes(prefixes)
    if opcode > 0xff { byte(0x0f) }
    byte(UInt8(opcode & 0xff), operand.modRM | reg << 3)
    bytes(operand.rest)
    count()
  }
}
