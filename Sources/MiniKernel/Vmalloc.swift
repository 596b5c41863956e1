// Areas contiguous in linear addresses, made of single pages that lie anywhere. That physical memory fragments is why
// vmalloc exists, so it never asks for more than one page at a time. Linux 2.6.24: `mm/vmalloc.c`.

extension Kernel {
  // MARK: Allocating

  /// `size` bytes, rounded up to pages, contiguous for the kernel and for nobody else: pages from HIGHMEM first
  /// (`vmalloc`).
  public func vmalloc(_ size: UInt32) throws(VmallocError) -> KernelAddress {
    try vmalloc(size, [.kernel, .highmem], .kernel)
  }

  /// The same of pages that 32 bits address (`vmalloc_32`). With PAE, HIGHMEM has pages above 4 GiB, and a zone's
  /// free lists are not sorted: so these come from NORMAL and DMA.
  public func vmalloc32(_ size: UInt32) throws(VmallocError) -> KernelAddress {
    try vmalloc(size, [.kernel, .dma32], .kernel)
  }

  /// The same with the caller's choice of pages and protection (`__vmalloc`).
  public func vmalloc(
    _ size: UInt32, _ gfp: GFPFlags, _ protection: PageTableFlags
  ) throws(VmallocError) -> KernelAddress {
    let size = pageAligned(size)
    if size == 0 || size >> pageShift > physicalPages { throw .badSize }
    let area = try getVMArea(size, .alloc, from: vmallocStart, to: vmallocEnd, gfp)
    return try vmallocArea(area, gfp, protection)
  }

  /// Fills an area with pages and maps them; on any failure the area and all it got are given back
  /// (`__vmalloc_area_node`).
  public func vmallocArea(
    _ area: VMArea<HW>, _ gfp: GFPFlags, _ protection: PageTableFlags
  ) throws(VmallocError) -> KernelAddress {
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
    for index in 0..<count {
      guard let page = allocatePage(gfp) else {
        // What was got so far is in the array; the rest of the area was never mapped.
        area.pageCount = index
        vfree(area.start)
        throw .noPages
      }
      hardware.store32(array + index &* 4, page.address.rawValue)
    }
    area.pageCount = count
    do {
      try mapVMArea(area, protection, pages: array)
    } catch {
      vfree(area.start)
      throw error == .noMemoryForTable ? .noMemoryForTable : .alreadyMapped
    }
    return area.start
  }

  /// Takes back an area that has no pages yet.
  func discard(_ area: VMArea<HW>) {
    guard let removed = removeVMArea(area.start) else { return }
    kfree(removed.address)
  }

  // MARK: Freeing

  /// Takes back what a vmalloc call gave: area and pages (`vfree`). Null is fine. An area that `vmap` or `ioremap` made
  /// is reported and left alone: its pages are somebody else's.
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
    kfree(area.address)
  }

  /// The page behind an address of the vmalloc range; nil when nothing is mapped there (`vmalloc_to_page`).
  public func vmallocToPage(_ address: KernelAddress) -> Page<HW>? {
    guard let entry = kernelTableEntry(address) else { return nil }
    let value = self.entry(at: entry)
    let frame = value.physicalAddress >> UInt64(pageShift)
    return value.isPresent && frame < UInt64(maxFrame) ? page(FrameNumber(truncatingIfNeeded: frame)) : nil
  }
}
