extension Kernel {
  /// Shows the caller's pages as one contiguous area (`vmap`): `pages` is the address of an array of `count` addresses
  /// of `struct page`. Nothing is allocated but the area and page tables; pages and array stay the caller's, also after
  /// `vunmap`. The area remembers the array, so that an onlooker can compare it with the tables: it must live as long as
  /// the area.
  public func vmap(
    _ pages: KernelAddress, count: UInt32, _ flags: VMAreaFlags = .map, _ protection: PageTableFlags = .kernel
  ) throws(VmallocError) -> KernelAddress {
    beginUpdate()
    defer { endUpdate() }
    if count == 0 || count > physicalPages || count > (vmallocEnd - vmallocStart) >> pageShift {
      throw .badSize
    }
    let area = try getVMArea(count << pageShift, flags.union(.map))
    area.pages = pages
    area.pageCount = count
    do {
      try mapVMArea(area, protection, pages: pages)
    } catch {
      vunmap(area.start)
      throw error == .noMemoryForTable ? .noMemoryForTable : .alreadyMapped
    }
    return area.start
  }
}
