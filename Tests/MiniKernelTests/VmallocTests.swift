import Testing

@testable import Emulator
@testable import MiniKernel

@Suite("vmalloc, vmap, vfree, vunmap")
struct VmallocTests {
  /// A kernel, and the check that what the body did left nothing behind and changed no free count.
  private func unchanged(_ bytes: UInt64 = 64 * mebibyte, _ body: (HostKernel) throws -> Void) throws {
    let kernel = try startedKernel(bytes)
    let before = kernel.freeCounts()
    try body(kernel)
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
    #expect(kernel.vmlist.isNull)
    #expect(try kernel.audit() == [])
    #expect(kernel.hardware.unrepairedFaults.isEmpty)
  }

  @Test("pages come from HIGHMEM, are mapped in order with kernel rights, and a guard page follows")
  func allocation() throws {
    try unchanged(1024 * mebibyte) { kernel in
      let start = try kernel.vmalloc(5 * pageSize - 1)
      let area = try #require(kernel.findVMArea(start))
      #expect(start == kernel.vmallocStart)
      #expect(area.flags == .alloc && area.pageCount == 5 && area.size == 6 * pageSize)
      for index in 0..<area.pageCount {
        #expect(kernel.isHighMemory(area.page(index)))
        let entry = kernel.entry(at: try #require(kernel.kernelTableEntry(start + index * pageSize)))
        #expect(entry.physicalAddress == kernel.physicalAddress(of: area.page(index)))
        #expect(entry.flags == PageTableFlags.kernel)
      }
      #expect(kernel.vmallocToPage(area.guardPage) == nil)
      #expect(kernel.hardware.probeLoad32(area.guardPage) == nil)
      #expect(!kernel.hardware.probeStore32(area.guardPage, 1))
      kernel.vfree(start)
    }
  }

  @Test("a processor without NX and global pages gets entries without them")
  func oldProcessor() throws {
    let kernel = try startedKernel(64 * mebibyte, features: [])
    let start = try kernel.vmalloc(pageSize)
    let entry = kernel.entry(at: try #require(kernel.kernelTableEntry(start)))
    #expect(entry.flags == [.present, .writable, .accessed, .dirty])
    kernel.hardware.store32(start, 7)
    kernel.vfree(start)
    #expect(kernel.hardware.probeLoad32(start) == nil)
    #expect(kernel.hardware.unrepairedFaults.isEmpty)
  }

  @Test("more than 1024 pages: the page array is vmalloc'ed itself, and flagged")
  func largeArea() throws {
    try unchanged { kernel in
      let start = try kernel.vmalloc(1025 * pageSize)
      let area = try #require(kernel.findVMArea(start))
      #expect(area.flags == [.alloc, .vpages] && kernel.areas.count == 2)
      #expect(area.pages >= kernel.vmallocStart)
      kernel.vfree(start)
    }
  }

  @Test("vmap shows the caller's pages, allocates none and frees none")
  func vmapCallersPages() throws {
    try unchanged { kernel in
      let array = try #require(kernel.kmalloc(16, .kernel))
      var pages: [Page<EmulatedHardware>] = []
      for index in 0..<UInt32(4) {
        let page = try #require(kernel.allocatePage(.highUser))
        kernel.hardware.store32(array + index * 4, page.address.rawValue)
        pages.append(page)
      }
      let start = try kernel.vmap(array, count: 4)
      #expect(kernel.findVMArea(start)?.flags == .map && kernel.findVMArea(start)?.pageCount == 4)
      for (index, page) in pages.enumerated() {
        kernel.hardware.store32(start + UInt32(index) * pageSize, 100 + UInt32(index))
        #expect(kernel.hardware.readPhysical32(kernel.physicalAddress(of: page)) == 100 + UInt32(index))
      }
      kernel.vunmap(start)
      for page in pages { #expect(page.count == 1) }
      pages.forEach { kernel.freePage($0) }
      kernel.kfree(array)
    }
  }

  @Test("bad calls are reported and change nothing")
  func badCalls() throws {
    try unchanged { kernel in
      let start = try kernel.vmalloc(2 * pageSize)
      let area = try #require(kernel.findVMArea(start))
      let view = try kernel.vmap(area.pages, count: 2)
      let counts = kernel.freeCounts()
      #expect(kernel.reports { kernel.vfree(start + 1) }, "not page-aligned")
      #expect(kernel.reports { kernel.vfree(start + pageSize) }, "no area's start")
      #expect(kernel.reports { kernel.vfree(AddressSpace.pageOffset) }, "outside the range")
      #expect(kernel.reports { kernel.vfree(view) }, "vfree of a vmap")
      #expect(kernel.reports { kernel.vunmap(start) }, "vunmap of a vmalloc")
      #expect(kernel.reports { kernel.iounmap(start) }, "iounmap of a vmalloc")
      #expect(!kernel.reports { kernel.vfree(.null) }, "null is fine")
      #expect(!kernel.reports { kernel.vunmap(.null) }, "null is fine")
      #expect(throws: VmallocError.badSize) { try kernel.vmalloc(0) }
      #expect(throws: VmallocError.badSize) { try kernel.vmalloc(0xFFFF_FFFF) }
      #expect(throws: VmallocError.badSize) { try kernel.vmap(area.pages, count: 0) }
      #expect(kernel.freeCounts() == counts && kernel.areas.count == 2)
      kernel.vunmap(view)
      kernel.vfree(start)
      #expect(kernel.reports { kernel.vfree(start) }, "freed twice")
      #expect(kernel.consoleText.contains("Trying to vfree() nonexistent vm area"))
    }
  }

  @Test("a mapping where an entry is present already is a bug, and reported")
  func alreadyMapped() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let start = try kernel.vmalloc(pageSize)
    let area = try #require(kernel.findVMArea(start))
    #expect(
      kernel.reports {
        #expect(throws: PageTableError.alreadyMapped) {
          try kernel.mapVMArea(area, .kernel, pages: area.pages)
        }
      })
  }

