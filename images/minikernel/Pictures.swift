/// The greeting: what was booted on what, and how linear and physical addresses are divided up.
func showMachine(_ kernel: Kernel<Processor>) {
  let console = kernel.console
  console.newline().style(.heading).text("Pagewalk mini-kernel", width: 48).text(
    "Embedded Swift, IA-32 with PAE"
  )
  .style(.plain).newline().fill(0x3D, 80).newline()
  console.text("  Processor      ").decimal(kernel.physicalAddressBits).text("-bit physical addresses")
  if kernel.features.contains(.globalPages) { console.text(", global pages") }
  if kernel.features.contains(.noExecute) { console.text(", no-execute pages") }
  console.newline()
  let above = kernel.presentFrames(from: fourGiB, to: max(fourGiB, kernel.maxFrame))
  console.text("  Memory         ").decimal(kernel.physicalPages).text(" frames of 4 KiB, ")
  if above > 0 {
    console.decimal(above).line(" of them above 4 GiB")
  } else {
    console.line("none above 4 GiB")
  }
  console.text("  Page tables    at ")
    .hexadecimal(kernel.physicalAddress(of: kernel.swapperPointerTable), digits: 8).line(
      ", the reference for all processes")
  if kernel.hardware.load8(kernel.commandLine) != 0 {
    console.text("  Command line   ").string(at: kernel.commandLine, limit: 60).newline()
  }

  console.heading("Linear addresses of the kernel")
  showRange(kernel, AddressSpace.pageOffset, kernel.highMemory, "lowmem: physical memory from 0 on")
  showRange(kernel, kernel.highMemory, kernel.vmallocStart, "hole: running over the end faults")
  showRange(kernel, kernel.vmallocStart, kernel.vmallocEnd, "vmalloc: areas of single pages, and the bus")
  showRange(kernel, AddressSpace.kmapBase, AddressSpace.fixmapTableBase, "kmap: windows on high pages")
  showRange(
    kernel, AddressSpace.fixmapTableBase, AddressSpace.fixmapTop, "fixmap: places known at compile time")

  console.heading("Zones")
  kernel.printZoneInfo()
  console.heading("Free blocks of 2^order pages")
  kernel.printBuddyInfo()
}

/// The frame number at 4 GiB.
private let fourGiB: FrameNumber = 1 << 20

private func showRange(
  _ kernel: Kernel<Processor>, _ start: KernelAddress, _ end: KernelAddress, _ what: StaticString
) {
  kernel.console.text("  ").hexadecimal(start.rawValue, digits: 8).text("-")
    .hexadecimal(end.rawValue &- 1, digits: 8).pages((end - start) >> pageShift, width: 13).text("   ").line(
      what)
}

/// An area: its linear addresses on the left, the frames behind them on the right, the guard page at the end.
func drawArea(_ kernel: Kernel<Processor>, _ area: VMArea<Processor>) {
  let console = kernel.console
  console.line("      linear                          physical")
  console.line("             +------------+")
  // One round over the crumbled blocks shows how the frames are scattered.
  let shown = min(area.pageCount, 8)
  for index in 0..<shown { drawPage(kernel, area, index) }
  if area.pageCount > shown + 1 { console.line("             |    ....    |           ....") }
  if area.pageCount > shown { drawPage(kernel, area, area.pageCount - 1) }
  console.line("             +------------+")
  console.text("    ").hexadecimal(area.guardPage.rawValue, digits: 8).line(
    " | guard page |           not mapped")
  console.line("             +------------+").newline()
}

private func drawPage(_ kernel: Kernel<Processor>, _ area: VMArea<Processor>, _ index: UInt32) {
  let frame = kernel.frame(of: area.page(index))
  kernel.console.text("    ").hexadecimal((area.start + index << pageShift).rawValue, digits: 8).text(
    " | page"
  )
  .decimal(index, width: 6).text(" | --------> ").hexadecimal(UInt64(frame) << 12, digits: 10).text("  ")
  .text(kernel.zoneIndex(of: frame).name)
  .line(frame >= fourGiB ? ", above 4 GiB" : "")
}

/// Where an area's frames lie, counted.
func showFrames(_ kernel: Kernel<Processor>, _ area: VMArea<Processor>) {
  let console = kernel.console
  var above: UInt32 = 0
  var neighbours: UInt32 = 0
  for index in 0..<area.pageCount {
    let frame = kernel.frame(of: area.page(index))
    if frame >= fourGiB { above += 1 }
    if index > 0, frame == kernel.frame(of: area.page(index - 1)) &+ 1 { neighbours += 1 }
  }
  console.text("  Frames:")
  for number in 0..<ZoneIndex.count {
    let zone = ZoneIndex(number: number)
    var count: UInt32 = 0
    for index in 0..<area.pageCount where kernel.zoneIndex(of: kernel.frame(of: area.page(index))) == zone {
      count += 1
    }
    if count > 0 { console.byte(0x20).decimal(count).byte(0x20).text(zone.name) }
  }
  console.text(", ").decimal(above).text(" above 4 GiB; neighbours that follow each other: ").decimal(
    neighbours
  )
  .newline()
}
