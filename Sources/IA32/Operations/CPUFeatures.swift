/// What processors have or lack, as CPUID's leaf 1 tells it. SDM vol. 2A, CPUID, tables 3-10 and 3-11.
///
/// An operation's record names what it needs; a processor's model names what it has. What every P6 has goes without a name.
public struct CPUFeatures: OptionSet, Hashable, Sendable {
  /// EDX in the low half, ECX in the high half.
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  private init(edx bit: Int) { rawValue = 1 << UInt64(bit) }
  private init(ecx bit: Int) { rawValue = 1 << UInt64(32 + bit) }

  /// EDX of leaf 1.
  public var edx: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
  /// ECX of leaf 1.
  public var ecx: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

  /// FPU: the floating-point unit.
  public static let fpu = CPUFeatures(edx: 0)
  /// VME: the extensions of V86 mode, CR4.VME and CR4.PVI.
  public static let virtual8086Extensions = CPUFeatures(edx: 1)
  /// DE: CR4.DE.
  public static let debuggingExtensions = CPUFeatures(edx: 2)
  /// PSE: pages of 4 MiB.
  public static let pageSizeExtensions = CPUFeatures(edx: 3)
  /// TSC: RDTSC.
  public static let timeStampCounter = CPUFeatures(edx: 4)
  /// MSR: RDMSR and WRMSR.
  public static let machineRegisters = CPUFeatures(edx: 5)
  /// PAE.
  public static let physicalAddressExtension = CPUFeatures(edx: 6)
  /// MCE: CR4.MCE.
  public static let machineCheckException = CPUFeatures(edx: 7)
  /// CX8: CMPXCHG8B.
  public static let compareExchange8Bytes = CPUFeatures(edx: 8)
  /// APIC: a local APIC, enabled.
  public static let localAPIC = CPUFeatures(edx: 9)
  /// SEP: SYSENTER and SYSEXIT.
  public static let fastSystemCalls = CPUFeatures(edx: 11)
  /// MTRR: the memory-type range registers.
  public static let memoryTypeRanges = CPUFeatures(edx: 12)
  /// PGE: global pages.
  public static let globalPages = CPUFeatures(edx: 13)
  /// MCA: the registers of the machine-check architecture.
  public static let machineCheckArchitecture = CPUFeatures(edx: 14)
  /// CMOV: conditional moves, and with FPU those of the floating-point unit and its comparisons to EFLAGS.
  public static let conditionalMoves = CPUFeatures(edx: 15)
  /// PAT: the page attribute table.
  public static let pageAttributeTable = CPUFeatures(edx: 16)
  /// PSE-36: pages of 4 MiB above 4 GiB.
  public static let pageSizeExtensions36 = CPUFeatures(edx: 17)
  /// CLFSH: CLFLUSH.
  public static let cacheLineFlush = CPUFeatures(edx: 19)
  /// MMX.
  public static let mmx = CPUFeatures(edx: 23)
  /// FXSR: FXSAVE and FXRSTOR.
  public static let fxsave = CPUFeatures(edx: 24)
  /// SSE.
  public static let sse = CPUFeatures(edx: 25)
  /// SSE2.
  public static let sse2 = CPUFeatures(edx: 26)
  /// Names of features in machine descriptions, as Linux has them.
  public static let names: [(name: String, feature: CPUFeatures)] = [
    ("vme", .virtual8086Extensions), ("apic", .localAPIC), ("sep", .fastSystemCalls),
    ("mce", .machineCheckException), ("mtrr", .memoryTypeRanges), ("mca", .machineCheckArchitecture),
    ("pat", .pageAttributeTable),
    ("clflush", .cacheLineFlush), ("mmx", .mmx), ("fxsr", .fxsave), ("sse", .sse), ("sse2", .sse2),
  ]

  /// SSE3.
  public static let sse3 = CPUFeatures(ecx: 0)
  /// Supplemental SSE3: the first instructions of the map 0F 38.
  public static let ssse3 = CPUFeatures(ecx: 9)
}
