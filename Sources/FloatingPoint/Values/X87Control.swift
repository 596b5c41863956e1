/// The x87's control word. SDM vol. 1, 8.1.5.
public struct X87Control: RawRepresentable, Equatable, Sendable {
  public var rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// After FNINIT: everything masked, 64 bits, nearest.
  public static let initial = X87Control(rawValue: 0x37f)

  /// The masks, in the places of the flags that they mask: set means masked.
  @inlinable public var masks: X87Flags { X87Flags(rawValue: rawValue & 0x3f) }
  /// RC, bits 11 and 10.
  public var rounding: RoundingMode { RoundingMode(rawValue: UInt8(truncatingIfNeeded: rawValue >> 10 & 3))! }
  /// Bits of significand that PC (bits 9 and 8) asks for: 24, 53 or 64. The reserved value 01 gives 64.
  public var precision: Int {
    switch rawValue >> 8 & 3 {
    case 0: 24
    case 2: 53
    default: 64
    }
  }

  /// Which of these exceptions are not masked.
  @inlinable
  public func unmasked(_ flags: X87Flags) -> X87Flags {
    X87Flags(rawValue: flags.rawValue & 0x3f & ~rawValue)
  }
}

/// What an instruction reports in the status word, each bit in its place there. SDM vol. 1, 8.1.3.
public struct X87Flags: OptionSet, Sendable {
  public var rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// IE: invalid operation.
  public static let invalid = X87Flags(rawValue: 1 << 0)
  /// DE: denormal operand.
  public static let denormal = X87Flags(rawValue: 1 << 1)
  /// ZE: zero divide.
  public static let zeroDivide = X87Flags(rawValue: 1 << 2)
  /// OE: numeric overflow.
  public static let overflow = X87Flags(rawValue: 1 << 3)
  /// UE: numeric underflow.
  public static let underflow = X87Flags(rawValue: 1 << 4)
  /// PE: inexact result.
  public static let precision = X87Flags(rawValue: 1 << 5)
  /// C0, C1 (the result was rounded away from zero), C2 and C3.
  public static let c0 = X87Flags(rawValue: 1 << 8)
  public static let c1 = X87Flags(rawValue: 1 << 9)
  public static let c2 = X87Flags(rawValue: 1 << 10)
  public static let c3 = X87Flags(rawValue: 1 << 14)

  /// The six exceptions.
  public static let exceptions = X87Flags(rawValue: 0x3f)
  /// The exceptions that are found before a result exists: unmasked, they leave operands and stack as they were.
  public static let beforeResult: X87Flags = [.invalid, .denormal, .zeroDivide]
  public static let conditions: X87Flags = [.c0, .c1, .c2, .c3]
}

/// What an instruction of the x87 gives: a value for its destination, and its share of the status word.
public struct X87Outcome<Value: Sendable>: Sendable {
  public var value: Value
  public var flags: X87Flags

  @inlinable
  public init(_ value: Value, _ flags: X87Flags = []) {
    self.value = value
    self.flags = flags
  }

  /// Whether a register receives the value: no unmasked exception was found before it existed. SDM vol. 1, 8.7.
  public func isWritten(under control: X87Control) -> Bool {
    control.unmasked(flags).isDisjoint(with: .beforeResult)
  }

  /// Whether a load pushes the value: only an unmasked invalid operation forbids it. A denormal is loaded in any case.
  public func isLoaded(under control: X87Control) -> Bool { !control.unmasked(flags).contains(.invalid) }

  /// Whether memory receives the value: an unmasked overflow or underflow also keeps it out. SDM vol. 1, 8.5.4 and 8.5.5.
  public func isStored(under control: X87Control) -> Bool {
    control.unmasked(flags).isSubset(of: .precision)
  }
}

extension X87Outcome: Equatable where Value: Equatable {}
