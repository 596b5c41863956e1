/// Linear addresses known at compile time, whatever they show (`enum fixed_addresses`). Slot n lies n pages below
/// `AddressSpace.fixmapTop`.
public enum FixmapSlot: UInt32, Sendable {
  /// Never mapped (`FIX_HOLE`).
  case hole = 0
  /// For one device the kernel must reach before it can ioremap (as `FIX_APIC_BASE` does).
  case device = 1
  /// The first slot of `kmapAtomic`, one for each `KmapType` (`FIX_KMAP_BEGIN`).
  case kmapBegin = 2

  /// The slot's address (`fix_to_virt`).
  public var address: KernelAddress { AddressSpace.fixmapTop - rawValue << pageShift }
}

extension Kernel {
  /// Where the page-table entry of a fixmap address is.
  private func fixmapEntry(_ address: KernelAddress) -> KernelAddress {
    self.address + KernelVariable.fixmapPageTable + (address - AddressSpace.fixmapTableBase) >> pageShift &* 8
  }

  /// Shows the page at physical address `physical` at fixmap address `address` (`set_pte_pfn`).
  func setFixmapEntry(_ address: KernelAddress, _ physical: UInt64, _ flags: PageTableFlags) {
    beginUpdate()
    defer { endUpdate() }
    let entry = fixmapEntry(address)
    let wasPresent = self.entry(at: entry).isPresent
    if wasPresent { clearEntry(entry) }
    setEntry(entry, PageTableEntry(physical & ~UInt64(pageSize - 1), supported(flags)))
    if wasPresent { flushTLBOne(address) }
  }

  /// Unmaps fixmap address `address`.
  func clearFixmapEntry(_ address: KernelAddress) {
    beginUpdate()
    defer { endUpdate() }
    clearEntry(fixmapEntry(address))
    flushTLBOne(address)
  }

  /// Shows physical memory in a fixed slot and returns its address (`set_fixmap`).
  @discardableResult
  public func setFixmap(_ slot: FixmapSlot, _ physical: UInt64, _ flags: PageTableFlags) -> KernelAddress {
    setFixmapEntry(slot.address, physical, flags)
    return slot.address
  }

  /// Takes it away again (`clear_fixmap`).
  public func clearFixmap(_ slot: FixmapSlot) { clearFixmapEntry(slot.address) }

  /// Hangs the page tables of the kmap window and the fixmap into the reference table; both are empty.
  func makeWindows() {
    hangWindow(KernelVariable.kmapPageTable, at: AddressSpace.kmapBase)
    hangWindow(KernelVariable.fixmapPageTable, at: AddressSpace.fixmapTableBase)
    hardware.fill32(address + KernelVariable.kmapCounts, count: AddressSpace.kmapPages / 2, with: 0)
    self[word: KernelVariable.lastKmapSlot] = 0
  }

  private func hangWindow(_ table: UInt32, at window: KernelAddress) {
    hardware.fill32(address + table, count: 1024, with: 0)
    let directory = swapperPageDirectory + (window.rawValue >> 21 & 511) &* 8
    setEntry(directory, PageTableEntry(physicalAddress(of: address + table), .table))
  }
}
