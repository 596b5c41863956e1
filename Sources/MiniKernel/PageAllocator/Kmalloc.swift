// Small objects: one cache for each power of two from 16 to 2048 bytes, slabs of one page, free objects chained
// through their first word, the slab's state in its `struct page`. A slab without objects goes back to the buddy
// allocator at once, so that free counts tell the truth. Larger requests get whole blocks.

/// A cache of objects of one size.
struct KmallocCache<HW: Hardware>: KernelStructure {
  let hardware: HW
  let address: KernelAddress

  var objectSize: UInt32 { self[word: CacheLayout.objectSize] }
  var partial: ListHead<HW> { ListHead(hardware, at: address + CacheLayout.partial) }
  func count(_ offset: UInt32, by step: Int32) {
    self[word: offset] = self[word: offset] &+ UInt32(bitPattern: step)
  }
}

extension Kernel {
  /// The number of caches.
  static var kmallocCacheCount: UInt32 { 8 }
  /// The size of the smallest object: 2^4 bytes.
  private static var smallestShift: UInt32 { 4 }

  func kmallocCache(_ number: UInt32) -> KmallocCache<HW> {
    KmallocCache(
      hardware: hardware, address: address + (KernelVariable.kmallocCaches &+ number &* CacheLayout.size))
  }

  func makeKmallocCaches() {
    for number in 0..<Self.kmallocCacheCount {
      let cache = kmallocCache(number)
      cache[word: CacheLayout.objectSize] = 1 << (number &+ Self.smallestShift)
      cache[word: CacheLayout.slabCount] = 0
      cache[word: CacheLayout.activeObjects] = 0
      cache.partial.makeEmpty()
    }
  }

  /// `size` bytes of directly mapped memory, aligned to the next power of two (at most a page); nil for size 0, more
  /// than 4 MiB, or when no zone has a page to spare (`kmalloc`). `.dma` counts only for more than half a page: smaller
  /// objects share their slabs.
  public func kmalloc(_ size: UInt32, _ gfp: GFPFlags) -> KernelAddress? {
    beginUpdate()
    defer { endUpdate() }
    let gfp = gfp.subtracting(.highmem)
    if size == 0 || size > pageSize << (maxOrder - 1) { return nil }
    if size > pageSize / 2 {
      var order: UInt32 = 0
      while pageSize << order < size { order += 1 }
      guard let page = allocatePages(gfp, order: order) else { return nil }
      page.flags = .compound
      return pageAddress(page)
    }
    var number: UInt32 = 0
    while 1 << (number &+ Self.smallestShift) < size { number += 1 }
    guard let object = takeObject(kmallocCache(number), number, gfp) else { return nil }
    if gfp.contains(.zero) {
      hardware.fill32(object, count: 1 << (number &+ Self.smallestShift &- 2), with: 0)
    }
    return object
  }

  private func takeObject(_ cache: KmallocCache<HW>, _ number: UInt32, _ gfp: GFPFlags) -> KernelAddress? {
    if cache.partial.isEmpty && !growCache(cache, number, gfp) { return nil }
    let slab = Page(hardware, linkedAt: cache.partial.next)
    let object = slab.virtual
    let next = KernelAddress(hardware.load32(object))
    slab.virtual = next
    slab.count = slab.count &+ 1
    if next.isNull { slab.link.remove() }
    cache.count(CacheLayout.activeObjects, by: 1)
    return object
  }

  /// Adds a slab, all of its objects free (`cache_grow`).
  private func growCache(_ cache: KmallocCache<HW>, _ number: UInt32, _ gfp: GFPFlags) -> Bool {
    guard let page = allocatePage(gfp.subtracting(.zero)) else { return false }
    let start = pageAddress(page)
    let size = cache.objectSize
    var offset: UInt32 = 0
    while offset < pageSize {
      let next = offset &+ size
      hardware.store32(start + offset, next < pageSize ? (start + next).rawValue : 0)
      offset = next
    }
    page.word = Page<HW>.word(.slab, order: number, count: 0)
    page.virtual = start
    cache.partial.insertFirst(page.link)
    cache.count(CacheLayout.slabCount, by: 1)
    return true
  }

  /// Gives back what `kmalloc` gave (`kfree`). Null is fine; anything else that is not an object in use is reported
  /// and left alone.
  public func kfree(_ object: KernelAddress) {
    beginUpdate()
    defer { endUpdate() }
    if object.isNull { return }
    guard isDirectlyMapped(object) else {
      warn("kfree: address outside the direct map", object)
      return
    }
    let page = page(at: object)
    if page.flags == .compound, object.isPageAligned {
      page.flags = []
      freePages(page, order: page.order)
      return
    }
    guard page.flags == .slab else {
      warn("kfree: not an object of kmalloc", object)
      return
    }
    let cache = kmallocCache(page.order)
    guard object.rawValue & (cache.objectSize &- 1) == 0 else {
      warn("kfree: not the start of an object", object)
      return
    }
    // At most 256 steps, and they find what would corrupt the slab for good.
    var free = page.virtual
    while !free.isNull {
      if free == object {
        warn("kfree: object is free already", object)
        return
      }
      free = KernelAddress(hardware.load32(free))
    }
    returnObject(object, to: page, in: cache)
  }

  private func returnObject(_ object: KernelAddress, to slab: Page<HW>, in cache: KmallocCache<HW>) {
    let wasFull = slab.virtual.isNull
    hardware.store32(object, slab.virtual.rawValue)
    slab.virtual = object
    let left = slab.count &- 1
    slab.count = left
    cache.count(CacheLayout.activeObjects, by: -1)
    if left > 0 {
      if wasFull { cache.partial.insertFirst(slab.link) }
      return
    }
    if !wasFull { slab.link.remove() }
    cache.count(CacheLayout.slabCount, by: -1)
    slab.virtual = .null
    slab.word = Page<HW>.word([], order: 0, count: 1)
    freePage(slab)
  }
}
