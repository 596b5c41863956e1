/// Runs every load in every setup and prints cycles per operation. The result is the exit status.
func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  let before = kernel.freeCounts()
  let console = kernel.console
  console.newline().style(.heading).line("vmalloc: cycles per operation").style(.plain)
  console.text("  load", width: 22).line("list, eager   tree, eager    tree, lazy     flushes: eager    lazy")
  var passed = true
  for number in 0..<UInt32(8) { passed = compare(kernel, VmallocScenario(number: number)) && passed }
  passed = compareLargeAreas(kernel) && passed
  kernel.purgeLazyAreas()
  kernel.releaseEmptyTables()
  passed = passed && kernel.freeCounts() == before && kernel.warnings == 0
  console.newline().style(passed ? .good : .bad).text(passed ? "PASS" : "FAIL").style(.plain).newline()
  return passed ? 0 : 1
}

/// Operations of each load, and areas that stand in the way.
private let repetitions: UInt32 = 200
private let load: UInt32 = 1000

/// One row: the load by list and by tree, flushing at once and lazily.
private func compare(_ kernel: Kernel<Processor>, _ scenario: VmallocScenario) -> Bool {
  kernel.console.text("  ").text(scenario.name, width: 18)
  var passed = true
  var flushes: (UInt32, UInt32) = (0, 0)
  for setup in 0..<UInt32(3) {
    kernel.areaSearch = setup == 0 ? .list : .tree
    kernel.tlbFlushPolicy = setup == 2 ? .lazy : .eager
    let before = flushCount(kernel)
    let result = kernel.runScenario(scenario, repetitions: repetitions, load: load)
    kernel.purgeLazyAreas()
    if setup == 0 { flushes.0 = flushCount(kernel) &- before }
    if setup == 2 { flushes.1 = flushCount(kernel) &- before }
    passed = passed && result.passed
    kernel.console.decimal(perOperation(result.cycles, repetitions), width: setup == 0 ? 13 : 14)
  }
  kernel.areaSearch = .list
  kernel.tlbFlushPolicy = .eager
  kernel.console.decimal(flushes.0, width: 18).decimal(flushes.1, width: 8)
  kernel.console.line(passed ? "" : "  failed")
  return passed
}

/// Flush instructions and whole flushes so far.
private func flushCount(_ kernel: Kernel<Processor>) -> UInt32 {
  kernel[word: KernelVariable.pageFlushes] &+ kernel[word: KernelVariable.wholeFlushes]
}

private func perOperation(_ cycles: UInt64, _ count: UInt32) -> UInt32 {
  UInt32(truncatingIfNeeded: cycles / UInt64(max(count, 1)))
}

/// An area of 8 MiB with small and with large pages: making it, one access a page twice over, freeing it.
private func compareLargeAreas(_ kernel: Kernel<Processor>) -> Bool {
  let console = kernel.console
  console.newline().line("  8 MiB in one area     vmalloc     sweep 1     sweep 2       vfree    page tables")
  var passed = true
  for huge in 0..<UInt32(2) {
    kernel.allowsHugePages = huge == 1
    kernel.releaseEmptyTables()
    let tables = kernel[word: KernelVariable.pageTablePages]
    var marks = InlineArray<5, UInt64>(repeating: 0)
    marks[0] = kernel.hardware.readCycleCounter()
    guard let start = try? kernel.vmalloc(8 << 20) else {
      console.line("  no memory")
      return false
    }
    marks[1] = kernel.hardware.readCycleCounter()
    for sweep in 0..<2 {
      for page in 0..<UInt32(2048) {
        kernel.hardware.store32(start + page << pageShift + page & 31 << 5, page)
      }
      marks[2 + sweep] = kernel.hardware.readCycleCounter()
    }
    let used = kernel[word: KernelVariable.pageTablePages] &- tables
    let end = kernel.hardware.readCycleCounter()
    kernel.vfree(start)
    marks[4] = kernel.hardware.readCycleCounter()
    console.text(huge == 1 ? "  pages of 2 MiB" : "  pages of 4 KiB", width: 18)
    for step in 1..<4 {
      console.decimal(UInt32(truncatingIfNeeded: marks[step] &- marks[step - 1]), width: 12)
    }
    console.decimal(UInt32(truncatingIfNeeded: marks[4] &- end), width: 12).decimal(used, width: 15).newline()
    passed = passed && kernel.vmlist.isNull
  }
  kernel.allowsHugePages = false
  return passed
}
