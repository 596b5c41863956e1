import KernelAudit

@testable import MiniKernel

// Corruptions of what lies below the areas: frames, tables, windows, and what the processor holds.
extension Corruption {
  static let allocator = [
    Corruption(.freeList, "a free list that leads nowhere") {
      $0.poke($0.freeBlock.link.address, 0x1234)
      return "the free list of order 10 of zone Normal has a link to 00001234, where no page has its own"
    },
    Corruption(.freeList, "a link back to the wrong place") {
      let second = $0.freeBlock.link.next
      $0.poke(second + 4, 0xC000_0000)
      let frame = $0.kernel.frame(of: Page($0.kernel.hardware, linkedAt: second))
      return "in the free list of order 10 of zone Normal, frame \(frame) links back to c0000000 instead of "
        + hex($0.freeBlock.link.address)
    },
    Corruption(.freeBlock, "a free page marked as used") {
      let frame = $0.kernel.frame(of: $0.freeBlock)
      $0.poke($0.freeBlock.address, 1 << 16)
      return "frame \(frame) is used 1 times, but the free list of order 10 of zone Normal has it"
    },
    Corruption(.freeBlock, "a page in use inside a free block") {
      let frame = $0.kernel.frame(of: $0.freeBlock) + 3
      $0.poke($0.kernel.page(frame).address, 2 << 16)
      return "frame \(frame) is used 2 times, but lies inside a free block"
    },
    Corruption(.freeBlockOverlap, "a frame in two free blocks") {
      let frame = $0.kernel.frame(of: $0.freeBlock)
      $0.kernel.putFreeBlock($0.kernel.page(frame + 1), order: 0, in: $0.zone)
      return "the free block of order 10 at frame \(frame) has frames that another free block has, too"
    },
    Corruption(.freeBlockCount, "nr_free too high") {
      let count = $0.zone.freeBlocks(10)
      let offset = ZoneLayout.freeAreas + 10 * ZoneLayout.freeAreaSize + ZoneLayout.freeAreaCount
      $0.poke($0.zone.address + offset, count + 1)
      return "zone Normal counts \(count + 1) free blocks of order 10, but its list has \(count)"
    },
    Corruption(.freePageCount, "free_pages too low") {
      let count = $0.zone.freePages
      $0.poke($0.zone.address + ZoneLayout.freePages, count - 1)
      return "zone Normal counts \(count - 1) free pages, but its lists have \(count)"
    },
    Corruption(.lostFreeBlock, "a free block that no list has") {
      $0.poke($0.high.address, PageFlags.buddy.rawValue)
      return
        "frame \($0.kernel.frame(of: $0.high)) says it heads a free block of order 0, but no free list has it"
    },
    Corruption(.unmergedBuddies, "two buddies side by side") {
      let page = $0.kernel.allocatePages(.kernel, order: 1)!
      let frame = $0.kernel.frame(of: page)
      page.word = 0
      $0.kernel.putFreeBlock(page, order: 0, in: $0.zone)
      $0.kernel.putFreeBlock($0.kernel.page(frame + 1), order: 0, in: $0.zone)
      $0.zone.freePages += 2
      return "the free blocks of order 0 at frames \(frame) and \(frame + 1) are buddies, and were not joined"
    },
    Corruption(.zoneBounds, "more pages than the zone spans") {
      let free = $0.zone.freePages
      $0.poke($0.zone.address + ZoneLayout.presentPages, 1 << 20)
      return "zone Normal has \(free) free pages of 1048576 present in \($0.zone.spannedPages) spanned"
    },
    Corruption(.watermarks, "watermarks out of order") {
      let low = $0.zone.watermark(.low)
      $0.poke($0.zone.address + ZoneLayout.watermarks, low + 1)
      return "the watermarks of zone Normal are \(low + 1), \(low) and \($0.zone.watermark(.high)) of "
        + "\($0.zone.presentPages) pages"
    },
    Corruption(.kmallocCaches, "a cache that counts a slab too many") {
      let cache = $0.kernel.address + KernelVariable.kmallocCaches + 2 * CacheLayout.size
      let slabs = $0.kernel.hardware.load32(cache + CacheLayout.slabCount)
      let objects = $0.kernel.hardware.load32(cache + CacheLayout.activeObjects)
      $0.poke(cache + CacheLayout.slabCount, slabs + 1)
      return "the cache of 64 bytes counts \(slabs + 1) slabs with \(objects) objects in use, but there are "
        + "\(slabs) with \(objects)"
    },
  ]

  static let frames = [
    Corruption(.mappedFreeFrame, "a mapped page given back") {
      let frame = $0.frame(4)
      $0.kernel.freePage($0.area.page(4))
      return "frame \(frame) is in a free list and mapped as page 4 of the area at \(hex($0.area.start))"
    },
    Corruption(.sharedFrame, "one page twice in an area") {
      let page = $0.kernel.hardware.load32($0.area.pages)
      let entry = $0.kernel.hardware.readPhysical($0.leaf($0.area.start))
      $0.poke($0.area.pages + 4, page)
      $0.changeLeaf($0.area.start + pageSize) { _ in entry }
      return "frame \($0.frame(0)) is page 0 of the area at \(hex($0.area.start)) and page 1 of the area at "
        + "\(hex($0.area.start)), but has 1 user"
    },
    Corruption(.frameUse, "a page of an area that says it is a slab") {
      $0.area.page(3).flags = .slab
      return "page 3 of the area at \(hex($0.area.start)) is frame \($0.frame(3)), which is a slab"
    },
    Corruption(.frameUse, "a view of memory that is not there") {
      $0.changeLeaf($0.view.start) { $0 & ~0xF_FFFF_F000 | 0xF_0000_0000 }
      return
        "page 0 of the area at \(hex($0.view.start)) is frame 15728640, which is not the kernel's memory"
    },
  ]

