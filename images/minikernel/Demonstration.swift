/// What the kernel shows at boot: memory, fragmented until no two free pages are neighbours, and vmalloc making a large
/// area of it all the same. Every claim on the console is checked where it is printed; one that is wrong makes the run
/// end with FAIL and status 1.
struct Demonstration {
  let kernel: Kernel<Processor>
  let console: Console<Processor>
  private var claims: Claims

  init(_ kernel: Kernel<Processor>) {
    self.kernel = kernel
    console = kernel.console
    claims = Claims(console: kernel.console)
  }

  mutating func run() -> Bool {
    showMachine(kernel)
    let atBoot = kernel.freeCounts()
    fragmentAndAllocate()
    console.heading("8. Give everything back")
    kernel.printBuddyInfo()
    check("every zone and order has the blocks it had at boot", kernel.freeCounts() == atBoot)
    check("the kernel reported nothing", kernel.warnings == 0)
    return claims.conclude()
  }

  mutating func check(_ claim: StaticString, _ holds: Bool) { claims.check(claim, holds) }

  private mutating func fragmentAndAllocate() {
    console.heading("1. Fragment memory")
    guard let memory = kernel.fragmentMemory(crumbs: 8192) else {
      check("memory for the list of what is held", false)
      return
    }
    console.text("  Held now: ").decimal(memory.wholeBlocks).text(" blocks whole (")
      .decimal(memory.wholePages).text(" pages), and of ").decimal(memory.crumbledBlocks)
      .line(" more every second page.")
    kernel.printBuddyInfo()
    check("no block of two pages or more is free, in any zone", largerBlocks() == 0)
    check("walking the free lists finds what the counts say", kernel.freeListsMatchCounts())

    let pages = min(256, kernel.freePages / 4)
    askForContiguous(pages)
    let before = kernel.freeCounts()
    allocateVirtually(pages)
    check("every zone and order has the free blocks it had before vmalloc", kernel.freeCounts() == before)
    kernel.releaseFragmentedMemory(memory)
  }

  /// Free blocks of order 1 or more in all zones.
  private func largerBlocks() -> UInt32 {
    var sum: UInt32 = 0
    for number in 0..<ZoneIndex.count {
      for order in 1..<maxOrder { sum += kernel.zone(ZoneIndex(number: number)).freeBlocks(order) }
    }
    return sum
  }

  private mutating func askForContiguous(_ pages: UInt32) {
    console.heading("2. Ask for contiguous memory")
    console.text("  ").decimal(kernel.freePages).line(" pages are free, but:")
    var order: UInt32 = 0
    while 1 << order < pages { order += 1 }
    check("alloc_pages(GFP_KERNEL, 1): two neighbours; there are none", fails(.kernel, 1))
    check("alloc_pages(GFP_HIGHUSER, 1): nor in high memory", fails(.highUser, 1))
    check("alloc_pages(GFP_HIGHUSER, 8): still less a whole MiB", fails(.highUser, max(order, 1)))
  }

  /// Whether the request fails; a block that came by mistake goes back.
  private func fails(_ gfp: GFPFlags, _ order: UInt32) -> Bool {
    guard let page = kernel.allocatePages(gfp, order: order) else { return true }
    kernel.freePages(page, order: order)
    return false
  }

  private mutating func allocateVirtually(_ pages: UInt32) {
    console.heading("3. vmalloc")
    // Made before the area, for section 6: its tables know nothing of what the reference table gets from here on.
    guard let process = kernel.createProcess() else {
      check("memory for a process", false)
      return
    }
    guard let start = try? kernel.vmalloc(pages << pageShift), let area = kernel.findVMArea(start) else {
      check("vmalloc of as much", false)
      return
    }
    console.text("  vmalloc(").decimal(pages << pageShift).text(") = ").hexadecimal(start.rawValue, digits: 8)
      .newline().newline()
    kernel.printArea(area)
    kernel.printFrames(area)
    check("every page is mapped to the frame the area's array names", isMappedInOrder(area))
    check("vmalloc_32 of as much gives no frame above 4 GiB", staysBelow4GiB(pages))

    console.heading("4. Write and read through it")
    writePattern(area)
    console.text("  ").decimal(pages &* 1024).line(
      " words written through the area, each a function of its address.")
    check("read back through the area", patternMatches(area, throughFrames: false))
    check(
      "read back from each frame by its own address, or by kmap", patternMatches(area, throughFrames: true))

    console.heading("5. Touch the guard page")
    let guardPage = area.guardPage
    console.text("  It begins at ").hexadecimal(guardPage.rawValue, digits: 8).line(
      ", right after the last byte.")
    check("the last word before it can be read", kernel.hardware.probeLoad32(guardPage - 4) != nil)
    check("a read faults, and the fault is caught", kernel.hardware.probeLoad32(guardPage) == nil)
    check("a write faults, and the fault is caught", !kernel.hardware.probeStore32(guardPage, 0))

    console.heading("6. Use it from another address space")
    useFromProcess(process, area)
    kernel.destroyProcess(process)

    console.heading("7. vfree")
    kernel.printVMallocInfo()
    kernel.printMemInfo()
    kernel.vfree(start)
    check("the area is gone from vmlist", kernel.vmlist.isNull)
    check(
      "its first word faults: nothing stale is left in the TLB", kernel.hardware.probeLoad32(start) == nil)
    console.text("  Empty page tables given back: ").decimal(kernel.releaseEmptyTables()).newline()
  }

  /// Whether all frames of a `vmalloc32` area can be addressed with 32 bits.
  private func staysBelow4GiB(_ pages: UInt32) -> Bool {
    guard let start = try? kernel.vmalloc32(pages << pageShift) else { return false }
    defer { kernel.vfree(start) }
    for index in 0..<pages {
      guard let page = kernel.vmallocToPage(start + index << pageShift), kernel.frame(of: page) < 1 << 20
      else {
        return false
      }
    }
    return true
  }

  private func isMappedInOrder(_ area: VMArea<Processor>) -> Bool {
    for index in 0..<area.pageCount {
      guard let page = kernel.vmallocToPage(area.start + index << pageShift) else { return false }
      if page.address != area.page(index).address { return false }
    }
    return kernel.vmallocToPage(area.guardPage) == nil
  }

  // MARK: The pattern

  /// The word that belongs at `address`: its product with an odd constant, so that no two are equal.
  @inline(__always)
  private func pattern(_ address: KernelAddress) -> UInt32 { address.rawValue &* 2_654_435_761 }

  private func writePattern(_ area: VMArea<Processor>) {
    var address = area.start
    while address < area.guardPage {
      kernel.hardware.store32(address, pattern(address))
      address = address + 4
    }
  }

  private func patternMatches(_ area: VMArea<Processor>, throughFrames: Bool) -> Bool {
    for index in 0..<area.pageCount {
      let start = area.start + index << pageShift
      let seen = throughFrames ? kernel.kmapAtomic(area.page(index), .user0) : start
      var equal = true
      var offset: UInt32 = 0
      while offset < pageSize {
        if kernel.hardware.load32(seen + offset) != pattern(start + offset) { equal = false }
        offset += 4
      }
      if throughFrames, kernel.isHighMemory(area.page(index)) { kernel.kunmapAtomic(.user0) }
      if !equal { return false }
    }
    return true
  }
}
