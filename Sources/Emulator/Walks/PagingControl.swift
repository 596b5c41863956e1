import IA32

/// The registers that a walk obeys, as they stand when it starts.
public struct PagingControl: Hashable, Codable, Sendable {
  /// The paging mode. SDM vol. 3A, 4.1.1.
  public enum Mode: UInt8, Codable, Sendable {
    /// CR0.PG is clear: linear addresses are physical.
    case off
    /// 32-bit paging: two levels of 4-byte entries. SDM vol. 3A, 4.3.
    case bits32
    /// PAE paging: PDPTE registers and two levels of 8-byte entries. SDM vol. 3A, 4.4.
    case pae
  }

  /// The paging mode.
  public let mode: Mode
  /// CR3, used by 32-bit paging alone: PAE starts at the PDPTE registers.
  public let cr3: UInt32
  /// CR4.PSE, which only 32-bit paging asks.
  public let pageSizeExtensions: Bool
  /// CR0.WP.
  public let writeProtect: Bool
  /// CR4.PGE.
  public let globalPages: Bool
  /// EFER.NXE, which only PAE paging asks.
  public let noExecute: Bool
  /// Reserved bits of a PDE that points to a page table, of a PDE that maps a large page, and of a PTE.
  let reservedTable: UInt64
  let reservedLarge: UInt64
  let reserved4K: UInt64

  /// - Parameters:
  ///   - addressWidth: physical address bits, 36 to 52.
  ///   - hasAttributeTable: the processor has a page attribute table.
  public init(
    cr0: CR0, cr3: UInt32, cr4: CR4, efer: UInt64, addressWidth: UInt8, hasAttributeTable: Bool = false
  ) {
    let (largePAT, pagePAT) = hasAttributeTable ? (0, 0) : (Self.largePagePAT, Self.pagePAT)
    mode = !cr0.contains(.paging) ? .off : cr4.contains(.physicalAddressExtension) ? .pae : .bits32
    self.cr3 = cr3
    pageSizeExtensions = cr4.contains(.pageSizeExtensions)
    writeProtect = cr0.contains(.writeProtect)
    globalPages = cr4.contains(.pageGlobalEnable)
    noExecute = mode == .pae && efer & EFER.noExecuteEnable != 0
    if mode == .pae {
      reservedTable = ReservedBits.pae4K(addressWidth: addressWidth, noExecuteEnabled: noExecute)
      reservedLarge =
        ReservedBits.pae2M(addressWidth: addressWidth, noExecuteEnabled: noExecute) | largePAT
      reserved4K = reservedTable | pagePAT
    } else {
      reservedTable = 0
      reservedLarge = ReservedBits.pse4M(addressWidth: addressWidth) | largePAT
      // Without CR4.PSE 32-bit paging has no reserved bits. SDM vol. 3A, 4.3.
      reserved4K = pageSizeExtensions ? pagePAT : 0
    }
  }

  /// Where an entry that maps a page has its PAT bit, which is reserved where the processor has no page attribute table.
  /// SDM vol. 3A, 4.3, 4.4.2.
  private static let pagePAT: UInt64 = 1 << 7
  private static let largePagePAT: UInt64 = 1 << 12

  /// log2 of a large page's size in bytes: 21 under PAE, 22 in 32-bit paging.
  @inline(__always)
  public var largePageShift: UInt32 { mode == .pae ? 21 : 22 }
}
