/// The low bits of a page-table entry, and bit 63 (`_PAGE_...`). Intel SDM vol. 3A, 4.4.2.
public struct PageTableFlags: OptionSet, Sendable {
  /// The bits, in their places in an entry.
  public var rawValue: UInt64
  /// The flags in `rawValue`.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// P: the entry may be used.
  public static var present: PageTableFlags { PageTableFlags(rawValue: 1 << 0) }
  /// R/W: writes are allowed.
  public static var writable: PageTableFlags { PageTableFlags(rawValue: 1 << 1) }
  /// U/S: CPL 3 has access.
  public static var user: PageTableFlags { PageTableFlags(rawValue: 1 << 2) }
  /// PWT: write-through.
  public static var writeThrough: PageTableFlags { PageTableFlags(rawValue: 1 << 3) }
  /// PCD: not cached.
  public static var cacheDisabled: PageTableFlags { PageTableFlags(rawValue: 1 << 4) }
  /// A: set by the processor when it uses the entry.
  public static var accessed: PageTableFlags { PageTableFlags(rawValue: 1 << 5) }
  /// D: set by the processor when it writes to the page.
  public static var dirty: PageTableFlags { PageTableFlags(rawValue: 1 << 6) }
  /// PS: the directory entry maps 2 MiB itself.
  public static var large: PageTableFlags { PageTableFlags(rawValue: 1 << 7) }
  /// G: survives a load of CR3.
  public static var global: PageTableFlags { PageTableFlags(rawValue: 1 << 8) }
  /// NX: no instruction is fetched from it.
  public static var noExecute: PageTableFlags { PageTableFlags(rawValue: 1 << 63) }

  /// A page table or directory (`_KERNPG_TABLE`, `_PAGE_TABLE`); the user bit decides nothing for the kernel's part,
  /// where every leaf forbids it.
  public static var table: PageTableFlags { [.present, .writable, .user, .accessed, .dirty] }
  /// Kernel data (`PAGE_KERNEL`).
  public static var kernel: PageTableFlags { [.present, .writable, .accessed, .dirty, .global, .noExecute] }
  /// Kernel data that may only be read (`PAGE_KERNEL_RO`).
  public static var kernelReadOnly: PageTableFlags { [.present, .accessed, .dirty, .global, .noExecute] }
  /// Kernel code (`PAGE_KERNEL_EXEC`).
  public static var kernelExecutable: PageTableFlags { [.present, .writable, .accessed, .dirty, .global] }
  /// A bus device's registers (`PAGE_KERNEL_NOCACHE`).
  public static var kernelNoCache: PageTableFlags {
    [
      .present, .writable, .accessed, .dirty, .global, .noExecute, .cacheDisabled,
    ]
  }
}

/// An entry of any of the three levels: 64 bits.
public struct PageTableEntry: Equatable, Sendable {
  /// The 64 bits as they are in memory.
  public var rawValue: UInt64

  /// The entry with these 64 bits.
  @inline(__always)
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// An entry for what lies at `physical`.
  @inline(__always)
  public init(_ physical: UInt64, _ flags: PageTableFlags) { rawValue = physical | flags.rawValue }

  /// The physical address in it: bits 12-51.
  @inline(__always)
  public var physicalAddress: UInt64 { rawValue & 0x000F_FFFF_FFFF_F000 }

  /// Bits 0-11 and 63.
  @inline(__always)
  public var flags: PageTableFlags { PageTableFlags(rawValue: rawValue & 0x8000_0000_0000_0FFF) }

  /// P: whether the entry may be used.
  @inline(__always)
  public var isPresent: Bool { rawValue & 1 != 0 }
}

/// Where something failed in building page tables.
public enum PageTableError: Error, Sendable {
  /// No page for a table that is needed (`-ENOMEM`).
  case noMemoryForTable
  /// An entry was present already: a bug, and reported as one (`-EEXIST`, `WARN_ON`).
  case alreadyMapped
}

extension Kernel {
  // MARK: Entries

  /// The reference page directory of the kernel's gigabyte (`swapper_pmd`).
  @inline(__always)
  var swapperPageDirectory: KernelAddress { address + KernelVariable.swapperPageDirectory }

  /// The reference page-directory-pointer table (`swapper_pg_dir`).
  @inline(__always)
  public var swapperPointerTable: KernelAddress { address + KernelVariable.swapperPointerTable }

