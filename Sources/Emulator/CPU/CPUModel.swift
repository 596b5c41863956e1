import IA32

/// What CPUID says of the processor beyond the sizes of its parts.
public struct CPUIdentity: Hashable, Sendable {
  /// The name that the brand string gives, 47 ASCII characters at most.
  public var name: String
  /// Family, 0 to 15, model and stepping of leaf 1, and of EDX after reset.
  public var family: UInt8
  /// The model, 0 to 15.
  public var model: UInt8
  /// The stepping, 0 to 15.
  public var stepping: UInt8
  /// EFER with NXE, and bit 63 of PAE entries. No P6 had it.
  public var hasNoExecute: Bool
  /// What it has beyond every machine's processor, of `optional`.
  public var extensions: CPUFeatures = []

  /// The features that a machine has when its description says so.
  public static let optional: CPUFeatures = [
    .virtual8086Extensions, .fastSystemCalls, .localAPIC, .machineCheckException, .memoryTypeRanges,
    .machineCheckArchitecture, .pageAttributeTable, .mmx, .fxsave, .sse, .sse2, .cacheLineFlush,
  ]

  /// A processor with this brand string and signature.
  public init(
    name: String, family: UInt8, model: UInt8, stepping: UInt8, hasNoExecute: Bool = true,
    extensions: CPUFeatures = []
  ) {
    self.name = name
    self.family = family
    self.model = model
    self.stepping = stepping
    self.hasNoExecute = hasNoExecute
    self.extensions = extensions
  }

  /// A P6 with PAE and NX: family 6, model 1, stepping 9.
  public static let p6 = CPUIdentity(name: "Pagewalk P6", family: 6, model: 1, stepping: 9)

  /// EAX of leaf 1. SDM vol. 2A, figure 3-6.
  public var signature: UInt32 {
    UInt32(family & 15) << 8 | UInt32(model & 15) << 4 | UInt32(stepping & 15)
  }
}

/// Which processor the machine has, as CPUID tells it. SDM vol. 2A, CPUID.
///
/// It states what the emulator does and nothing else. V86 extensions, SYSENTER, the APIC, MTRRs, PAT and machine checks are
/// there where the machine's description asks for them.
public struct CPUModel: Hashable, Sendable {
  /// The name that the brand string gives, 47 ASCII characters at most.
  public let name: String
  /// Family, model and stepping as in EAX of leaf 1, and in EDX after reset.
  public let signature: UInt32
  /// MAXPHYADDR.
  public let addressWidth: UInt8
  /// EFER with NXE, and bit 63 of PAE entries.
  public let hasNoExecute: Bool
  /// The bits of CR4 that can be set.
  public let supportedCR4: CR4
  /// What leaf 1 reports, and what instructions need: an opcode whose record needs more is undefined.
  public let features: CPUFeatures

  /// The bits of MXCSR that can be set: DAZ came with the Pentium 4. SDM vol. 1, 11.6.6.
  public var writableMXCSR: UInt32 { features.contains(.sse2) ? 0xffff : 0xffbf }

  /// Whether it is a Pentium 4, with the registers that it brought.
  var isPentium4: Bool { signature >> 8 & 15 == 15 }
  /// Banks of machine-check registers. SDM vol. 3B, 16.1 and 16.2.
  var machineCheckBanks: Int { isPentium4 ? 4 : 5 }

  private let descriptors: CacheDescriptors

  /// A P6 with PAE and NX: family 6, model 1, stepping 9.
  public static let p6 = CPUModel()

  /// A processor whose leaves tell these parameters.
  /// - Parameter addressWidth: physical address bits, 36 to 52.
  public init(
    identity: CPUIdentity = .p6, addressWidth: UInt8 = 36, geometry: TLBGeometry = .p6,
    caches: CacheGeometries = .p6
  ) {
    name = identity.name
    signature = identity.signature
    self.addressWidth = addressWidth
    hasNoExecute = identity.hasNoExecute
    var cr4: CR4 = [
      .timeStampDisable, .debuggingExtensions, .pageSizeExtensions, .physicalAddressExtension,
      .pageGlobalEnable, .performanceCounterEnable,
    ]
    let extensions = identity.extensions.intersection(CPUIdentity.optional)
    if extensions.contains(.virtual8086Extensions) {
      cr4.formUnion([.virtual8086Extensions, .protectedModeVirtualInterrupts])
    }
    if extensions.contains(.machineCheckException) { cr4.insert(.machineCheckEnable) }
    if extensions.contains(.fxsave) { cr4.insert(.osSavesExtendedState) }
    if extensions.contains(.sse) { cr4.insert(.osHandlesSIMDExceptions) }
    supportedCR4 = cr4
    let common: CPUFeatures = [
      .fpu, .debuggingExtensions, .pageSizeExtensions, .timeStampCounter, .machineRegisters,
      .physicalAddressExtension,
      .compareExchange8Bytes, .globalPages, .conditionalMoves, .pageSizeExtensions36,
    ]
    features = common.union(extensions)
    descriptors = CacheDescriptors(geometry, caches)
  }

  // MARK: Leaves

  /// The last basic leaf.
  public static let highestBasicLeaf: UInt32 = 2
  /// The last extended leaf.
  public static let highestExtendedLeaf: UInt32 = 0x8000_0008

  /// What CPUID answers for EAX = `leaf`. A leaf that there isn't gets the highest basic leaf's answer.
  public func cpuid(leaf: UInt32) -> (eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    switch leaf {
    case 0:
      // "Genu" "ineI" "ntel" in EBX, EDX, ECX.
      return (Self.highestBasicLeaf, 0x756e_6547, 0x6c65_746e, 0x4965_6e69)
    case 1: return (signature, flushedLine, features.ecx, features.edx)
    case 0x8000_0000: return (Self.highestExtendedLeaf, 0, 0, 0)
    case 0x8000_0001: return (0, 0, 0, hasNoExecute ? Self.noExecuteFeature : 0)
    case 0x8000_0002...0x8000_0004: return brandString(part: leaf - 0x8000_0002)
    case 0x8000_0005...0x8000_0007: return (0, 0, 0, 0)
    case 0x8000_0008: return (UInt32(addressWidth) | Self.linearAddressWidth << 8, 0, 0, 0)
    default: return descriptors.leaf
    }
  }

  /// EBX of leaf 1: the bytes that CLFLUSH flushes, in units of eight.
  private var flushedLine: UInt32 {
    features.contains(.cacheLineFlush) ? UInt32(CacheGeometry.lineBytes / 8) << 8 : 0
  }

  /// EDX of leaf 80000001h.
  private static let noExecuteFeature: UInt32 = 1 << 20
  private static let linearAddressWidth: UInt32 = 32

  /// 16 of the brand string's 48 bytes, padded with zeros.
  private func brandString(part: UInt32) -> (eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    let text = Array(name.utf8.prefix(47))
    func word(_ index: Int) -> UInt32 {
      var value: UInt32 = 0
      for byte in 0..<4 {
        let position = Int(part) * 16 + index * 4 + byte
        if position < text.count { value |= UInt32(text[position]) << UInt32(8 * byte) }
      }
      return value
    }
    return (word(0), word(1), word(2), word(3))
  }
}
