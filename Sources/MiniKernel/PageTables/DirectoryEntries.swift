// What concerns a whole directory entry of the vmalloc range: 2 MiB mappings, and giving back page tables that map
// nothing. Both take an entry away or change one that processes may have copied, so both go through all of them.

/// Pages in a 2 MiB page.
let hugePages: UInt32 = 512
/// The order of a block of that size.
let hugeOrder: UInt32 = 9

extension Kernel {
  /// Whether large areas may be mapped by 2 MiB pages: off is the classic behaviour. For areas of 2 MiB and more, it saves
  /// page tables, walks and TLB entries, as far as memory has such blocks.
  public var allowsHugePages: Bool {
    get { self[word: KernelVariable.allowHuge] != 0 }
    nonmutating set { self[word: KernelVariable.allowHuge] = newValue ? 1 : 0 }
  }

  /// Maps 512 pages of the array at `pages` by one directory entry; false when they are not one aligned block, or when
  /// a page table that is in use stands in the way (`vmap_try_huge_pmd`).
  func mapHuge(
    _ directory: KernelAddress, _ address: KernelAddress, _ flags: PageTableFlags, _ pages: KernelAddress
  ) -> Bool {
    let first = Page(hardware, at: KernelAddress(hardware.load32(pages)))
    if frame(of: first) & (hugePages - 1) != 0 { return false }
    for index in 1..<hugePages
    where hardware.load32(pages + index &* 4) != (first.address + index &* PageLayout.size).rawValue {
      return false
    }
    if entry(at: directory).isPresent, !releaseTableIfEmpty(directory, address) { return false }
    setEntry(directory, PageTableEntry(physicalAddress(of: first), flags.union(.large)))
    return true
  }

  /// Clears a directory entry in the reference table and wherever a process copied it. What the TLB knows is the
  /// caller's business.
  func clearDirectoryEverywhere(_ directory: KernelAddress, _ address: KernelAddress) {
    clearEntry(directory)
    forEachProcess { process in
      clearEntry(directoryEntry(pointerTableEntry(process.pointerTable, address), address))
    }
  }

  /// Gives back the page tables of the vmalloc range that map nothing, taking them out of the reference table and of
  /// every process that copied them, and returns how many. Linux keeps them for ever; here it is a call of its own,
  /// so that a test can compare free counts to the page.
  @discardableResult
  public func releaseEmptyTables() -> UInt32 {
    beginUpdate()
    defer { endUpdate() }
    var released: UInt32 = 0
    var address = vmallocStart
    while address < vmallocEnd {
      let directory = directoryEntry(pointerTableEntry(swapperPointerTable, address), address)
      if entry(at: directory).isPresent, releaseTableIfEmpty(directory, address) { released += 1 }
      address = boundary(after: address, span: AddressSpace.pageTableSpan, end: vmallocEnd)
    }
    return released
  }

  /// Gives back the page table that a present directory entry names if it maps nothing.
  private func releaseTableIfEmpty(_ directory: KernelAddress, _ address: KernelAddress) -> Bool {
    let value = entry(at: directory)
    if value.flags.contains(.large) { return false }
    let table = directAddress(of: value.physicalAddress)
    for index in 0..<hugePages where entry(at: table + index &* 8).isPresent { return false }
    clearDirectoryEverywhere(directory, address)
    // Any INVLPG also drops the processor's copies of directory entries.
    flushTLBOne(address)
    freeTable(table)
    return true
  }
}
