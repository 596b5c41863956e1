/// Areas of vmalloc: made, used and given back.
extension Stress {
  // MARK: What pages hold

  /// Words of each page that are written and compared: the first, some in the middle, the last.
  private var offsets: InlineArray<4, UInt32> { [0, 1028, 2720, 4092] }

  /// What belongs at an offset of page `page`.
  private func word(_ tag: UInt32, _ page: UInt32, _ offset: UInt32) -> UInt32 {
    (tag &+ page) &* 2_654_435_761 &+ offset
  }

  /// Writes an area's pattern from `start` on, which is the area's own address or a view's.
  private mutating func fill(_ start: KernelAddress, _ pages: UInt32, _ tag: UInt32) {
    for page in 0..<pages {
      for index in 0..<4 {
        let address = start + page << pageShift + offsets[index]
        expect(
          kernel.hardware.probeStore32(address, word(tag, page, offsets[index])), "cannot be written", address
        )
      }
    }
  }

  mutating func compare(_ start: KernelAddress, _ pages: UInt32, _ tag: UInt32) {
    for page in 0..<pages { comparePage(start + page << pageShift, page, tag) }
  }

  /// Compares one page, wherever the kernel sees it.
  mutating func comparePage(_ start: KernelAddress, _ page: UInt32, _ tag: UInt32) {
    for index in 0..<4 {
      let address = start + offsets[index]
      counts.words += 1
      guard let seen = kernel.hardware.probeLoad32(address) else { return note("cannot be read", address) }
      expect(seen == word(tag, page, offsets[index]), "does not hold what was written", address)
    }
  }

  // MARK: vmalloc

  mutating func allocate(_ kind: ModelArea.Kind) {
    operation = kind == .vmalloc ? "vmalloc" : "vmalloc_32"
    if areas.isFull { return free(random.next()) }
    // Mostly a few pages; some areas are so large that their page array is vmalloc'ed itself, or 2 MiB fit in.
    let pages =
      random.below(100) == 0 ? 1025 + random.below(200) : 1 + random.below(random.below(6) == 0 ? 30 : 5)
    let bytes = pages << pageShift &- random.below(pageSize)
    guard let start = kind == .vmalloc ? try? kernel.vmalloc(bytes) : try? kernel.vmalloc32(bytes) else {
      counts.refusals += 1
      return
    }
    let area = ModelArea(start: start, pages: pages, kind: kind, tag: newTag())
    expectApart(area)
    areas.add(area)
    counts.areas += 1
    counts.pages &+= pages
    fill(start, pages, area.tag)
    expectGuard(area)
  }

  /// A new area, its guard page included, must not touch any other.
  mutating func expectApart(_ area: ModelArea) {
    for index in 0..<areas.count { expectApart(area, areas[index]) }
    for index in 0..<views.count { expectApart(area, views[index]) }
    for index in 0..<buses.count { expectApart(area, buses[index]) }
    expect(
      area.start >= kernel.vmallocStart && area.end < kernel.vmallocEnd, "lies outside the vmalloc range",
      area.start)
  }

  private mutating func expectApart(_ area: ModelArea, _ other: ModelArea) {
    expect(
      area.end < other.start || other.end < area.start, "lies inside another area or its guard page",
      area.start)
  }

  /// The guard page faults. Under the lazy policy an entry of an area that was there before may still be in the TLB.
  private mutating func expectGuard(_ area: ModelArea) {
    if kernel.tlbFlushPolicy == .lazy { return }
    expect(kernel.hardware.probeLoad32(area.end) == nil, "is a guard page and can be read", area.end)
  }

  mutating func free(_ number: UInt32) {
    operation = "vfree"
    guard let index = areas.pick(number), areas[index].views == 0 else { return }
    let area = areas.remove(index)
    kernel.vfree(area.start)
    expectGone(area)
  }

  /// What was given back is unmapped; and not in the TLB, unless flushing may wait.
  mutating func expectGone(_ area: ModelArea) {
    let last = area.end - pageSize
    expect(
      kernel.vmallocToPage(area.start) == nil && kernel.vmallocToPage(last) == nil,
      "is mapped after it was given back",
      area.start)
    if kernel.tlbFlushPolicy == .lazy { return }
    expect(kernel.hardware.probeLoad32(area.start) == nil, "can be read after it was given back", area.start)
    expect(kernel.hardware.probeLoad32(last) == nil, "can be read after it was given back", last)
  }

  /// Writes a new pattern, through a view where there is one, so that what `check` reads came by another address.
  mutating func rewrite(_ number: UInt32) {
    operation = "write"
    guard let index = areas.pick(number) else { return }
    areas[index].tag = newTag()
    fill(areas[index].start, areas[index].pages, areas[index].tag)
    for view in 0..<views.count where views[view].owner == areas[index].start {
      fill(views[view].start, views[view].pages, areas[index].tag)
    }
  }

  /// Compares an area through its own addresses, and one of its pages through the page's own.
  mutating func check(_ number: UInt32) {
    operation = "check"
    guard let index = areas.pick(number) else { return }
    let area = areas[index]
    compare(area.start, area.pages, area.tag)
    expectGuard(area)
    let page = random.below(area.pages)
    guard let descriptor = kernel.vmallocToPage(area.start + page << pageShift) else {
      return note("has no page", area.start)
    }
    expect(
      area.kind != .vmalloc32 || kernel.frame(of: descriptor) < firstFrameAbove4GiB,
      "is of vmalloc_32 and above 4 GiB", area.start)
    comparePage(kernel.kmapAtomic(descriptor, .user0), page, area.tag)
    if kernel.isHighMemory(descriptor) { kernel.kunmapAtomic(.user0) }
  }

  /// Shows an area's first page by kmap as well.
  mutating func showByKmap(_ number: UInt32) {
    operation = "kmap"
    guard let index = areas.pick(number), let page = kernel.vmallocToPage(areas[index].start),
      let address = kernel.kmap(page)
    else { return }
    comparePage(address, 0, areas[index].tag)
    kernel.kunmap(page)
  }
}
