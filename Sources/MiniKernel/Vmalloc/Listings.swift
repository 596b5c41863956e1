// What Linux shows in /proc, on the console: `buddyinfo`, `vmallocinfo`, `meminfo`, `zoneinfo`.

extension Kernel {
  /// The free blocks of each zone by order (`/proc/buddyinfo`).
  public func printBuddyInfo() {
    console.text("  order     ")
    for order in 0..<maxOrder { console.decimal(order, width: 6) }
    console.newline()
    for number in 0..<ZoneIndex.count {
      let index = ZoneIndex(number: number)
      let zone = zone(index)
      if zone.presentPages == 0 { continue }
      console.text("  ").text(index.name, width: 10)
      for order in 0..<maxOrder { console.decimal(zone.freeBlocks(order), width: 6) }
      console.newline()
    }
  }

  /// The zones, where they lie, what they have and what they keep back (`/proc/zoneinfo`).
  public func printZoneInfo() {
    console.line("  zone      physical range              present       free   min   low  high")
    for number in 0..<ZoneIndex.count {
      let index = ZoneIndex(number: number)
      let zone = zone(index)
      console.text("  ").text(index.name, width: 9)
      if zone.presentPages == 0 {
        console.line(" none")
        continue
      }
      console.byte(0x20).hexadecimal(UInt64(zone.startFrame) << 12, digits: 10).text("-")
        .hexadecimal(UInt64(zone.endFrame) << 12 - 1, digits: 10)
        .pages(zone.presentPages, width: 12).decimal(zone.freePages, width: 11)
        .decimal(zone.watermark(.min), width: 6).decimal(zone.watermark(.low), width: 6)
        .decimal(zone.watermark(.high), width: 6).newline()
    }
  }

  /// The areas of the vmalloc range (`/proc/vmallocinfo`).
  public func printVMallocInfo() {
    var next = vmlist
    if next.isNull { console.line("  (no areas)") }
    while !next.isNull {
      let area = VMArea(hardware, at: next)
      console.text("  ").hexadecimal(area.start.rawValue, digits: 8).text("-")
        .hexadecimal(area.end.rawValue, digits: 8).decimal(area.size, width: 11)
      if area.pageCount > 0 { console.text(" pages=").decimal(area.pageCount) }
      if area.flags.contains(.ioremap) {
        console.text(" phys=").hexadecimal(area.physicalAddress, digits: 10).text(" ioremap")
      }
      if area.flags.contains(.alloc) { console.text(" vmalloc") }
      if area.flags.contains(.lazyFree) { console.text(" unpurged") }
      if area.flags.contains(.huge) { console.text(" huge") }
      if area.flags.contains(.map) { console.text(" vmap") }
      if area.flags.contains(.vpages) { console.text(" vpages") }
      console.newline()
      next = area.next
    }
  }

  /// Totals (`/proc/meminfo`).
  public func printMemInfo() {
    let high = zone(.highmem)
    row("MemTotal:", physicalPages)
    row("MemFree:", freePages)
    row("HighTotal:", high.presentPages)
    row("HighFree:", high.freePages)
    row("LowTotal:", zone(.dma).presentPages &+ zone(.normal).presentPages)
    row("LowFree:", zone(.dma).freePages &+ zone(.normal).freePages)
    row("PageTables:", self[word: KernelVariable.pageTablePages])
    row("VmallocTotal:", (vmallocEnd - vmallocStart) >> pageShift)
    var used: UInt32 = 0
    var next = vmlist
    while !next.isNull {
      let area = VMArea(hardware, at: next)
      used &+= area.size >> pageShift
      next = area.next
    }
    row("VmallocUsed:", used)
  }

  private func row(_ name: StaticString, _ pages: UInt32) {
    console.text("  ").text(name, width: 14).decimal(pages &* 4, width: 10).line(" kB")
  }
}
