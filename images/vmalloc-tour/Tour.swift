/// The vmalloc subsystem chapter by chapter: what is done, the area's picture, what was checked.
struct Tour {
  let kernel: Kernel<Processor>
  let console: Console<Processor>
  var claims: Claims

  init(_ kernel: Kernel<Processor>) {
    self.kernel = kernel
    console = kernel.console
    claims = Claims(console: kernel.console)
  }

  mutating func run() -> Bool {
    let atBoot = kernel.freeCounts()
    console.newline().style(.heading).line("A tour of vmalloc").style(.plain)
    guard let memory = fragment() else { return claims.conclude() }
    let before = kernel.freeCounts()
    pageByPage()
    only32Bits()
    callersPages()
    bus()
    freeing()
    withoutTheFlush()
    kernel.releaseEmptyTables()
    claims.check("all chapters gave back what they took", kernel.freeCounts() == before)
    kernel.releaseFragmentedMemory(memory)
    claims.check("memory is as whole as it was at boot", kernel.freeCounts() == atBoot)
    return claims.conclude()
  }

  private mutating func fragment() -> FragmentedMemory? {
    console.heading("1. Fragmentation")
    guard let memory = kernel.fragmentMemory(crumbs: 8192) else {
      claims.check("memory for the list of what is held", false)
      return nil
    }
    kernel.printBuddyInfo()
    console.text("  ").decimal(kernel.freePages).line(" pages are free, no two of them neighbours.")
    claims.check("a request for two neighbours fails", kernel.allocatePages(.highUser, order: 1) == nil)
    return memory
  }

  private mutating func pageByPage() {
    console.heading("2. Page by page")
    guard let start = try? kernel.vmalloc(6 << pageShift), let area = kernel.findVMArea(start) else {
      claims.check("vmalloc of six pages", false)
      return
    }
    console.line("  vmalloc asked the buddy system six times for one page:").newline()
    kernel.printArea(area)

    console.heading("3. Mapping")
    let pointer = kernel.pointerTableEntry(kernel.swapperPointerTable, start)
    let directory = kernel.directoryEntry(pointer, start)
    let leaf = kernel.tableEntry(directory, start)
    console.line("  The walk to the first page in the reference table:")
    printEntry("PDPTE", pointer)
    printEntry("PDE", directory)
    printEntry("PTE", leaf)
    claims.check(
      "the last entry names the first page of the area's array",
      kernel.entry(at: leaf).physicalAddress == kernel.physicalAddress(of: area.page(0)))
    kernel.hardware.store32(start + 5 << pageShift, 0xC0FFEE)
    let last = kernel.kmapAtomic(area.page(5), .user0)
    claims.check(
      "what is written at the end of the area is in its last frame", kernel.hardware.load32(last) == 0xC0FFEE)
    if kernel.isHighMemory(area.page(5)) { kernel.kunmapAtomic(.user0) }
    claims.check("the guard page faults", kernel.hardware.probeLoad32(area.guardPage) == nil)
    kernel.vfree(start)
  }

  private func printEntry(_ name: StaticString, _ entry: KernelAddress) {
    console.text("    ").text(name, width: 8).text("at ").hexadecimal(
      kernel.physicalAddress(of: entry), digits: 8
    )
    .text(": ").hexadecimal(kernel.entry(at: entry).rawValue, digits: 16).newline()
  }

  private mutating func only32Bits() {
    console.heading("4. vmalloc_32 under PAE")
    guard let any = try? kernel.vmalloc(64 << pageShift), let low = try? kernel.vmalloc32(64 << pageShift),
      let anyArea = kernel.findVMArea(any), let lowArea = kernel.findVMArea(low)
    else {
      claims.check("two areas of 64 pages", false)
      return
    }
    console.line("  vmalloc:")
    kernel.printFrames(anyArea)
    console.line("  vmalloc_32:")
    kernel.printFrames(lowArea)
    console.newline()
    kernel.printArea(lowArea)
    claims.check("vmalloc_32 has no frame above 4 GiB", kernel.framesAbove4GiB(lowArea) == 0)
    let hasMore = kernel.maxFrame > firstFrameAbove4GiB
    claims.check(
      "vmalloc uses such frames where there are any", !hasMore || kernel.framesAbove4GiB(anyArea) > 0)
    kernel.vfree(any)
    kernel.vfree(low)
  }

  private mutating func callersPages() {
    console.heading("5. vmap of the caller's pages")
    guard let start = try? kernel.vmalloc(4 << pageShift), let area = kernel.findVMArea(start),
      let array = kernel.kmalloc(16, .kernel)
    else {
      claims.check("four pages", false)
      return
    }
    for index in 0..<UInt32(4) {
      kernel.hardware.store32(array + index &* 4, area.page(3 - index).address.rawValue)
      kernel.hardware.store32(start + index << pageShift, index)
    }
    guard let view = try? kernel.vmap(array, count: 4), let viewArea = kernel.findVMArea(view) else {
      claims.check("vmap", false)
      return
    }
    console.line("  Four pages of vmalloc:").newline()
    kernel.printArea(area)
    console.line("  The same four a second time, in reverse order:").newline()
    kernel.printArea(viewArea)
    kernel.printVMallocInfo()
    var reversed = true
    for index in 0..<UInt32(4) where kernel.hardware.load32(view + index << pageShift) != 3 - index {
      reversed = false
    }
    claims.check("what one view wrote the other reads", reversed)
    kernel.vunmap(view)
    claims.check("after vunmap the pages are still their owner's", kernel.hardware.load32(start) == 0)
    kernel.vfree(start)
    kernel.kfree(array)
  }

  private mutating func freeing() {
    console.heading("7. Freeing, and freeing badly")
    guard let start = try? kernel.vmalloc(2 << pageShift) else {
      claims.check("two pages", false)
      return
    }
    kernel.printVMallocInfo()
    let warnings = kernel.warnings
    console.text("  ")
    kernel.vfree(start + 1)
    console.text("  ")
    kernel.vfree(start + pageSize)
    console.text("  ")
    kernel.vunmap(start)
    claims.check(
      "an unaligned, a wrong and a wrongly typed free were reported", kernel.warnings == warnings &+ 3)
    claims.check(
      "and changed nothing", kernel.findVMArea(start) != nil && kernel.hardware.probeLoad32(start) != nil)
    kernel.vfree(start)
    claims.check("after the right one the area is gone", kernel.hardware.probeLoad32(start) == nil)
    kernel.printVMallocInfo()
  }

  private mutating func withoutTheFlush() {
    console.heading("8. What goes wrong without the flush")
    guard let start = try? kernel.vmalloc(pageSize) else {
      claims.check("a page", false)
      return
    }
    kernel.hardware.store32(start, 0xDEAD)
    kernel.tlbFlushPolicy = .never
    kernel.vfree(start)
    let stale = kernel.hardware.probeLoad32(start)
    kernel.tlbFlushPolicy = .eager
    console.line("  A page was mapped, written, unmapped and freed, and the TLB was not told.")
    if let stale {
      console.text("  Reading it gives ").hexadecimal(stale, digits: 8)
        .line(": the TLB goes on translating to a frame that is free.")
    } else {
      console.line("  Reading it faults: this processor had dropped the entry, as it may at any time.")
    }
    claims.check("the page table has no entry for it", kernel.vmallocToPage(start) == nil)
    kernel.flushTLBKernelRange(start, start + pageSize)
    claims.check("after the flush the read faults", kernel.hardware.probeLoad32(start) == nil)
  }
}
