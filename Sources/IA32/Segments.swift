/// A segment selector: index, table and requested privilege level. SDM vol. 3A, 3.4.2.
@frozen
public struct Selector: Hashable, Sendable {
  /// The selector as a number.
  public var rawValue: UInt16

  /// The selector `rawValue`.
  @inlinable
  public init(_ rawValue: UInt16) { self.rawValue = rawValue }

  /// RPL, 0 to 3.
  @inlinable public var requestedPrivilegeLevel: UInt8 { UInt8(rawValue & 3) }
  /// TI: the descriptor is in the LDT.
  @inlinable public var isLocal: Bool { rawValue & 4 != 0 }
  /// The descriptor's byte offset in its table.
  @inlinable public var offset: UInt32 { UInt32(rawValue & 0xfff8) }
  /// A selector of GDT entry 0, whatever its RPL.
  @inlinable public var isNull: Bool { rawValue & 0xfffc == 0 }
  /// What an error code carries of a selector: index and TI; EXT and IDT are zero.
  @inlinable public var errorCode: UInt32 { UInt32(rawValue & 0xfffc) }
}

/// An eight-byte descriptor as it lies in a GDT, LDT or IDT. SDM vol. 3A, figures 3-8 and 6-2.
@frozen
public struct Descriptor: Hashable, Sendable {
  /// The descriptor as 64 bits, byte 0 lowest.
  public var rawValue: UInt64

  /// The descriptor with these 64 bits.
  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Base address of a segment.
  @inlinable public var base: UInt32 {
    UInt32(truncatingIfNeeded: (rawValue >> 16) & 0xff_ffff | (rawValue >> 32) & 0xff00_0000)
  }

  /// The highest offset in bytes, with the granularity applied.
  @inlinable public var limit: UInt32 {
    let field = UInt32(truncatingIfNeeded: rawValue & 0xffff | (rawValue >> 32) & 0xf_0000)
    return isPageGranular ? field << 12 | 0xfff : field
  }

  /// Bits 40-47: type, S, DPL and P.
  @inlinable public var access: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 40) }
  /// The four type bits. SDM vol. 3A, tables 3-1 and 3-2.
  @inlinable public var type: UInt8 { access & 0xf }
  /// S: a code or data segment; clear for system segments and gates.
  @inlinable public var isCodeOrData: Bool { access & 0x10 != 0 }
  @inlinable public var privilegeLevel: UInt8 { access >> 5 & 3 }
  @inlinable public var isPresent: Bool { access & 0x80 != 0 }
  @inlinable public var isAccessed: Bool { isCodeOrData && access & 1 != 0 }
  @inlinable public var isCode: Bool { isCodeOrData && access & 8 != 0 }
  @inlinable public var isData: Bool { isCodeOrData && access & 8 == 0 }
  @inlinable public var isConforming: Bool { isCode && access & 4 != 0 }
  @inlinable public var isReadable: Bool { isData || isCode && access & 2 != 0 }
  @inlinable public var isWritable: Bool { isData && access & 2 != 0 }
  @inlinable public var isExpandDown: Bool { isData && access & 4 != 0 }
  /// AVL, bit 52.
  @inlinable public var isAvailable: Bool { rawValue >> 52 & 1 != 0 }
  /// D/B: 32-bit code, stack or upper bound.
  @inlinable public var is32Bit: Bool { rawValue >> 54 & 1 != 0 }
  @inlinable public var isPageGranular: Bool { rawValue >> 55 & 1 != 0 }

  /// What a gate points to: its code segment, or its TSS in a task gate.
  @inlinable public var gateSelector: Selector { Selector(UInt16(truncatingIfNeeded: rawValue >> 16)) }
  /// The entry offset of a 32-bit gate; a 16-bit gate uses the low half.
  @inlinable public var gateOffset: UInt32 {
    UInt32(truncatingIfNeeded: rawValue & 0xffff | (rawValue >> 32) & 0xffff_0000)
  }
  /// How many parameters a call gate copies, 0 to 31.
  @inlinable public var gateParameterCount: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 32 & 0x1f) }
}

/// The types of system segments and gates. SDM vol. 3A, table 3-2.
public enum SystemDescriptorType {
  /// A 16-bit TSS that is not busy.
  public static let availableTSS16: UInt8 = 1
  /// A local descriptor table.
  public static let ldt: UInt8 = 2
  /// A busy 16-bit TSS.
  public static let busyTSS16: UInt8 = 3
  /// A 16-bit call gate.
  public static let callGate16: UInt8 = 4
  /// A task gate.
  public static let taskGate: UInt8 = 5
  /// A 16-bit interrupt gate.
  public static let interruptGate16: UInt8 = 6
  /// A 16-bit trap gate.
  public static let trapGate16: UInt8 = 7
  /// A 32-bit TSS that is not busy.
  public static let availableTSS32: UInt8 = 9
  /// A busy 32-bit TSS.
  public static let busyTSS32: UInt8 = 11
  /// A 32-bit call gate.
  public static let callGate32: UInt8 = 12
  /// A 32-bit interrupt gate.
  public static let interruptGate32: UInt8 = 14
  /// A 32-bit trap gate.
  public static let trapGate32: UInt8 = 15
}
