// The formats of paging-structure entries, as bit tables.
//
//            63   62..MAX  MAX-1..12   11..9  8   7    6  5  4    3    2    1    0     (MAX: physical address width)
//  PDPTE     rsv  rsv      PD address  avl    rsv rsv  rsv rsv PCD  PWT  rsv  rsv  P   SDM vol. 3A, table 4-8
//  PDE  PAE  NX   rsv      PT address  avl    ign 0    ign A  PCD  PWT  U/S  R/W  P    table 4-10
//  PDE  2 MB NX   rsv      page [20..13 rsv, 12 PAT]  G  1  D A PCD PWT U/S R/W P      table 4-9
//  PTE  PAE  NX   rsv      page        avl    G   PAT  D  A  PCD  PWT  U/S  R/W  P    table 4-11
//  PDE  32-bit             31..12 PT   avl    ign 0    ign A  PCD  PWT  U/S  R/W  P    table 4-5
//  PDE  4 MB               31..22 page, 21 rsv, 20..13 = bits 39..32, 12 PAT, G 1 D A ...  table 4-4
//  PTE  32-bit             31..12 page avl    G   PAT  D  A  PCD  PWT  U/S  R/W  P    table 4-6

/// Bits of paging-structure entries that stand in the same place in every format.
public enum EntryBit {
  /// P: the entry may be used.
  public static let present: UInt64 = 1 << 0
  /// R/W: writes are allowed.
  public static let writable: UInt64 = 1 << 1
  /// U/S: CPL 3 has access.
  public static let user: UInt64 = 1 << 2
  /// PWT: write-through.
  public static let writeThrough: UInt64 = 1 << 3
  /// PCD: not cached.
  public static let cacheDisable: UInt64 = 1 << 4
  /// A: set by the processor when it uses the entry.
  public static let accessed: UInt64 = 1 << 5
  /// D: set by the processor when it writes to the page.
  public static let dirty: UInt64 = 1 << 6
  /// PS in a PDE.
  public static let pageSize: UInt64 = 1 << 7
  /// G: kept by a load of CR3.
  public static let global: UInt64 = 1 << 8
  /// NX under EFER.NXE, reserved without it.
  public static let noExecute: UInt64 = 1 << 63
}

/// The reserved bits of each format: set in a present entry, they make its use a fault. SDM vol. 3A, 4.4.2, 4.3.
public enum ReservedBits {
  /// The bits of a PAE entry at and above the physical address width, up to bit 62.
  @inlinable
  public static func aboveAddressWidth(_ bits: UInt8) -> UInt64 {
    (UInt64(1) << 63 &- 1) & ~((UInt64(1) << UInt64(bits)) &- 1)
  }

  /// PDPTE: 1-2, 5-8, and everything above the address width, bit 63 always.
  @inlinable
  public static func pdpte(addressWidth: UInt8) -> UInt64 {
    0x1e6 | aboveAddressWidth(addressWidth) | EntryBit.noExecute
  }

  /// PAE PDE that points to a page table, and PAE PTE.
  @inlinable
  public static func pae4K(addressWidth: UInt8, noExecuteEnabled: Bool) -> UInt64 {
    aboveAddressWidth(addressWidth) | (noExecuteEnabled ? 0 : EntryBit.noExecute)
  }

  /// PAE PDE that maps a 2 MiB page: also 13-20.
  @inlinable
  public static func pae2M(addressWidth: UInt8, noExecuteEnabled: Bool) -> UInt64 {
    pae4K(addressWidth: addressWidth, noExecuteEnabled: noExecuteEnabled) | 0x1f_e000
  }

  /// 32-bit PDE that maps a 4 MiB page, with PSE-36: bit 21, and those of 13-20 (address bits 32-39) that lie
  /// above the address width.
  @inlinable
  public static func pse4M(addressWidth: UInt8) -> UInt64 {
    let usable = UInt64(min(max(addressWidth, 32), 40)) - 32
    let tooHigh = UInt64(0xff) & ~((UInt64(1) << usable) - 1)
    return 1 << 21 | tooHigh << 13
  }
}
