import FloatingPoint
import IA32

/// What the floating-point unit holds between two instructions. SDM vol. 1, 8.1.
struct X87State {
  /// R0 to R7; ST(0) is the one that `top` names.
  var registers: InlineArray<8, ExtendedFloat> = InlineArray(repeating: .zero)
  /// Bit n is set where Rn is not empty. The finer tags follow from the contents.
  var used: UInt8 = 0xff
  /// TOP, 0 to 7.
  var top: UInt8 = 0
  /// The control word. Bit 6 is one and the other reserved bits are zero.
  var control = X87Control(rawValue: 0x40)
  /// The status word without TOP and B.
  var flags: UInt16 = 0
  /// Where the last instruction that was none of control stood, and its operand in memory.
  var instruction = X87Pointer()
  var operand = X87Pointer()
  /// The last eleven bits of that instruction's two opcode bytes.
  var opcode: UInt16 = 0
  /// FERR#: a waiting instruction has met an unmasked exception while CR0.NE was clear.
  var signalsError = false
  /// IGNNE#: the chipset has let the unit go on regardless.
  var ignoresErrors = false

  /// After RESET#; FNINIT gives other values. SDM vol. 3A, table 9-1.
  init() {}

  /// SF: the stack over- or underflowed.
  static let stackFault: UInt16 = 1 << 6
  /// ES: an exception is pending that is not masked.
  static let errorSummary: UInt16 = 1 << 7
  private static let busy: UInt16 = 1 << 15
  private static let reservedControl: UInt16 = 0xe0c0

  /// The register that ST(i) is.
  @inline(__always)
  func place(_ index: UInt8) -> Int { Int((top &+ index) & 7) }

  @inline(__always)
  func isEmpty(_ index: UInt8) -> Bool { used >> UInt8(place(index)) & 1 == 0 }

  subscript(index: UInt8) -> ExtendedFloat {
    @inline(__always) get { registers[place(index)] }
    /// Also makes the register no longer empty.
    @inline(__always) set {
      registers[place(index)] = newValue
      used |= 1 << UInt8(place(index))
    }
  }

  @inline(__always)
  mutating func free(_ index: UInt8) { used &= ~(1 << UInt8(place(index))) }

  @inline(__always)
  mutating func pop() {
    free(0)
    top = (top &+ 1) & 7
  }

  @inline(__always)
  mutating func push(_ value: ExtendedFloat) {
    top = (top &- 1) & 7
    self[0] = value
  }

  /// Exceptions that the status word has.
  @inline(__always)
  var exceptions: X87Flags { X87Flags(rawValue: flags).intersection(.exceptions) }

  @inline(__always)
  var hasPendingError: Bool { flags & Self.errorSummary != 0 }

  /// The status word as it is stored: TOP in bits 13 to 11, B a copy of ES. SDM vol. 1, 8.1.3.
  var status: UInt16 {
    get { flags | UInt16(top) << 11 | (hasPendingError ? Self.busy : 0) }
    set {
      top = UInt8(truncatingIfNeeded: newValue >> 11 & 7)
      flags = newValue & 0x477f
      summarize()
    }
  }

  /// ES follows from flags and masks, whatever was loaded.
  mutating func summarize() {
    if control.unmasked(exceptions).isEmpty {
      flags &= ~Self.errorSummary
    } else {
      flags |= Self.errorSummary
    }
  }

  mutating func loadControl(_ value: UInt16) {
    control = X87Control(rawValue: value & ~Self.reservedControl | 0x40)
    summarize()
  }

  /// Adds an instruction's exceptions and its C1; C1 is cleared where it does not say otherwise.
  @inline(__always)
  mutating func report(_ found: X87Flags) {
    flags =
      flags & ~X87Flags.c1.rawValue | (found.rawValue & (X87Flags.exceptions.rawValue | X87Flags.c1.rawValue))
    if !control.unmasked(found).isEmpty { flags |= Self.errorSummary }
  }

  /// Replaces condition codes. SDM vol. 1, 8.1.3.1.
  @inline(__always)
  mutating func setConditions(_ conditions: X87Flags, of mask: X87Flags = .conditions) {
    flags = flags & ~mask.rawValue | conditions.rawValue & mask.rawValue
  }

  /// Reports that a register was empty, or not empty before a push.
  /// - Returns: whether the masked response follows: the indefinite where the result would go.
  mutating func reportStackFault(overflow: Bool) -> Bool {
    flags |= Self.stackFault
    report(overflow ? [.invalid, .c1] : .invalid)
    return control.masks.contains(.invalid)
  }

  /// FNINIT. SDM vol. 2A.
  mutating func initialize() {
    control = .initial
    flags = 0
    top = 0
    used = 0
    instruction = X87Pointer()
    operand = X87Pointer()
    opcode = 0
  }

  /// The tag word: 00 valid, 01 zero, 10 special, 11 empty, two bits a register. SDM vol. 1, 8.1.7.
  var tags: UInt16 {
    get {
      var word: UInt16 = 0
      for register in 0..<8 { word |= tag(register) << UInt16(2 * register) }
      return word
    }
    set {
      used = 0
      for register in 0..<8 where newValue >> UInt16(2 * register) & 3 != 3 { used |= 1 << UInt8(register) }
    }
  }

  private func tag(_ register: Int) -> UInt16 {
    if used >> UInt8(register) & 1 == 0 { return 3 }
    return switch registers[register].floatClass {
    case .normal: 0
    case .zero: 1
    default: 2
    }
  }
}

/// A pointer as the unit keeps it: selector and offset.
struct X87Pointer: Hashable, Codable, Sendable {
  var selector: UInt16 = 0
  var offset: UInt32 = 0

  /// Where it points in real and virtual-8086 mode.
  var linear: UInt32 { UInt32(selector) << 4 &+ offset }
}
