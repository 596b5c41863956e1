// Free memory as blocks of 2^order pages, each aligned to its size. A block's buddy is the other half of the block
// of the next order: its frame number differs in bit `order` alone. Taking splits the smallest block that is large
// enough; giving back joins buddies as long as both halves are free. Linux 2.6.24: `mm/page_alloc.c`.

extension Kernel {
  // MARK: One zone

  /// Whether frame `frame` heads a free block of exactly `order` in `zone` (`page_is_buddy`).
  @inline(__always)
  private func isFreeBlock(_ frame: FrameNumber, order: UInt32, in zone: Zone<HW>) -> Bool {
    frame >= zone.startFrame && frame < zone.endFrame
      && page(frame).word & 0xFFFF == Page<HW>.word(.buddy, order: order, count: 0)
  }

  /// Puts the block into its free list, joined to nothing.
  @inline(__always)
  func putFreeBlock(_ page: Page<HW>, order: UInt32, in zone: Zone<HW>) {
    page.word = Page<HW>.word(.buddy, order: order, count: 0)
    zone.freeList(order).insertFirst(page.link)
    zone.countFreeBlocks(order, by: 1)
  }

  /// Takes the block that `page` heads out of its free list.
  @inline(__always)
  private func takeFreeBlock(_ page: Page<HW>, order: UInt32, in zone: Zone<HW>) {
    page.link.remove()
    page.word = 0
    zone.countFreeBlocks(order, by: -1)
  }

  /// Gives a block back to its zone and joins it to its buddies (`__free_one_page`).
  func freeOnePage(_ page: Page<HW>, order: UInt32, in zone: Zone<HW>) {
    var frame = frame(of: page)
    var order = order
    zone.freePages = zone.freePages &+ 1 << order
    page.word = 0
    while order < maxOrder - 1 {
      let buddy = frame ^ 1 << order
      guard isFreeBlock(buddy, order: order, in: zone) else { break }
      takeFreeBlock(self.page(buddy), order: order, in: zone)
      frame &= ~(1 << order)
      order += 1
    }
    putFreeBlock(self.page(frame), order: order, in: zone)
  }

  /// Takes a block of `order` from `zone`, splitting a larger one when there is none; nil when there is neither
  /// (`__rmqueue`). Asks no watermark.
  public func removeFromQueue(_ zone: Zone<HW>, order: UInt32) -> Page<HW>? {
    var current = order
    while current < maxOrder {
      let list = zone.freeList(current)
      let first = list.next
      if first != list.address {
        let page = Page(hardware, linkedAt: first)
        takeFreeBlock(page, order: current, in: zone)
        expand(page, from: current, to: order, in: zone)
        zone.freePages = zone.freePages &- 1 << order
        page.word = Page<HW>.word([], order: order, count: 1)
        return page
      }
      current += 1
    }
    return nil
  }

  /// Splits a block of order `from` and puts the upper halves back until `to` is left (`expand`).
  private func expand(_ page: Page<HW>, from: UInt32, to: UInt32, in zone: Zone<HW>) {
    var order = from
    while order > to {
      order -= 1
      let upper = Page(hardware, at: page.address + PageLayout.size << order)
      putFreeBlock(upper, order: order, in: zone)
    }
  }

  // MARK: All zones

  /// A block of 2^`order` pages, from the zone that `gfp` names or one it may fall back to; nil when no zone has one
  /// to spare (`__alloc_pages`). The block's own descriptor is its head's.
  ///
  /// There is no reclaim to wait for: the first pass keeps every zone above its low watermark, the second above the
  /// minimum, of which a request with `.high` may use half and one that may not wait another quarter.
  public func allocatePages(_ gfp: GFPFlags, order: UInt32) -> Page<HW>? {
    beginUpdate()
    defer { endUpdate() }
    guard order < maxOrder, !injectedFailure() else { return nil }
    for pass in 0..<UInt32(2) {
      var candidate: ZoneIndex? = gfp.zone
      while let index = candidate {
        let zone = zone(index)
        var mark = zone.watermark(pass == 0 ? .low : .min)
        if pass == 1 {
          if gfp.contains(.high) { mark &-= mark / 2 }
          if !gfp.contains(.wait) { mark &-= mark / 4 }
        }
        if zone.watermarkAllows(order: order, mark: mark, classZone: gfp.zone),
          let page = removeFromQueue(zone, order: order)
        {
          if gfp.contains(.zero) { clear(page, order: order) }
          return page
        }
        candidate = index.fallback
      }
    }
    return nil
  }

  /// One page (`alloc_page`).
  @inline(__always)
  public func allocatePage(_ gfp: GFPFlags) -> Page<HW>? { allocatePages(gfp, order: 0) }

  /// Drops one user of a block; the last one gives it back (`__free_pages`). A block that is free already, or was
  /// never given out, is reported and left alone (`bad_page`).
  public func freePages(_ page: Page<HW>, order: UInt32) {
    beginUpdate()
    defer { endUpdate() }
    let word = page.word
    let frame = frame(of: page)
    let expected = Page<HW>.word([], order: order, count: 0)
    guard frame < maxFrame, word & 0xFFFF == expected, word >> 16 > 0 else {
      warn("Bad page state: page freed that is not in use as a block of that order", page.address)
      return
    }
    if word >> 16 > 1 {
      page.count = word >> 16 &- 1
      return
    }
    freeOnePage(page, order: order, in: zone(zoneIndex(of: frame)))
  }

  /// One page (`__free_page`).
  @inline(__always)
  public func freePage(_ page: Page<HW>) { freePages(page, order: 0) }

  /// Adds a user to a page in use (`get_page`).
  public func getPage(_ page: Page<HW>) { page.count = page.count &+ 1 }

  /// Makes single pages, each with one user, of a block in use (`split_page`).
  public func splitPage(_ page: Page<HW>, order: UInt32) {
    beginUpdate()
    defer { endUpdate() }
    for index in 0..<UInt32(1) << order {
      Page(hardware, at: page.address + index &* PageLayout.size).word = Page<HW>.word([], order: 0, count: 1)
    }
  }

  /// A directly mapped block's linear address (`__get_free_pages`).
  public func getFreePages(_ gfp: GFPFlags, order: UInt32) -> KernelAddress? {
    allocatePages(gfp.subtracting(.highmem), order: order).map { pageAddress($0) }
  }

  /// Zeroes the block (`clear_highpage` for each page).
  private func clear(_ page: Page<HW>, order: UInt32) {
    if !isHighMemory(page) {
      hardware.fill32(pageAddress(page), count: 1024 << order, with: 0)
      return
    }
    let first = frame(of: page)
    for index in 0..<UInt32(1) << order {
      let address = kmapAtomic(self.page(first &+ index), .user0)
      hardware.fill32(address, count: 1024, with: 0)
      kunmapAtomic(.user0)
    }
  }

  /// Whether a test asked for this allocation to fail.
  @inline(__always)
  private func injectedFailure() -> Bool {
    let remaining = self[word: KernelVariable.failPageAllocation]
    if remaining == 0 { return false }
    self[word: KernelVariable.failPageAllocation] = remaining &- 1
    return remaining == 1
  }
}
