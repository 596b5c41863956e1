// Areas that are unmapped and wait for a flush of the TLB, one for many: beyond 2.6.24. Until then their addresses are given
// to nobody; `removeVMArea` and `releaseVMArea` leave them in the list, flagged.

extension Kernel {
  /// Pages that may wait for a flush: 32 MiB, as in Linux (`lazy_max_pages`).
  static var lazyMaxPages: UInt32 { 8192 }

  /// Flushes the TLB once and gives the addresses of all areas free that waited for it
  /// (`__purge_vmap_area_lazy`).
  public func purgeLazyAreas() {
    beginUpdate()
    defer { endUpdate() }
    if self[word: KernelVariable.lazyPages] == 0 { return }
    count(KernelVariable.purges)
    self[word: KernelVariable.lazyPages] = 0
    flushTLBAll()
    var next = vmlist
    while !next.isNull {
      let area = VMArea(hardware, at: next)
      next = area.next
      if area.flags.contains(.lazyFree) {
        unlink(area)
        kfree(area.address)
      }
    }
  }
}
