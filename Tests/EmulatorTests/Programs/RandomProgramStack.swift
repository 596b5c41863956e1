import IA32

@testable import Emulator

/// The stack, strings, flags and transfers of random programs.
extension CodeWriter {
  private var top: UInt32 { known[4] ?? RandomProgram.stackTop }

  // MARK: The stack

  mutating func stack() {
    let width: UInt32 = chance(4) ? 2 : 4
    switch below(9) {
    case 0, 1:
      prefix(width)
      byte(0x50 + UInt8(below(8)))
      known[4] = top &- width
    case 2:
      let register = register()
      prefix(width)
      byte(0x58 + register)
      forget(register)
      known[4] = top &+ width
    case 3:
      prefix(width)
      if chance(2) {
        byte(0x6a, UInt8(below(256)))
      } else {
        byte(0x68)
        immediate(value(), width: Int(width))
      }
      known[4] = top &- width
    case 4:
      let encoded = encode(.memory(place()))
      emit(0xff, 6, encoded, width: Int(width))
      known[4] = top &- width
      return
    case 5:
      // An ESP in the address is the one after the pop.
      let encoded = encode(.memory(place()), popped: width)
      emit(0x8f, 0, encoded, width: Int(width))
      known[4] = top &+ width
      return
    case 6:
      prefix(width)
      byte(0x60)
      known[4] = top &- 8 * width
    case 7:
      prefix(width)
      byte(0x61)
      for register in [0, 1, 2, 3, 5, 6, 7] { known[register] = nil }
      known[4] = top &+ 8 * width
    default:
      // add esp, imm8: a program's own way of releasing.
      let released = UInt32(below(16)) &* 4 &- 32
      byte(0x83, 0xc4, UInt8(released & 0xff))
      known[4] = top &+ released
      flagsAfter()
    }
    count()
  }

  private mutating func prefix(_ width: UInt32) {
    if width == 2 { byte(0x66) }
  }

  /// ENTER and LEAVE.
  mutating func frame() {
    let width: UInt32 = chance(4) ? 2 : 4
    // EBP where reading frames through it is harmless.
    set(5, RandomProgram.stackTop &+ UInt32(below(0x800)) &- 0x400)
    prefix(width)
    if chance(2) {
      let level = UInt32(below(10))
      let size = UInt32(below(0x100))
      byte(0xc8)
      word(size)
      byte(UInt8(level) | UInt8(below(8)) << 5)
      let frame = top &- width
      known[4] = frame &- size &- level * width
      known[5] = width == 4 ? frame : ((known[5] ?? 0) & 0xffff_0000 | frame & 0xffff)
    } else {
      byte(0xc9)
      known[4] = (known[5] ?? 0) &+ width
      known[5] = nil
    }
    count()
  }

  // MARK: Strings

  mutating func string() {
    let width = width()
    let wide = width == 1 ? 0 as UInt8 : 1
    let operation = [0xa4, 0xa6, 0xaa, 0xac, 0xae][below(5)] as UInt8
    let usesES = operation != 0xac
    let usesSource = operation != 0xaa && operation != 0xae
    // 16-bit pointers need a segment with its base for each of them.
    let short = chance(3) && (extraSegment || !usesES)
    let repeats = chance(3) ? nil : chance(2) ? 0xf2 as UInt8 : 0xf3
    let elements = UInt32(chance(8) ? below(700) : below(24))
    let sourceIsFS = usesSource && (short || chance(5))
    let source = stringPlace()
    // Often near each other: overlapping in either direction.
    let destination = chance(3) ? source &+ UInt32(below(64)) &- 32 : stringPlace()
    if usesSource {
      let offset = source &- (sourceIsFS ? HostProcess.base : 0)
      set(6, short ? value() << 16 | offset & 0xffff : offset)
    }
    if usesES {
      let offset = destination &- (extraSegment ? HostProcess.base : 0)
      set(7, short ? value() << 16 | offset & 0xffff : offset)
    }
    if repeats != nil { set(1, short ? value() << 16 | elements : elements) }
    var prefixes: [UInt8] = []
    if short { prefixes.append(0x67) }
    if width == 2 { prefixes.append(0x66) }
    if sourceIsFS { prefixes.append(0x64) }
    if let repeats { prefixes.append(repeats) }
    prefixes.shuffle(using: &random)
    bytes(prefixes)
    byte(operation | wide)
    count(repeats == nil ? 1 : Int(max(1, elements)))
    if usesSource { forget(6) }
    if usesES { forget(7) }
    if repeats != nil { forget(1) }
    if operation == 0xac { forget(0) }
    let compares = operation == 0xa6 || operation == 0xae
    if compares && (repeats == nil || elements > 0) { flagsAfter() }
  }

