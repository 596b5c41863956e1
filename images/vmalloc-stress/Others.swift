/// Processes, memory that runs out or is fragmented, and calls that must be refused.
extension Stress {
  // MARK: Processes

  private func process(_ index: Int) -> Process<Processor>? {
    var found: Process<Processor>?
    kernel.forEachProcess { if $0.address == processes[index] { found = $0 } }
    return found
  }

  mutating func createProcess() {
    operation = "creation of a process"
    if processes.count == 4 { return destroyProcess(random.next()) }
    guard let process = kernel.createProcess() else {
      counts.refusals += 1
      return
    }
    processes.add(process.address)
    counts.processes += 1
  }

  /// Goes on in another address space; then what was there must be there still, which takes `vmalloc_fault`.
  mutating func switchProcess() {
    operation = "switch of processes"
    let choice = Int(random.below(UInt32(processes.count + 1)))
    kernel.switchTo(choice < processes.count ? process(choice) : nil)
    counts.switches += 1
    if let index = areas.pick(random.next()) { comparePage(areas[index].start, 0, areas[index].tag) }
  }

  mutating func destroyProcess(_ number: UInt32) {
    operation = "end of a process"
    guard let index = processes.pick(number), let process = process(index) else { return }
    _ = processes.remove(index)
    kernel.destroyProcess(process)
  }

  mutating func mapUserPage() {
    operation = "mapping of a user page"
    guard let index = processes.pick(random.next()), let process = process(index) else { return }
    _ = kernel.mapUserPage(process, KernelAddress(random.below(0xC0000) << pageShift), writable: true)
  }

  // MARK: Memory

  /// Takes all that the watermarks leave: vmalloc must fail and change nothing.
  mutating func exhaust() {
    operation = "running out of memory"
    guard let head = kernel.kmalloc(8, .kernel) else { return }
    let taken = ListHead(kernel.hardware, at: head)
    taken.makeEmpty()
    var order = maxOrder
    while order > 0 {
      order -= 1
      while let page = kernel.allocatePages([.kernel, .highmem], order: order) {
        taken.insertFirst(page.link)
      }
    }
    let counted = kernel.freeCounts()
    let list = kernel.vmlist
    let result = try? kernel.vmalloc(64 << pageShift)
    expect(result == nil, "vmalloc found memory where there was none", result ?? .null)
    expect(
      kernel.freeCounts() == counted && kernel.vmlist == list, "a vmalloc that failed left something behind",
      .null)
    if let result { kernel.vfree(result) }
    while !taken.isEmpty {
      let page = Page(kernel.hardware, linkedAt: taken.next)
      page.link.remove()
      kernel.freePages(page, order: page.order)
    }
    kernel.kfree(head)
    counts.exhaustions += 1
  }

  /// Fragments memory until no two free pages are neighbours; when it is so already, makes it whole again.
  mutating func fragment() {
    operation = "fragmentation"
    if let memory = fragmented {
      fragmented = nil
      kernel.releaseFragmentedMemory(memory)
      return
    }
    fragmented = kernel.fragmentMemory(crumbs: 4096)
    if fragmented == nil { return }
    counts.fragmentations += 1
    // The point of vmalloc: no two neighbours, and an area of eight pages all the same.
    expect(
      kernel.allocatePages([.kernel, .highmem], order: 1) == nil, "two free pages are neighbours", .null)
    if let start = try? kernel.vmalloc(8 << pageShift) {
      kernel.vfree(start)
    } else {
      note("fragmented memory has no eight pages for vmalloc", .null)
    }
  }

  // MARK: Calls that must be refused

  /// The kernel must report it, or refuse it with an error, and change nothing.
  mutating func badCall(_ number: UInt32) {
    operation = "bad call"
    let counted = kernel.freeCounts()
    let warnings = kernel.warnings
    let listed = listFingerprint()
    var mustReport = true
    kernel.muteConsole(true)
    let area = areas.pick(number >> 8).map { areas[$0] }
    let view = views.pick(number >> 8).map { views[$0] }
    switch number % 10 {
    case 0: kernel.vfree(kernel.vmallocStart + 8)
    case 1: kernel.vfree(kernel.vmallocEnd - 4 * pageSize)
    case 2: if let area { kernel.vunmap(area.start) } else { mustReport = false }
    case 3: if let view { kernel.vfree(view.start) } else { mustReport = false }
    case 4: if let area { kernel.iounmap(area.start) } else { mustReport = false }
    case 5: if let area, area.pages > 1 { kernel.vfree(area.start + pageSize) } else { mustReport = false }
    case 6: expect((try? kernel.ioremap(0x100_0000 - 4096, 4096)) == nil, "ioremap of RAM was granted", .null)
    case 7:
      kernel.vfree(.null)
      mustReport = false
    case 8:
      expect((try? kernel.vmalloc(0)) == nil, "vmalloc of nothing was granted", .null)
      mustReport = false
    default:
      expect((try? kernel.vmalloc(0xFFFF_F001)) == nil, "vmalloc of 4 GiB was granted", .null)
      mustReport = false
    }
    kernel.muteConsole(false)
    counts.badCalls += 1
    expect((kernel.warnings != warnings) == mustReport, "was reported, or not, against the rule", .null)
    expect(kernel.freeCounts() == counted && listFingerprint() == listed, "changed something", .null)
  }

  /// A number that changes when an area comes, goes or becomes another.
  private func listFingerprint() -> UInt32 {
    var sum: UInt32 = 0
    var next = kernel.vmlist
    while !next.isNull {
      let area = VMArea(kernel.hardware, at: next)
      sum = (sum &+ area.start.rawValue ^ area.size &+ area.flags.rawValue) &* 2_654_435_761
      next = area.next
    }
    return sum
  }
}
