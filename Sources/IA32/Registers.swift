/// The general-purpose registers by their number in an encoding. SDM vol. 2A, table 2-1.
public enum GeneralRegister: UInt8, CaseIterable, Sendable {
  case eax = 0
  case ecx, edx, ebx, esp, ebp, esi, edi
}

/// EFLAGS. SDM vol. 1, 3.4.3 and vol. 3A, 2.3.
@frozen
public struct EFLAGS: OptionSet, Hashable, Sendable {
  public var rawValue: UInt32

  @inlinable
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// CF.
  @inlinable public static var carry: Self { Self(rawValue: 1 << 0) }
  /// Bit 1 always reads as one.
  @inlinable public static var alwaysOne: Self { Self(rawValue: 1 << 1) }
  @inlinable public static var parity: Self { Self(rawValue: 1 << 2) }
  @inlinable public static var adjust: Self { Self(rawValue: 1 << 4) }
  @inlinable public static var zero: Self { Self(rawValue: 1 << 6) }
  @inlinable public static var sign: Self { Self(rawValue: 1 << 7) }
  @inlinable public static var trap: Self { Self(rawValue: 1 << 8) }
  @inlinable public static var interruptEnable: Self { Self(rawValue: 1 << 9) }
  @inlinable public static var direction: Self { Self(rawValue: 1 << 10) }
  @inlinable public static var overflow: Self { Self(rawValue: 1 << 11) }
  /// IOPL, bits 12 and 13.
  @inlinable public static var ioPrivilegeLevel: Self { Self(rawValue: 3 << 12) }
  @inlinable public static var nestedTask: Self { Self(rawValue: 1 << 14) }
  @inlinable public static var resume: Self { Self(rawValue: 1 << 16) }
  @inlinable public static var virtual8086: Self { Self(rawValue: 1 << 17) }
  @inlinable public static var alignmentCheck: Self { Self(rawValue: 1 << 18) }
  @inlinable public static var virtualInterrupt: Self { Self(rawValue: 1 << 19) }
  @inlinable public static var virtualInterruptPending: Self { Self(rawValue: 1 << 20) }
  /// ID: a program that can change it may use CPUID.
  @inlinable public static var identification: Self { Self(rawValue: 1 << 21) }

  /// CF, PF, AF, ZF, SF and OF: the flags that arithmetic writes.
  @inlinable public static var arithmetic: Self { [.carry, .parity, .adjust, .zero, .sign, .overflow] }
}