  /// Where the longest string may begin, whatever DF says.
  private mutating func stringPlace() -> UInt32 { Self.window.lowerBound + 0xb00 + UInt32(below(0xe800)) }

  // MARK: Flags

  mutating func flagInstruction() {
    switch below(10) {
    case 0:
      need(EFLAGS.arithmetic.subtracting(.overflow))
      byte(0x9f)
      forget(0)
    case 1:
      byte(0x9e)
      flagsAfter(changed: EFLAGS.arithmetic.subtracting(.overflow))
    case 2:
      need(.carry)
      byte(0xf5)
    case 3, 4:
      byte(chance(2) ? 0xf8 : 0xf9)
      flagsAfter(changed: .carry)
    case 5, 6:
      isDescending = chance(2)
      byte(isDescending ? 0xfd : 0xfc)
    case 7:
      need(.carry)
      byte(0xd6)
      forget(0)
    default:
      // push flags; popf
      isDescending = chance(4)
      let image = 0x202 | allFlagImages[below(64)] | (isDescending ? EFLAGS.direction.rawValue : 0)
      byte(0x68)
      doubleword(image)
      byte(0x9d)
      count()
      flagsAfter()
    }
    count()
  }

  /// DAA to AAD.
  mutating func decimal() {
    switch below(6) {
    case 0, 1:
      need([.adjust, .carry])
      byte(chance(2) ? 0x27 : 0x2f)
      flagsAfter(open: .overflow)
    case 2, 3:
      need(.adjust)
      byte(chance(2) ? 0x37 : 0x3f)
      flagsAfter(open: [.overflow, .sign, .zero, .parity])
    case 4:
      byte(0xd4, chance(2) ? 10 : UInt8(1 + below(255)))
      flagsAfter(open: [.overflow, .adjust, .carry])
    default:
      byte(0xd5, chance(2) ? 10 : UInt8(below(256)))
      flagsAfter(open: [.overflow, .adjust, .carry])
    }
    forget(0)
    count()
  }

  // MARK: Transfers

  private var here: UInt32 { HostProcess.codeAddress + UInt32(code.count) }

  mutating func transfer() {
    switch below(8) {
    case 0, 1:
      // Over an instruction, or not.
      need(EFLAGS.arithmetic.subtracting(.adjust))
      if chance(3) {
        byte(0x0f, 0x80 | UInt8(below(16)))
        doubleword(5)
      } else {
        byte(0x70 | UInt8(below(16)), 5)
      }
      count()
      skipped()
    case 2:
      // jecxz or jcxz
      if chance(2) { byte(0x67) }
      byte(0xe3, 5)
      count()
      skipped()
    case 3:
      // loop, loope, loopne over an instruction.
      need(.zero)
      if chance(2) { byte(0x67) }
      byte(0xe0 | UInt8(below(3)), 5)
      count()
      forget(1)
      skipped()
    case 4:
      // A jump over bytes that are not instructions.
      byte(0xeb, 3, 0x0f, 0xff, 0xf0)
      count()
    case 5:
      // call next; the return address stays on the stack, or RET goes there.
      byte(0xe8)
      doubleword(0)
      count()
      known[4] = top &- 4
    case 6:
      // push target; ret, or ret with a release of 8.
      let releases = chance(2)
      byte(0x68)
      doubleword(here &+ (releases ? 7 : 5))
      if releases { byte(0xc2, 8, 0) } else { byte(0xc3) }
      count(2)
      if releases { known[4] = top &+ 8 }
    default:
      // call or jmp through a register to what follows.
      let register = register()
      let calls = chance(2)
      set(register, here &+ 7)
      byte(0xff, (calls ? 0xd0 : 0xe0) | register)
      count()
      if calls { known[4] = top &- 4 }
    }
  }

  /// A MOV of five bytes that may not be executed.
  private mutating func skipped() {
    let register = register()
    set(register, value())
    forget(register)
  }
}
