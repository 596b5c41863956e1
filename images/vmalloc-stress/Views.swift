/// Views of areas' pages, and the bus.
extension Stress {
  // MARK: vmap

  mutating func map(_ number: UInt32) {
    operation = "vmap"
    guard !views.isFull, let index = areas.pick(number), let owner = kernel.findVMArea(areas[index].start)
    else {
      return
    }
    let pages = min(1 + random.below(8), areas[index].pages)
    guard let start = try? kernel.vmap(owner.pages, count: pages) else {
      counts.refusals += 1
      return
    }
    let view = ModelArea(start: start, pages: pages, kind: .view, owner: areas[index].start)
    expectApart(view)
    areas[index].views += 1
    views.add(view)
    counts.views += 1
    compare(start, pages, areas[index].tag)
  }

  mutating func unmap(_ number: UInt32) {
    operation = "vunmap"
    guard let index = views.pick(number) else { return }
    let view = views.remove(index)
    for area in 0..<areas.count where areas[area].start == view.owner {
      areas[area].views -= 1
      kernel.vunmap(view.start)
      expectGone(view)
      // The pages are still their owner's.
      comparePage(view.owner, 0, areas[area].tag)
    }
  }

  // MARK: ioremap

  /// Maps a place of the bus where nothing answers.
  mutating func remap() {
    operation = "ioremap"
    if buses.isFull { return unmapBus(random.next()) }
    let offset = random.below(pageSize)
    let physical = 0xE000_0000 + UInt64(random.below(1 << 12)) << 12 + UInt64(offset)
    let bytes = 1 + random.below(5 * pageSize)
    let isUncached = random.below(2) == 0
    guard
      let address = isUncached
        ? try? kernel.ioremapNoCache(physical, bytes) : try? kernel.ioremap(physical, bytes)
    else {
      counts.refusals += 1
      return
    }
    let bus = ModelArea(start: address.pageStart, pages: pageAligned(offset + bytes) >> pageShift, kind: .bus)
    expectApart(bus)
    buses.add(bus)
    counts.buses += 1
    expect(address.pageOffset == offset, "lost the offset in the page", address)
    for page in 0..<bus.pages {
      let linear = bus.start + page << pageShift
      guard let entry = kernel.kernelTableEntry(linear).map({ kernel.entry(at: $0) }), entry.isPresent else {
        return note("is not mapped", linear)
      }
      expect(
        entry.physicalAddress == physical &- UInt64(offset) &+ UInt64(page) << 12,
        "shows another bus address", linear)
      expect(entry.flags.contains(.cacheDisabled) == isUncached, "has PCD otherwise than asked for", linear)
    }
  }

  mutating func unmapBus(_ number: UInt32) {
    operation = "iounmap"
    guard let index = buses.pick(number) else { return }
    let bus = buses.remove(index)
    // Any address of the first page will do.
    kernel.iounmap(bus.start + random.below(pageSize))
    expectGone(bus)
  }
}
