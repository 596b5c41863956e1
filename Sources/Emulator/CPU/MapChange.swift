/// What the processor remembers of where things lie on the bus.
extension CPU {
  /// ROM or a device has come, moved or gone. RAM stays where it is, so what is remembered of it holds; this may happen in the
  /// middle of a block.
  func memoryMapChanged() {
    mmu.forgetFetchPage()
    caches.forgetRecent()
    blocks.removeBlocksOutsideRAM()
    control.pointee.needsAttention = true
  }
}