  static let tables = [
    Corruption(.tablePlace, "a page table that says it is an ordinary page") {
      let frame = UInt32($0.leaf($0.area.start) >> 12)
      $0.kernel.page(frame).flags = []
      return
        "frame \(frame) is the page table for \(hex($0.area.start)), but its descriptor says used 1 times"
    },
    Corruption(.tablePlace, "a page table outside RAM") {
      $0.kernel.hardware.writePhysical(
        $0.kernel.physicalAddress(of: $0.kernel.swapperPageDirectory + 460 * 8), 0xD000_0000 | 0x67)
      return "the page table for f9800000 is at physical 00000000d0000000, which is not in lowmem"
    },
    Corruption(.tableCount, "a wrong count of page tables") {
      let count = $0.kernel[word: KernelVariable.pageTablePages]
      $0.poke(variable: KernelVariable.pageTablePages, count + 1)
      return "nr_page_table_pages is \(count + 1), but there are \(count) page tables and directories"
    },
    Corruption(.tableCount, "a page table that nothing names") {
      $0.high.flags = .table
      return
        "frame \($0.kernel.frame(of: $0.high)) says it is a page table, but no directory or process names it"
    },
    Corruption(.referenceTable, "something below 3 GiB in the reference table") {
      $0.poke(variable: KernelVariable.swapperPointerTable + 8, 0x1001)
      return "entry 1 of swapper_pg_dir is 0000000000001001 instead of 0000000000000000"
    },
    Corruption(.kernelHalf, "a process with its own view of the kernel") {
      let kernel = $0.kernel
      let pointer = kernel.pointerTableEntry($0.process.pointerTable, $0.area.start)
      let copy = kernel.physicalAddress(of: kernel.directoryEntry(pointer, $0.area.start))
      let master = kernel.entry(
        at: kernel.directoryEntry(
          kernel.pointerTableEntry(kernel.swapperPointerTable, $0.area.start), $0.area.start))
      kernel.hardware.writePhysical(copy, 0x1E3)
      return "process 1 has 00000000000001e3 as directory entry for \(hex($0.area.start)), "
        + "the reference table \(hex(master.rawValue))"
    },
    Corruption(.userPages, "a wrong count of a process's pages") {
      $0.poke($0.process.address + ProcessLayout.userPages, 7)
      return "process 1 counts 7 pages of its own, and has 1"
    },
    Corruption(.runningTable, "a pointer table changed without a load of CR3") {
      $0.kernel.switchTo($0.process)
      let held = $0.kernel.entry(at: $0.process.pointerTable).rawValue
      $0.poke($0.process.pointerTable, 0)
      return
        "PDPTE register 0 holds \(hex(held)), but memory has \(hex((held >> 32) << 32)): CR3 was not loaded again"
    },
    Corruption(.runningTable, "a running process that is none") {
      $0.poke(variable: KernelVariable.currentProcess, 0xC012_3450)
      return "current_process is c0123450, which is not in process_list"
    },
  ]

  static let processor = [
    Corruption(.kmapWindow, "a kmap slot in use that counts as free") {
      let slot = ($0.high.virtual - AddressSpace.kmapBase) >> pageShift
      $0.kernel.hardware.store16($0.kernel.address + (KernelVariable.kmapCounts + slot * 2), 0)
      return "kmap slot \(slot) is free, but frame \($0.kernel.frame(of: $0.high)) is mapped there"
    },
    Corruption(.kmapWindow, "a page that says kmap shows it") {
      let page = $0.kernel.allocatePage(.highUser)!
      $0.poke(page.address + PageLayout.virtual, 0xFFC1_0000)
      return "frame \($0.kernel.frame(of: page)) says that kmap shows it at ffc10000, and it does not"
    },
    Corruption(.fixmap, "the last page of the address space, mapped") {
      $0.poke(variable: KernelVariable.fixmapPageTable + 511 * 8, 0x1001)
      return "fffff000 in the fixmap is mapped to frame 1, and no slot may be there"
    },
    Corruption(.staleTranslation, "an entry cleared without INVLPG") {
      let frame = $0.frame(3)
      _ = $0.kernel.hardware.load32($0.area.start + 3 * pageSize)
      $0.changeLeaf($0.area.start + 3 * pageSize) { _ in 0 }
      return
        "the DTLB 4K array of the TLB still translates \(hex($0.area.start + 3 * pageSize)) to frame \(frame), "
        + "where nothing is mapped any more"
    },
    Corruption(.staleTranslation, "an entry made read-only without INVLPG") {
      let frame = $0.frame(3)
      _ = $0.kernel.hardware.load32($0.area.start + 3 * pageSize)
      $0.changeLeaf($0.area.start + 3 * pageSize) { $0 & ~2 }
      return
        "the DTLB 4K array of the TLB still translates \(hex($0.area.start + 3 * pageSize)) to frame \(frame), "
        + "with other rights than memory gives now"
    },
  ]
}
