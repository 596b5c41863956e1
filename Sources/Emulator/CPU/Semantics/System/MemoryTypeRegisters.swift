import IA32

/// The memory-type range registers. SDM vol. 3A, 11.11.
///
/// They keep what is written to them and refuse what the manual forbids. Which accesses the caches take follows from where
/// memory is and from PCD and CR0.CD; that is what these registers say after a reset, too, as firmware leaves them.
struct MemoryTypeRegisters {
  /// The fixed ranges: 250h, 258h, 259h, 268h to 26Fh.
  private var fixed: InlineArray<11, UInt64> = InlineArray(repeating: 0)
  /// Eight pairs of base and mask, from 200h on.
  private var variable: InlineArray<16, UInt64> = InlineArray(repeating: 0)
  /// IA32_MTRR_DEF_TYPE.
  private var defaultType: UInt64 = 0

  /// IA32_MTRRCAP: eight variable ranges, fixed ranges, write combining.
  static let capabilities: UInt64 = 0x508

  /// Write-back by default; the video memory and what lies from 3 GiB to 4 GiB uncacheable, ROM from C0000h write-protected.
  init(addressWidth: UInt8) {
    fixed[0] = 0x0606_0606_0606_0606
    fixed[1] = 0x0606_0606_0606_0606
    for index in 3..<11 { fixed[index] = 0x0505_0505_0505_0505 }
    variable[0] = 0xc000_0000
    variable[1] = ((1 << UInt64(addressWidth)) - (1 << 30)) | Self.valid
    defaultType = Self.enabled | Self.fixedEnabled | 6
  }

  private static let valid: UInt64 = 1 << 11
  private static let enabled: UInt64 = 1 << 11
  private static let fixedEnabled: UInt64 = 1 << 10

  /// The register with that number; nil where it is none of these.
  func read(_ index: UInt32) -> UInt64? {
    switch index {
    case 0xfe: Self.capabilities
    case 0x200...0x20f: variable[Int(index - 0x200)]
    case 0x2ff: defaultType
    default: Self.fixedPlace(index).map { fixed[$0] }
    }
  }

  /// - Returns: false where there is no such register, and for what must not be written to it.
  mutating func write(_ index: UInt32, _ value: UInt64, addressWidth: UInt8) -> Bool {
    let beyond = ~((1 << UInt64(addressWidth)) - 1) as UInt64
    switch index {
    case 0x200...0x20f:
      let isMask = index & 1 != 0
      guard value & (beyond | (isMask ? 0x7ff : 0xf00)) == 0, isMask || Self.isType(value & 0xff) else {
        return false
      }
      variable[Int(index - 0x200)] = value
    case 0x2ff:
      guard value & ~(Self.enabled | Self.fixedEnabled | 0xff) == 0, Self.isType(value & 0xff) else {
        return false
      }
      defaultType = value
    default:
      guard let place = Self.fixedPlace(index),
        Self.areTypes(value, of: [0, 1, 4, 5, 6])
      else { return false }
      fixed[place] = value
    }
    return true
  }

  private static func fixedPlace(_ index: UInt32) -> Int? {
    switch index {
    case 0x250: 0
    case 0x258...0x259: Int(index - 0x258) + 1
    case 0x268...0x26f: Int(index - 0x268) + 3
    default: nil
    }
  }

  /// Whether each of eight bytes is one of these memory types. SDM vol. 3A, tables 11-8 and 11-10.
  static func areTypes(_ value: UInt64, of types: [UInt64]) -> Bool {
    (0..<8).allSatisfy { types.contains(value >> UInt64(8 * $0) & 0xff) }
  }

  /// UC, WC, WT, WP, WB.
  private static func isType(_ value: UInt64) -> Bool { [0, 1, 4, 5, 6].contains(value) }
}
