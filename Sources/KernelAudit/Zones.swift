// The page allocator: zones, free lists, watermarks.

extension AuditRun {
  private typealias Zone = KernelLayout.Zone

  func checkZones() {
    let ram = ranges(.memoryRanges, count: .memoryRangeCount, capacity: 32)
    let reserved = ranges(.reservedRanges, count: .reservedRangeCount, capacity: 16)
    let dmaEnd = min(KernelLayout.dmaEnd, maxLowFrame)
    let bounds = [0..<dmaEnd, dmaEnd..<maxLowFrame, maxLowFrame..<maxFrame]
    for number in 0..<3 {
      let zone = symbols[.zoneTable] + UInt32(number) * Zone.size
      checkZone(zone, Zone.names[number], bounds[number], index: UInt32(number))
      checkFreeLists(zone, Zone.names[number], bounds[number], ram, reserved)
    }
    checkBuddies(bounds)
  }

  private func checkZone(_ zone: UInt32, _ name: String, _ bounds: Range<UInt32>, index: UInt32) {
    let start = field(zone, Zone.startFrame) ?? 0
    let spanned = field(zone, Zone.spannedPages) ?? 0
    let present = field(zone, Zone.presentPages) ?? 0
    expect(
      start == bounds.lowerBound && spanned == UInt32(bounds.count), .zoneBounds,
      "zone \(name) begins at frame \(start) and spans \(spanned), but should begin at \(bounds.lowerBound) "
        + "and span \(bounds.count)")
    let free = field(zone, Zone.freePages) ?? 0
    expect(
      present <= spanned && free <= present, .zoneBounds,
      "zone \(name) has \(free) free pages of \(present) present in \(spanned) spanned")
    let marks = (0..<UInt32(3)).map { field(zone, Zone.watermarks + $0 * 4) ?? 0 }
    expect(
      marks[0] <= marks[1] && marks[1] <= marks[2] && marks[0] <= max(present, 32), .watermarks,
      "the watermarks of zone \(name) are \(marks[0]), \(marks[1]) and \(marks[2]) of \(present) pages")
    for other in 0...index {
      expect(
        field(zone, Zone.lowmemReserve + other * 4) == 0, .watermarks,
        "zone \(name) keeps pages from requests for zone \(Zone.names[Int(other)]), which has no other choice"
      )
    }
  }

  private func checkFreeLists(
    _ zone: UInt32, _ name: String, _ bounds: Range<UInt32>, _ ram: [Range<UInt64>],
    _ reserved: [Range<UInt64>]
  ) {
    var pages: UInt64 = 0
    for order in 0..<KernelLayout.orders {
      let head = zone + Zone.freeAreas + order * Zone.freeAreaSize
      var blocks: UInt32 = 0
      walkList(head, "the free list of order \(order) of zone \(name)", .freeList) { frame in
        blocks += 1
        checkFreeBlock(frame, order, name, bounds)
        let bytes = UInt64(frame) << 12..<(UInt64(frame) + 1 << order) << 12
        expect(
          ram.contains { $0.lowerBound <= bytes.lowerBound && bytes.upperBound <= $0.upperBound }
            && !reserved.contains { $0.overlaps(bytes) }, .freeBlock,
          "the free block of order \(order) at frame \(frame) is not all memory that the kernel may give out")
      }
      pages += UInt64(blocks) << UInt64(order)
      let counted = field(head, Zone.freeAreaCount) ?? 0
      expect(
        counted == blocks, .freeBlockCount,
        "zone \(name) counts \(counted) free blocks of order \(order), but its list has \(blocks)")
    }
    let counted = field(zone, Zone.freePages) ?? 0
    expect(
      UInt64(counted) == pages, .freePageCount,
      "zone \(name) counts \(counted) free pages, but its lists have \(pages)")
  }

  private func checkFreeBlock(_ frame: UInt32, _ order: UInt32, _ name: String, _ bounds: Range<UInt32>) {
    let page = descriptor(frame)
    expect(
      page.word == KernelLayout.Page.buddy | order << 8, .freeBlock,
      "frame \(frame) is \(page.meaning), but the free list of order \(order) of zone \(name) has it")
    expect(
      frame & (1 << order - 1) == 0 && bounds.contains(frame) && frame + 1 << order <= bounds.upperBound,
      .freeBlock,
      "the free block of order \(order) at frame \(frame) of zone \(name) is not aligned or not in its zone")
    freeBlocks[frame] = order
    expect(
      freeFrames.insert(frame, order: order), .freeBlockOverlap,
      "the free block of order \(order) at frame \(frame) has frames that another free block has, too")
  }

  /// Two buddies that are both free should be one block of the next order.
  private func checkBuddies(_ zones: [Range<UInt32>]) {
    let unmerged = freeBlocks.filter { frame, order in
      order < KernelLayout.orders - 1 && frame & 1 << order == 0 && freeBlocks[frame + 1 << order] == order
        && zones.contains { $0.contains(frame) && $0.contains(frame + 1 << order) }
    }
    for (frame, order) in unmerged.sorted(by: { $0.key < $1.key }) {
      report(
        .unmergedBuddies,
        "the free blocks of order \(order) at frames \(frame) and \(frame + 1 << order) are buddies, and were not joined"
      )
    }
  }

  /// Calls `body` with the frame of each descriptor in a circular list, as long as the links make sense.
  func walkList(_ head: UInt32, _ name: String, _ check: AuditCheck, _ body: (UInt32) -> Void) {
    var previous = head
    guard var link = field(head, 0) else { return }
    var steps: UInt32 = 0
    while link != head {
      guard let frame = frame(ofDescriptorAt: link, field: KernelLayout.Page.links) else {
        report(check, "\(name) has a link to \(hex(link)), where no page has its own")
        return
      }
      steps += 1
      guard steps <= maxFrame else {
        report(check, "\(name) never comes back to its head")
        return
      }
      let back = field(link, 4) ?? 0
      if back != previous {
        report(check, "in \(name), frame \(frame) links back to \(hex(back)) instead of \(hex(previous))")
        return
      }
      body(frame)
      previous = link
      link = field(link, 0) ?? head
    }
    expect(
      field(head, 4) == previous, check,
      "the head of \(name) links back to \(hex(field(head, 4) ?? 0)) instead of \(hex(previous))")
  }
}
