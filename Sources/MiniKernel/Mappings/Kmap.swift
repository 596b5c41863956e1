// A high page has no address in the kernel. `kmap` lends it one of 512 in a window below the fixmap, and leaves it
// there until the window is full: then all unused ones are unmapped together, with one flush of the TLB.
// `kmapAtomic` lends a fixed slot for a moment. Linux 2.6.24: `mm/highmem.c`, `arch/x86/mm/highmem_32.c`.

/// Whose slot `kmapAtomic` uses; each holds one page at a time (`enum km_type`).
public enum KmapType: UInt32, Sendable {
  case user0 = 0
  case user1 = 1
  case pte0 = 2
  case irq0 = 3

  /// The slot's address.
  var address: KernelAddress { FixmapSlot.kmapBegin.address - rawValue << pageShift }
}

extension Kernel {
  // MARK: kmap

  /// An address for `page`, which stays until `kunmap`: its own when it has one, else a place in the kmap window
  /// (`kmap`). Nil when all 512 places are in use, where Linux would wait.
  public func kmap(_ page: Page<HW>) -> KernelAddress? {
    beginUpdate()
    defer { endUpdate() }
    if !isHighMemory(page) { return pageAddress(page) }
    if page.virtual.isNull {
      guard let slot = freeKmapSlot() else { return nil }
      mapKmapSlot(slot, page)
    }
    let slot = (page.virtual - AddressSpace.kmapBase) >> pageShift
    setKmapCount(slot, kmapCount(slot) &+ 1)
    return page.virtual
  }

  /// Says that one user of `kmap` is done (`kunmap`). The mapping stays until its place is wanted.
  public func kunmap(_ page: Page<HW>) {
    beginUpdate()
    defer { endUpdate() }
    if !isHighMemory(page) { return }
    let slot = (page.virtual - AddressSpace.kmapBase) >> pageShift
    guard !page.virtual.isNull, kmapCount(slot) > 1 else {
      warn("kunmap: page is not mapped by kmap", page.address)
      return
    }
    setKmapCount(slot, kmapCount(slot) &- 1)
  }

  /// The use count of a place: 0 free, 1 mapped without users, n + 1 for n users (`pkmap_count`).
  public func kmapCount(_ slot: UInt32) -> UInt16 {
    hardware.load16(address + (KernelVariable.kmapCounts &+ slot &* 2))
  }

  private func setKmapCount(_ slot: UInt32, _ value: UInt16) {
    hardware.store16(address + (KernelVariable.kmapCounts &+ slot &* 2), value)
  }

  private func kmapEntry(_ slot: UInt32) -> KernelAddress {
    address + (KernelVariable.kmapPageTable &+ slot &* 8)
  }

  /// A free place, searched round the window twice: when the first place comes up, the unused ones are flushed.
  private func freeKmapSlot() -> UInt32? {
    var slot = self[word: KernelVariable.lastKmapSlot]
    for _ in 0..<2 &* AddressSpace.kmapPages {
      slot = (slot &+ 1) & (AddressSpace.kmapPages &- 1)
      if slot == 0 { flushAllZeroKmaps() }
      if kmapCount(slot) == 0 {
        self[word: KernelVariable.lastKmapSlot] = slot
        return slot
      }
    }
    return nil
  }

  private func mapKmapSlot(_ slot: UInt32, _ page: Page<HW>) {
    setEntry(kmapEntry(slot), PageTableEntry(physicalAddress(of: page), supported(.kernel)))
    setKmapCount(slot, 1)
    page.virtual = AddressSpace.kmapBase + slot << pageShift
  }

  /// Unmaps every place without users and flushes the window (`flush_all_zero_pkmaps`).
  public func flushAllZeroKmaps() {
    beginUpdate()
    defer { endUpdate() }
    var cleared = false
    for slot in 0..<AddressSpace.kmapPages where kmapCount(slot) == 1 {
      let entry = kmapEntry(slot)
      let frame = FrameNumber(truncatingIfNeeded: self.entry(at: entry).physicalAddress >> UInt64(pageShift))
      setKmapCount(slot, 0)
      page(frame).virtual = .null
      clearEntry(entry)
      cleared = true
    }
    if cleared {
      flushTLBKernelRange(
        AddressSpace.kmapBase, AddressSpace.kmapBase + AddressSpace.kmapPages << pageShift)
    }
  }

  // MARK: kmap_atomic

  /// An address for `page` until `kunmapAtomic` of the same type: its own when it has one, else the type's slot in
  /// the fixmap (`kmap_atomic`). Never fails and never waits.
  public func kmapAtomic(_ page: Page<HW>, _ type: KmapType) -> KernelAddress {
    if !isHighMemory(page) { return pageAddress(page) }
    setFixmapEntry(type.address, physicalAddress(of: page), .kernel)
    return type.address
  }

  /// Ends it (`kunmap_atomic`).
  public func kunmapAtomic(_ type: KmapType) { clearFixmapEntry(type.address) }
}
