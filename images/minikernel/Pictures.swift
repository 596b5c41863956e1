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
  let above = kernel.presentFrames(from: firstFrameAbove4GiB, to: max(firstFrameAbove4GiB, kernel.maxFrame))
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

private func showRange(
  _ kernel: Kernel<Processor>, _ start: KernelAddress, _ end: KernelAddress, _ what: StaticString
) {
  kernel.console.text("  ").hexadecimal(start.rawValue, digits: 8).text("-")
    .hexadecimal(end.rawValue &- 1, digits: 8).pages((end - start) >> pageShift, width: 13).text("   ").line(
      what)
}