  /// Reads the entry at `entry`.
  @inline(__always)
  public func entry(at entry: KernelAddress) -> PageTableEntry {
    let low = hardware.load32(entry)
    return PageTableEntry(rawValue: UInt64(hardware.load32(entry + 4)) << 32 | UInt64(low))
  }

  /// Writes an entry that was not present: the upper half first, so that the walker never sees P without the whole
  /// address (`set_pte`).
  @inline(__always)
  public func setEntry(_ entry: KernelAddress, _ value: PageTableEntry) {
    hardware.store32(entry + 4, UInt32(truncatingIfNeeded: value.rawValue >> 32))
    hardware.store32(entry, UInt32(truncatingIfNeeded: value.rawValue))
  }

  /// Clears an entry: the lower half, with P, first (`pte_clear`).
  @inline(__always)
  public func clearEntry(_ entry: KernelAddress) {
    hardware.store32(entry, 0)
    hardware.store32(entry + 4, 0)
  }

  /// `flags` without what this processor does not have (`__supported_pte_mask`): G without global pages is only
  /// useless, bit 63 without EFER.NXE is reserved and would fault.
  @inline(__always)
  func supported(_ flags: PageTableFlags) -> PageTableFlags {
    var flags = flags
    if !features.contains(.noExecute) { flags.remove(.noExecute) }
    if !features.contains(.globalPages) { flags.remove(.global) }
    return flags
  }

  // MARK: Finding entries, one function a level

  /// The entry of `table`, a page-directory-pointer table, for `address` (`pgd_offset`): bits 30-31.
  @inline(__always)
  public func pointerTableEntry(_ table: KernelAddress, _ address: KernelAddress) -> KernelAddress {
    table + address.rawValue >> 30 &* 8
  }

  /// The entry of the page directory that `pointer`, an entry, names (`pmd_offset`): bits 21-29.
  @inline(__always)
  public func directoryEntry(_ pointer: KernelAddress, _ address: KernelAddress) -> KernelAddress {
    directAddress(of: entry(at: pointer).physicalAddress) + (address.rawValue >> 21 & 511) &* 8
  }

  /// The entry of the page table that `directory`, an entry, names (`pte_offset_kernel`): bits 12-20.
  @inline(__always)
  public func tableEntry(_ directory: KernelAddress, _ address: KernelAddress) -> KernelAddress {
    directAddress(of: entry(at: directory).physicalAddress) + (address.rawValue >> 12 & 511) &* 8
  }

  /// Where the page-table entry of a kernel address is in the reference table; nil when there is no page table for
  /// it, or a large page.
  public func kernelTableEntry(_ address: KernelAddress) -> KernelAddress? {
    let pointer = pointerTableEntry(swapperPointerTable, address)
    if !entry(at: pointer).isPresent { return nil }
    let directory = directoryEntry(pointer, address)
    let value = entry(at: directory)
    if !value.isPresent || value.flags.contains(.large) { return nil }
    return tableEntry(directory, address)
  }

  // MARK: Tables

  /// A zeroed page for a table or directory, from lowmem, where the kernel can always reach it.
  func allocateTable() -> KernelAddress? {
    guard let page = allocatePage([.kernel, .zero]) else { return nil }
    page.flags = .table
    count(KernelVariable.pageTablePages)
    return pageAddress(page)
  }

  /// Gives a table back. The caller makes sure that no processor still walks it.
  func freeTable(_ table: KernelAddress) {
    let page = page(at: table)
    page.flags = []
    count(KernelVariable.pageTablePages, by: UInt32.max)
    freePage(page)
  }

  /// Sees to it that directory entry `directory` names a page table (`pte_alloc_kernel`). A new one goes into the
  /// reference table only; processes get it by `vmallocFault`.
  func ensureKernelTable(_ directory: KernelAddress) throws(PageTableError) {
    if entry(at: directory).isPresent { return }
    guard let table = allocateTable() else { throw .noMemoryForTable }
    setEntry(directory, PageTableEntry(physicalAddress(of: table), .table))
  }

  /// The address where the next table of `span` bytes begins, or `end` when that comes first (`pmd_addr_end`).
  @inline(__always)
  func boundary(after address: KernelAddress, span: UInt32, end: KernelAddress) -> KernelAddress {
    let next = (address.rawValue &+ span) & ~(span &- 1)
    // Compared from one below, so that a boundary at 4 GiB, which wraps to 0, counts as beyond everything.
    return next &- 1 < end.rawValue &- 1 ? KernelAddress(next) : end
  }
}
