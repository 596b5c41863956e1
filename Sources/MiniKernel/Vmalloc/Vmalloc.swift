// Areas contiguous in linear addresses, made of single pages that lie anywhere. That physical memory fragments is why
// vmalloc exists, so it never asks for more than one page at a time. Linux 2.6.24: `mm/vmalloc.c`.

extension Kernel {
  // MARK: Allocating

  /// `size` bytes, rounded up to pages, contiguous in the kernel's linear addresses only: pages from HIGHMEM first
  /// (`vmalloc`).
  public func vmalloc(_ size: UInt32) throws(VmallocError) -> KernelAddress {
    try vmalloc(size, [.kernel, .highmem], .kernel)
  }

  /// The same of pages that 32 bits address (`vmalloc_32`). With PAE, HIGHMEM has pages above 4 GiB, and a zone's
  /// free lists are not sorted: so these come from NORMAL and DMA.
  public func vmalloc32(_ size: UInt32) throws(VmallocError) -> KernelAddress {
    try vmalloc(size, [.kernel, .dma32], .kernel)
  }

  /// The same with the caller's choice of pages, protection and alignment, a power of two (`__vmalloc`).
  public func vmalloc(
    _ size: UInt32, _ gfp: GFPFlags, _ protection: PageTableFlags, alignment: UInt32 = pageSize
  ) throws(VmallocError) -> KernelAddress {
    beginUpdate()
    defer { endUpdate() }
    let size = pageAligned(size)
    if size == 0 || size >> pageShift > physicalPages { throw .badSize }
    let flags: VMAreaFlags = allowsHugePages && size >= AddressSpace.pageTableSpan ? [.alloc, .huge] : .alloc
    let area = try getVMArea(size, flags, from: vmallocStart, to: vmallocEnd, gfp, alignment: alignment)
    return try vmallocArea(area, gfp, protection)
  }

  /// Fills an area with pages and maps them; on any failure the area and all it got are given back
  /// (`__vmalloc_area_node`).
  public func vmallocArea(
    _ area: VMArea<HW>, _ gfp: GFPFlags, _ protection: PageTableFlags
  ) throws(VmallocError) -> KernelAddress {
    beginUpdate()
    defer { endUpdate() }
    let count = (area.size &- pageSize) >> pageShift
    let arraySize = count &* 4
    var array: KernelAddress?
    if arraySize > pageSize {
      // The array is vmalloc'ed itself, and its own array is a thousandth as long: the recursion ends at once.
      array = try? vmalloc(arraySize, gfp.union(.zero), .kernel)
      area.flags.insert(.vpages)
    } else {
      array = kmalloc(arraySize, gfp.union(.zero))
    }
    guard let array else {
      discard(area)
      throw .noMemoryForArea
    }
    area.pages = array
    guard fillArray(area, array, count, gfp) else {
      // What was got so far is in the array; the rest of the area was never mapped.
      vfree(area.start)
      throw .noPages
    }
    do {
      try mapVMArea(area, protection, pages: array)
    } catch {
      vfree(area.start)
      throw error == .noMemoryForTable ? .noMemoryForTable : .alreadyMapped
    }
    return area.start
  }

  /// Gets `count` pages one by one, notes them in the array, and how many they are in the area; false when they ran out.
  /// For a huge area, whole blocks of 2 MiB are tried first, and split, so that they are given back one by one, too.
  private func fillArray(_ area: VMArea<HW>, _ array: KernelAddress, _ count: UInt32, _ gfp: GFPFlags) -> Bool
  {
    let isHuge = area.flags.contains(.huge)
    var index: UInt32 = 0
    while index < count {
      var pages: UInt32 = 1
      var first: Page<HW>?
      if isHuge, index & (hugePages - 1) == 0, count - index >= hugePages {
        first = allocatePages(gfp, order: hugeOrder)
        if let first {
          splitPage(first, order: hugeOrder)
          pages = hugePages
        }
      }
      guard let page = first ?? allocatePage(gfp) else {
        area.pageCount = index
        return false
      }
      for offset in 0..<pages {
        hardware.store32(array + (index + offset) &* 4, (page.address + offset &* PageLayout.size).rawValue)
      }
      index += pages
    }
    area.pageCount = count
    return true
  }

  /// Takes back an area that has no pages yet.
  func discard(_ area: VMArea<HW>) {
    guard let removed = removeVMArea(area.start) else { return }
    releaseVMArea(removed)
  }

  // MARK: Freeing

  /// Takes back what a vmalloc call gave: area and pages (`vfree`). Null is fine. An area that `vmap` or `ioremap` made
  /// is reported and left alone: its pages belong to another owner.
  public func vfree(_ start: KernelAddress) {
    if let area = findVMArea(start), !area.flags.contains(.alloc) {
      warn("vfree: area was not made by vmalloc", start)
      return
    }
    vunmap(start, deallocatingPages: true)
  }

  /// Takes back an area that `vmap` made; the pages stay the caller's (`vunmap`). Null is fine. An area of `vmalloc`
  /// is reported and left alone: its pages would be lost.
  public func vunmap(_ start: KernelAddress) {
    if let area = findVMArea(start), !area.flags.contains(.map) {
      warn("vunmap: area was not made by vmap", start)
      return
    }
    vunmap(start, deallocatingPages: false)
  }

  /// What both lead to (`__vunmap`): checks the address, takes the area out, unmaps it, and gives its pages back one
  /// by one when told to. A bad address is reported and changes nothing.
  public func vunmap(_ start: KernelAddress, deallocatingPages: Bool) {
    beginUpdate()
    defer { endUpdate() }
    if start.isNull { return }
    if !start.isPageAligned {
      warn("Trying to vfree() bad address", start)
      return
    }
    guard let area = removeVMArea(start) else {
      warn("Trying to vfree() nonexistent vm area", start)
      return
    }
    if deallocatingPages {
      for index in 0..<area.pageCount { freePage(area.page(index)) }
      if area.flags.contains(.vpages) { vfree(area.pages) } else { kfree(area.pages) }
    }
    releaseVMArea(area)
  }

  /// The page behind an address of the vmalloc range; nil when nothing is mapped there (`vmalloc_to_page`).
  public func vmallocToPage(_ address: KernelAddress) -> Page<HW>? {
    let directory = directoryEntry(pointerTableEntry(swapperPointerTable, address), address)
    var value = entry(at: directory)
    if !value.isPresent { return nil }
    var frame = value.physicalAddress >> UInt64(pageShift)
    if value.flags.contains(.large) {
      frame += UInt64(address.rawValue >> pageShift & (hugePages - 1))
    } else {
      value = entry(at: tableEntry(directory, address))
      frame = value.physicalAddress >> UInt64(pageShift)
    }
    return value.isPresent && frame < UInt64(maxFrame) ? page(FrameNumber(truncatingIfNeeded: frame)) : nil
  }
}
