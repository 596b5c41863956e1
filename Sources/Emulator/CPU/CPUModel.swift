import IA32

/// Which processor the machine has, as CPUID tells it. SDM vol. 2A, CPUID.
///
/// It states what the emulator does and nothing else: no FPU, APIC, MTRRs, machine checks, V86 extensions, SYSENTER.
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

  private let tlbDescriptors: TLBDescriptors
  private let cacheDescriptors: CacheDescriptors

  /// Leaf 2's bytes for the four TLB arrays; 0 (no descriptor) for a shape that no byte stands for.
  private struct TLBDescriptors: Hashable, Sendable {
    let instruction4K: UInt32
    let instructionLarge: UInt32
    let data4K: UInt32
    let dataLarge: UInt32
  }

  /// Leaf 2's bytes for the caches.
  private struct CacheDescriptors: Hashable, Sendable {
    let level1Instruction: UInt32
    let level1Data: UInt32
    let level2: UInt32

    /// 16 KiB 4-way twice and 512 KiB 4-way, lines of 32 bytes.
    static let p6 = CacheDescriptors(level1Instruction: 0x08, level1Data: 0x0c, level2: 0x43)
  }

  /// A P6 with PAE and NX: family 6, model 1, stepping 9.
  public static let p6 = CPUModel()

  /// A P6 whose leaves tell these parameters.
  /// - Parameter addressWidth: physical address bits, 36 to 52.
  public init(
    name: String = "Pagewalk P6", signature: UInt32 = 0x619, addressWidth: UInt8 = 36,
    geometry: TLBGeometry = .p6, hasNoExecute: Bool = true
  ) {
    self.name = name
    self.signature = signature
    self.addressWidth = addressWidth
    self.hasNoExecute = hasNoExecute
    supportedCR4 = [
      .timeStampDisable, .debuggingExtensions, .pageSizeExtensions, .physicalAddressExtension,
      .pageGlobalEnable, .performanceCounterEnable,
    ]
    tlbDescriptors = TLBDescriptors(
      instruction4K: Self.descriptor(of: geometry.instruction4K, among: Self.instruction4KDescriptors),
      instructionLarge: Self.descriptor(
        of: geometry.instructionLarge, among: Self.instructionLargeDescriptors),
      data4K: Self.descriptor(of: geometry.data4K, among: Self.data4KDescriptors),
      dataLarge: Self.descriptor(of: geometry.dataLarge, among: Self.dataLargeDescriptors))
    cacheDescriptors = .p6
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
    case 1: return (signature, 0, 0, Self.features)
    case 0x8000_0000: return (Self.highestExtendedLeaf, 0, 0, 0)
    case 0x8000_0001: return (0, 0, 0, hasNoExecute ? Self.noExecuteFeature : 0)
    case 0x8000_0002...0x8000_0004: return brandString(part: leaf - 0x8000_0002)
    case 0x8000_0005...0x8000_0007: return (0, 0, 0, 0)
    case 0x8000_0008: return (UInt32(addressWidth) | Self.linearAddressWidth << 8, 0, 0, 0)
    default: return cachesAndTLBs
    }
  }

  /// EDX of leaf 1: DE, PSE, TSC, MSR, PAE, CX8, PGE, CMOV, PSE-36. SDM vol. 2A, table 3-11.
  private static let features: UInt32 =
    1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 13 | 1 << 15 | 1 << 17
  /// EDX of leaf 80000001h.
  private static let noExecuteFeature: UInt32 = 1 << 20
  private static let linearAddressWidth: UInt32 = 32

  /// Leaf 2, the bytes where the Pentium II has them. SDM vol. 2A, table 3-12.
  private var cachesAndTLBs: (eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    let once: UInt32 = 1
    let eax =
      once | tlbDescriptors.instruction4K << 8 | tlbDescriptors.instructionLarge << 16
      | tlbDescriptors.data4K << 24
    let edx =
      cacheDescriptors.level2 | cacheDescriptors.level1Instruction << 8 | tlbDescriptors.dataLarge << 16
      | cacheDescriptors.level1Data << 24
    return (eax, 0, 0, edx)
  }

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

  // MARK: Descriptor bytes of TLB shapes. SDM vol. 2A, table 3-12.

  private typealias Shape = TLBGeometry.Array

  private static let instruction4KDescriptors: [(Shape, UInt32)] = [
    (Shape(entries: 32, ways: 4), 0x01), (Shape(entries: 128, ways: 4), 0xb0),
    (Shape(entries: 48, ways: 48), 0x61),
  ]
  private static let instructionLargeDescriptors: [(Shape, UInt32)] = [
    (Shape(entries: 2, ways: 2), 0x02), (Shape(entries: 4, ways: 4), 0x0b),
  ]
  private static let data4KDescriptors: [(Shape, UInt32)] = [
    (Shape(entries: 64, ways: 4), 0x03), (Shape(entries: 16, ways: 4), 0x57),
    (Shape(entries: 128, ways: 4), 0xb3), (Shape(entries: 256, ways: 4), 0xb4),
  ]
  private static let dataLargeDescriptors: [(Shape, UInt32)] = [
    (Shape(entries: 8, ways: 4), 0x04), (Shape(entries: 32, ways: 4), 0x05),
    (Shape(entries: 16, ways: 4), 0x56),
  ]

  private static func descriptor(of shape: Shape, among known: [(Shape, UInt32)]) -> UInt32 {
    known.first { $0.0 == shape }?.1 ?? 0
  }
}