  @Test("more than memory has: what was got half-way is given back")
  func exhaustion() throws {
    try unchanged(16 * mebibyte) { kernel in
      #expect(throws: VmallocError.noPages) { try kernel.vmalloc(15 << 20) }
      #expect(throws: VmallocError.badSize) { try kernel.vmalloc(17 << 20) }
    }
  }

  @Test(
    "where no two free pages are neighbours, vmalloc makes a large area of them", arguments: [64, 1024, 6144])
  func fragmentedMemory(mebibytes: UInt64) throws {
    try unchanged(mebibytes * mebibyte) { kernel in
      let memory = try #require(kernel.fragmentMemory(crumbs: 4096))
      for number in 0..<ZoneIndex.count {
        let zone = kernel.zone(ZoneIndex(number: number))
        for order in 1..<maxOrder { try #require(zone.freeBlocks(order) == 0) }
      }
      #expect(kernel.allocatePages([.kernel, .highmem], order: 1) == nil)
      let pages: UInt32 = 1500
      let start = try kernel.vmalloc(pages * pageSize)
      var frames: Set<FrameNumber> = []
      for index in 0..<pages {
        let linear = start + index * pageSize
        kernel.hardware.store32(linear + 4092, index ^ 0x5A5A)
        // The walker's word for where that is, and the TLB's.
        let walk = kernel.hardware.machine.walk(.init(linear.rawValue), .init(.read, user: false))
        let frame = try #require(walk.translation).frame
        #expect(kernel.hardware.readPhysical32(frame + 4092) == index ^ 0x5A5A)
        #expect(
          kernel.hardware.mmu.data4K.find(linear.rawValue >> 12)?.pointee.translation.frame == frame)
        frames.insert(FrameNumber(frame >> 12))
      }
      #expect(
        frames.count == Int(pages) && !frames.contains { frames.contains($0 + 1) }, "no two are neighbours")
      #expect(try kernel.audit() == [])
      kernel.vfree(start)
      kernel.releaseEmptyTables()
      kernel.releaseFragmentedMemory(memory)
    }
  }

  @Test("the error names what was missing: descriptor, page array, page or table")
  func namedErrors() throws {
    // On a fresh kernel each of the four takes a page of its own: two slabs, the page, the table.
    for (nth, expected) in [
      (1, .noMemoryForArea), (2, .noMemoryForArea), (3, .noPages), (4, .noMemoryForTable),
    ] as [(UInt32, VmallocError)] {
      try unchanged { kernel in
        kernel[word: KernelVariable.failPageAllocation] = nth
        #expect(throws: expected, "allocation \(nth)") { try kernel.vmalloc(pageSize) }
        #expect(kernel.warnings == 0)
      }
    }
    try unchanged { kernel in
      let page = try #require(kernel.allocatePage(.highUser))
      let array = try #require(kernel.kmalloc(4, .kernel))
      kernel.hardware.store32(array, page.address.rawValue)
      let whole = try kernel.getVMArea(kernel.vmallocEnd - kernel.vmallocStart - 2 * pageSize, .alloc)
      #expect(throws: VmallocError.noArea) { try kernel.vmalloc(pageSize) }
      #expect(throws: VmallocError.noArea) { try kernel.vmap(array, count: 1) }
      #expect(throws: VmallocError.noArea) { try kernel.ioremapNoCache(0xE000_0000, pageSize) }
      #expect(kernel.warnings == 0 && kernel.areas.map(\.start) == [whole.start])
      kernel.discard(whole)
      for missing in [UInt32(1), 2] {
        // The slab of descriptors, then the table.
        kernel[word: KernelVariable.failPageAllocation] = missing
        #expect(throws: missing == 1 ? VmallocError.noMemoryForArea : .noMemoryForTable) {
          try kernel.vmap(array, count: 1)
        }
        kernel[word: KernelVariable.failPageAllocation] = missing
        #expect(throws: missing == 1 ? VmallocError.noMemoryForArea : .noMemoryForTable) {
          try kernel.ioremapNoCache(0xE000_0000, pageSize)
        }
      }
      kernel.kfree(array)
      kernel.freePage(page)
    }
  }

  @Test("every single allocation of a sequence may fail, and nothing leaks")
  func injectedFailures() throws {
    try unchanged { kernel in
      let before = kernel.freeCounts()
      var failures = 0
      var nth: UInt32 = 1
      while true {
        kernel[word: KernelVariable.failPageAllocation] = nth
        let start = try? kernel.vmalloc(1500 * pageSize)
        let spent = kernel[word: KernelVariable.failPageAllocation] == 0
        kernel[word: KernelVariable.failPageAllocation] = 0
        if let start { kernel.vfree(start) } else { failures += 1 }
        kernel.releaseEmptyTables()
        #expect(kernel.freeCounts() == before, "allocation \(nth)")
        #expect(kernel.vmlist.isNull, "allocation \(nth)")
        if !spent { break }
        // Everything at the beginning, where the structures are made, then samples, then the end again.
        nth += nth < 30 || nth > 1500 ? 1 : 37
      }
      #expect(failures > 60)
    }
  }

  @Test("unmapping flushes; with the flush taken out, the stale translation is used")
  func staleWithoutFlush() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let start = try kernel.vmalloc(pageSize)
    kernel.hardware.store32(start, 0xABCD)
    kernel.tlbFlushPolicy = .never
    kernel.vfree(start)
    // The entry in memory is gone, the one in the TLB is not.
    #expect(kernel.vmallocToPage(start) == nil)
    #expect(kernel.hardware.probeLoad32(start) == 0xABCD)
    #expect(try kernel.audit() != [])
    kernel.tlbFlushPolicy = .eager
    kernel.flushTLBKernelRange(start, start + pageSize)
    #expect(kernel.hardware.probeLoad32(start) == nil)
  }

  @Test(
    "small ranges are flushed page by page, large ones whole",
    arguments: [(32, 32, 0), (33, 0, 1)] as [(UInt32, UInt32, UInt32)])
  func flushKinds(pages: UInt32, single: UInt32, whole: UInt32) throws {
    let kernel = try startedKernel(64 * mebibyte)
    let start = try kernel.vmalloc(pages * pageSize)
    let one = kernel[word: KernelVariable.pageFlushes]
    let all = kernel[word: KernelVariable.wholeFlushes]
    kernel.vfree(start)
    #expect(kernel[word: KernelVariable.pageFlushes] - one == single)
    #expect(kernel[word: KernelVariable.wholeFlushes] - all == whole)
  }
}
