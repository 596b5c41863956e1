/// What is true of an opcode beside its operands.
@frozen
public struct OpcodeFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt16

  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// LOCK is allowed when the destination is in memory. SDM vol. 2A, "LOCK".
  @inlinable public static var lockable: Self { Self(rawValue: 1 << 0) }
  /// A string instruction that REP repeats (E)CX times.
  @inlinable public static var rep: Self { Self(rawValue: 1 << 1) }
  /// A string instruction that REPE and REPNE repeat while ZF agrees.
  @inlinable public static var repWhile: Self { Self(rawValue: 1 << 2) }
  /// A ModRM byte follows the opcode. Set by the table itself.
  @inlinable public static var modRM: Self { Self(rawValue: 1 << 3) }
  /// Works on bytes, whatever the operand size. Set by the table itself.
  @inlinable public static var byteOperation: Self { Self(rawValue: 1 << 4) }
  /// Works on doublewords, whatever the operand size: moves to and from control and debug registers. Set by the table itself.
  @inlinable public static var doublewordOperation: Self { Self(rawValue: 1 << 5) }
  /// Bits 3 to 0 of the opcode are a condition. Set by the table itself.
  @inlinable public static var conditional: Self { Self(rawValue: 1 << 6) }
  /// ModRM's mod field is ignored and r/m is always a register. Set by the table itself.
  @inlinable public static var registerAlways: Self { Self(rawValue: 1 << 7) }
  /// 66 is part of the opcode and not an operand-size prefix. Set by the table itself.
  @inlinable public static var mandatory66: Self { Self(rawValue: 1 << 8) }

  /// One of the string instructions.
  @inlinable public var isString: Bool { !isDisjoint(with: [.rep, .repWhile]) }
}

/// Which ModRM bytes belong to a row; everything where the opcode is not shared.
@frozen
public struct ModRMPattern: Hashable, Sendable {
  /// Bit n is set when a reg field of n matches.
  public let registers: UInt8
  /// Bit n is set when an r/m field of n matches; looked at only where mod is 3.
  public let rms: UInt8
  /// Whether mod 0 to 2 match.
  public let memory: Bool
  /// Whether mod 3 matches.
  public let register: Bool

  /// Every ModRM byte.
  static let any = ModRMPattern(registers: 0xFF, rms: 0xFF, memory: true, register: true)

  /// The group digit of the manual's "/digit", where the pattern is one.
  public var digit: UInt8? {
    registers.nonzeroBitCount == 1 ? UInt8(registers.trailingZeroBitCount) : nil
  }

  /// Whether the byte belongs to the row.
  public func matches(_ modRM: UInt8) -> Bool {
    guard registers >> (modRM >> 3 & 7) & 1 != 0 else { return false }
    return modRM < 0xC0 ? memory : register && rms >> (modRM & 7) & 1 != 0
  }
}
