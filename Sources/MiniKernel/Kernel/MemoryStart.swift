extension Kernel {
  /// Brings memory management up: sizes the direct map, finds room for `mem_map`, makes the zones and gives every
  /// free frame to the buddy allocator (`setup_arch`, `paging_init` and `mem_init` in one).
  ///
  /// Before it, the boot code has the first 896 MiB mapped at `AddressSpace.pageOffset`, and `addMemory` and
  /// `reserveMemory` have been told what there is. False when there is no room for `mem_map`.
  public func startMemory() -> Bool {
    beginUpdate()
    defer { endUpdate() }
    self[word: KernelVariable.vmlist] = 0
    self[word: KernelVariable.areaRoot] = 0
    self[word: KernelVariable.lazyPages] = 0
    self[word: KernelVariable.currentProcess] = 0
    self[word: KernelVariable.processList] = 0
    reserveMemory(
      physicalAddress(of: hardware.image.start.pageStart)..<physicalAddress(of: hardware.image.end))
    // Frame 0 stays unused, so that no page has the physical address that means "none".
    reserveMemory(0..<UInt64(pageSize))
    findFrameLimits()
    shrinkDirectMap()
    guard placeMemMap() else { return false }
    makeZones()
    forEachFreeRun { freeRun($0, $1) }
    setWatermarks()
    makeKmallocCaches()
    makeWindows()
    return true
  }

  /// Sets `max_pfn`, `max_low_pfn` and what follows from them.
  private func findFrameLimits() {
    var low: FrameNumber = 0
    var end: FrameNumber = 0
    for index in 0..<rangeCount(.memory) {
      let memory = range(.memory, index)
      let first = UInt32(truncatingIfNeeded: memory.lowerBound >> 12)
      let last = UInt32(truncatingIfNeeded: memory.upperBound >> 12)
      end = max(end, last)
      if first < AddressSpace.maximumLowFrames { low = max(low, min(last, AddressSpace.maximumLowFrames)) }
    }
    self[word: KernelVariable.maxFrame] = end
    self[word: KernelVariable.maxLowFrame] = low
    let high = AddressSpace.pageOffset + low << pageShift
    self[word: KernelVariable.highMemory] = high.rawValue
    // The first multiple of 8 MiB that leaves a hole of at least 8 MiB.
    self[word: KernelVariable.vmallocStart] =
      (high.rawValue &+ 2 &* AddressSpace.vmallocOffset &- 1) & ~(AddressSpace.vmallocOffset &- 1)
  }

  /// Takes out of the reference table what the boot code mapped beyond lowmem: the vmalloc range begins there.
  private func shrinkDirectMap() {
    let first = (maxLowFrame &+ 511) >> 9
    for index in first..<(AddressSpace.maximumLowFrames >> 9) {
      clearEntry(swapperPageDirectory + index &* 8)
    }
    flushTLBAll()
  }

  /// Finds and zeroes room for one `struct page` a frame, above the DMA zone if it can be. When lowmem is too small
  /// for descriptors of all memory, the highest memory is left unused, as Linux does.
  private func placeMemMap() -> Bool {
    while true {
      let bytes = UInt64(maxFrame) * UInt64(PageLayout.size)
      // At least an eighth of lowmem stays for everything else.
      let fits = bytes <= UInt64(maxLowFrame) << 12 - UInt64(maxLowFrame) << 9
      let place =
        fits ? findLowMemory(bytes: bytes, goal: 16 << 20) ?? findLowMemory(bytes: bytes, goal: 0) : nil
      if let place {
        reserveMemory(place..<place + (bytes + 4095) & ~4095)
        let map = directAddress(of: place)
        hardware.fill32(map, count: UInt32(truncatingIfNeeded: bytes / 4), with: 0)
        self[word: KernelVariable.memMap] = map.rawValue
        return true
      }
      if maxFrame <= maxLowFrame { return false }
      self[word: KernelVariable.maxFrame] = max(maxLowFrame, maxFrame &- maxFrame / 8)
    }
  }

  private func makeZones() {
    let dmaEnd = min(ZoneIndex.dmaEnd, maxLowFrame)
    makeZone(.dma, start: 0, end: dmaEnd, present: presentFrames(from: 0, to: dmaEnd))
    makeZone(.normal, start: dmaEnd, end: maxLowFrame, present: presentFrames(from: dmaEnd, to: maxLowFrame))
    makeZone(
      .highmem, start: maxLowFrame, end: maxFrame, present: presentFrames(from: maxLowFrame, to: maxFrame))
    self[word: KernelVariable.physicalPages] = presentFrames(from: 0, to: maxFrame)
  }

  /// Gives a run of frames to the allocator in the largest aligned blocks that fit, zone by zone: one descriptor a
  /// block is written, so that many GiB cost no more than few.
  private func freeRun(_ start: FrameNumber, _ end: FrameNumber) {
    var frame = start
    while frame < end {
      let index = zoneIndex(of: frame)
      let zone = zone(index)
      let limit = min(end, zone.endFrame)
      var order = maxOrder - 1
      while frame & (1 << order &- 1) != 0 || limit &- frame < 1 << order { order -= 1 }
      zone.freePages = zone.freePages &+ 1 << order
      putFreeBlock(page(frame), order: order, in: zone)
      frame &+= 1 << order
    }
  }
}
