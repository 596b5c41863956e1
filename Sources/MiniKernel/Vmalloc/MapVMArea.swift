// Mapping and unmapping areas in the reference table: one function a level, as the tables are nested.

extension Kernel {
  // MARK: Mapping pages of an array

  /// Maps the pages of the array at `pages`, in order, from the area's start on, its guard page left out
  /// (`map_vm_area`). Needs no flush: the TLB holds nothing for entries that were not present.
  public func mapVMArea(
    _ area: VMArea<HW>, _ flags: PageTableFlags, pages: KernelAddress
  ) throws(PageTableError) {
    beginUpdate()
    defer { endUpdate() }
    let end = area.guardPage
    let flags = supported(flags)
    area.protection = flags
    flushCacheVmap(area.start, end)
    var pages = pages
    var address = area.start
    while address < end {
      let next = boundary(after: address, span: 1 << 30, end: end)
      let pointer = pointerTableEntry(swapperPointerTable, address)
      try vmapDirectoryRange(pointer, address, next, flags, &pages, mayBeHuge: area.flags.contains(.huge))
      address = next
    }
  }

  /// One page directory (`vmap_pmd_range`).
  private func vmapDirectoryRange(
    _ pointer: KernelAddress, _ start: KernelAddress, _ end: KernelAddress, _ flags: PageTableFlags,
    _ pages: inout KernelAddress, mayBeHuge: Bool
  ) throws(PageTableError) {
    var address = start
    while address < end {
      let next = boundary(after: address, span: AddressSpace.pageTableSpan, end: end)
      let directory = directoryEntry(pointer, address)
      if mayBeHuge, next - address == AddressSpace.pageTableSpan, mapHuge(directory, address, flags, pages) {
        pages = pages + hugePages &* 4
        address = next
        continue
      }
      try ensureKernelTable(directory)
      try vmapTableRange(directory, address, next, flags, &pages)
      address = next
    }
  }

  /// One page table (`vmap_pte_range`).
  private func vmapTableRange(
    _ directory: KernelAddress, _ start: KernelAddress, _ end: KernelAddress, _ flags: PageTableFlags,
    _ pages: inout KernelAddress
  ) throws(PageTableError) {
    var entry = tableEntry(directory, start)
    var address = start
    while address < end {
      let page = Page(hardware, at: KernelAddress(hardware.load32(pages)))
      try setKernelEntry(entry, address, PageTableEntry(physicalAddress(of: page), flags))
      pages = pages + 4
      entry = entry + 8
      address = address + pageSize
    }
  }

  /// Sets one entry that must not be present.
  private func setKernelEntry(
    _ entry: KernelAddress, _ address: KernelAddress, _ value: PageTableEntry
  ) throws(PageTableError) {
    if self.entry(at: entry).isPresent {
      warn("vmap: page-table entry is present already", address)
      throw .alreadyMapped
    }
    setEntry(entry, value)
  }

  // MARK: Mapping a physical range

  /// Maps consecutive physical pages at `start..<end` (`ioremap_page_range`); the flags are those the processor has.
  func ioremapPageRange(
    _ start: KernelAddress, _ end: KernelAddress, _ physical: UInt64, _ flags: PageTableFlags
  ) throws(PageTableError) {
    flushCacheVmap(start, end)
    var address = start
    while address < end {
      let next = boundary(after: address, span: 1 << 30, end: end)
      let pointer = pointerTableEntry(swapperPointerTable, address)
      try ioremapDirectoryRange(pointer, address, next, physical &+ UInt64(address - start), flags)
      address = next
    }
  }

  /// One page directory (`ioremap_pmd_range`).
  private func ioremapDirectoryRange(
    _ pointer: KernelAddress, _ start: KernelAddress, _ end: KernelAddress, _ physical: UInt64,
    _ flags: PageTableFlags
  ) throws(PageTableError) {
    var address = start
    while address < end {
      let next = boundary(after: address, span: AddressSpace.pageTableSpan, end: end)
      let directory = directoryEntry(pointer, address)
      try ensureKernelTable(directory)
      try ioremapTableRange(directory, address, next, physical &+ UInt64(address - start), flags)
      address = next
    }
  }

  /// One page table (`ioremap_pte_range`).
  private func ioremapTableRange(
    _ directory: KernelAddress, _ start: KernelAddress, _ end: KernelAddress, _ physical: UInt64,
    _ flags: PageTableFlags
  ) throws(PageTableError) {
    var entry = tableEntry(directory, start)
    var address = start
    var physical = physical
    while address < end {
      try setKernelEntry(entry, address, PageTableEntry(physical, flags))
      physical &+= UInt64(pageSize)
      entry = entry + 8
      address = address + pageSize
    }
  }

  // MARK: Unmapping

  /// Unmaps an area, its guard page left out (`unmap_vm_area`).
  public func unmapVMArea(_ area: VMArea<HW>) { unmapKernelRange(area.start, area.guardPage) }

  /// Clears every entry of `start..<end` and makes the TLB forget them (`unmap_kernel_range`). Page tables stay, as
  /// Linux's do: processes may have copied the directory entries that name them. `releaseEmptyTables` takes them.
  public func unmapKernelRange(_ start: KernelAddress, _ end: KernelAddress) {
    beginUpdate()
    defer { endUpdate() }
    flushCacheVunmap(start, end)
    var address = start
    while address < end {
      let next = boundary(after: address, span: 1 << 30, end: end)
      let pointer = pointerTableEntry(swapperPointerTable, address)
      if entry(at: pointer).isPresent { vunmapDirectoryRange(pointer, address, next) }
      address = next
    }
    // Lazy freeing flushes later, once for many areas.
    if tlbFlushPolicy != .lazy { flushTLBKernelRange(start, end) }
  }

  /// One page directory (`vunmap_pmd_range`).
  private func vunmapDirectoryRange(_ pointer: KernelAddress, _ start: KernelAddress, _ end: KernelAddress) {
    var address = start
    while address < end {
      let next = boundary(after: address, span: AddressSpace.pageTableSpan, end: end)
      let directory = directoryEntry(pointer, address)
      let value = entry(at: directory)
      if value.flags.contains(.large) {
        clearDirectoryEverywhere(directory, address)
      } else if value.isPresent {
        vunmapTableRange(directory, address, next)
      }
      address = next
    }
  }

  /// One page table (`vunmap_pte_range`).
  private func vunmapTableRange(_ directory: KernelAddress, _ start: KernelAddress, _ end: KernelAddress) {
    var entry = tableEntry(directory, start)
    var address = start
    while address < end {
      clearEntry(entry)
      entry = entry + 8
      address = address + pageSize
    }
  }
}
