/// CR0. SDM vol. 3A, 2.5.
@frozen
public struct CR0: OptionSet, Hashable, Codable, Sendable {
  public var rawValue: UInt32

  @inlinable
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// PE: protected mode.
  @inlinable public static var protectionEnable: Self { Self(rawValue: 1 << 0) }
  /// MP: WAIT obeys TS.
  @inlinable public static var monitorCoprocessor: Self { Self(rawValue: 1 << 1) }
  /// EM: x87 instructions raise #NM.
  @inlinable public static var emulation: Self { Self(rawValue: 1 << 2) }
  /// TS: the next x87 or SSE instruction raises #NM.
  @inlinable public static var taskSwitched: Self { Self(rawValue: 1 << 3) }
  /// ET: fixed at one since the Pentium.
  @inlinable public static var extensionType: Self { Self(rawValue: 1 << 4) }
  @inlinable public static var numericError: Self { Self(rawValue: 1 << 5) }
  /// WP: supervisor writes obey read-only pages.
  @inlinable public static var writeProtect: Self { Self(rawValue: 1 << 16) }
  @inlinable public static var alignmentMask: Self { Self(rawValue: 1 << 18) }
  @inlinable public static var notWriteThrough: Self { Self(rawValue: 1 << 29) }
  @inlinable public static var cacheDisable: Self { Self(rawValue: 1 << 30) }
  @inlinable public static var paging: Self { Self(rawValue: 1 << 31) }

  /// The bits that software can change; the others keep their fixed value.
  @inlinable public static var writable: Self {
    [
      .protectionEnable, .monitorCoprocessor, .emulation, .taskSwitched, .numericError, .writeProtect,
      .alignmentMask, .notWriteThrough, .cacheDisable, .paging,
    ]
  }
}

/// CR4. SDM vol. 3A, 2.5.
@frozen
public struct CR4: OptionSet, Hashable, Codable, Sendable {
  public var rawValue: UInt32

  @inlinable
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// VME: extensions of virtual-8086 mode.
  @inlinable public static var virtual8086Extensions: Self { Self(rawValue: 1 << 0) }
  /// PVI: virtual interrupts in protected mode.
  @inlinable public static var protectedModeVirtualInterrupts: Self { Self(rawValue: 1 << 1) }
  /// TSD: RDTSC in ring 0 only.
  @inlinable public static var timeStampDisable: Self { Self(rawValue: 1 << 2) }
  @inlinable public static var debuggingExtensions: Self { Self(rawValue: 1 << 3) }
  @inlinable public static var pageSizeExtensions: Self { Self(rawValue: 1 << 4) }
  @inlinable public static var physicalAddressExtension: Self { Self(rawValue: 1 << 5) }
  @inlinable public static var machineCheckEnable: Self { Self(rawValue: 1 << 6) }
  @inlinable public static var pageGlobalEnable: Self { Self(rawValue: 1 << 7) }
  /// PCE: RDPMC in every ring.
  @inlinable public static var performanceCounterEnable: Self { Self(rawValue: 1 << 8) }
  /// OSFXSR: system software saves SSE's state; without it SSE instructions raise #UD.
  @inlinable public static var osSavesExtendedState: Self { Self(rawValue: 1 << 9) }
  /// OSXMMEXCPT: system software handles #XM; without it #UD comes in its place.
  @inlinable public static var osHandlesSIMDExceptions: Self { Self(rawValue: 1 << 10) }
}

/// IA32_EFER, as far as 32-bit paging knows it. SDM vol. 4, table 2-2.
public enum EFER {
  /// The register's number for RDMSR and WRMSR.
  public static let msr: UInt32 = 0xc000_0080
  /// NXE: bit 63 of PAE entries forbids instruction fetches.
  public static let noExecuteEnable: UInt64 = 1 << 11
}
