import KernelAudit
import Testing

@testable import MiniKernel

/// A sequence that allocates pages for every purpose there is: descriptors, page arrays, pages, tables, processes.
private struct FailureScenario {
  let kernel: HostKernel
  var areas: [KernelAddress] = []
  var views: [KernelAddress] = []
  var buses: [KernelAddress] = []
  var blocks: [KernelAddress] = []
  var processes: [Process<EmulatedHardware>] = []

  /// How many steps there are.
  static let steps = 9

  /// Step `number`; whatever cannot be had is done without.
  mutating func run(_ number: Int) {
    switch number {
    case 0: if let process = kernel.createProcess() { processes.append(process) }
    case 1: if let process = processes.first { kernel.switchTo(process) }
    case 2: if let start = try? kernel.vmalloc(3 * pageSize) { areas.append(start) }
    case 3:
      // More than one page table, and a page array that is vmalloc'ed itself.
      if let start = try? kernel.vmalloc(1030 * pageSize) { areas.append(start) }
    case 4: if let start = try? kernel.vmalloc32(5 * pageSize) { areas.append(start) }
    case 5:
      if let first = areas.first, let area = kernel.findVMArea(first),
        let view = try? kernel.vmap(area.pages, count: 2)
      {
        views.append(view)
      }
    case 6: if let start = try? kernel.ioremapNoCache(0xE000_0123, 3 << 20) { buses.append(start) }
    case 7: if let block = kernel.kmalloc(3 * pageSize, .kernel) { blocks.append(block) }
    default:
      for process in processes {
        _ = kernel.mapUserPage(process, KernelAddress(0x0804_8000), writable: true)
        _ = kernel.mapUserPage(process, KernelAddress(0xBFFF_E000), writable: true)
      }
    }
  }

  mutating func giveBack() {
    for view in views { kernel.vunmap(view) }
    for area in areas { kernel.vfree(area) }
    for bus in buses { kernel.iounmap(bus) }
    for block in blocks { kernel.kfree(block) }
    for process in processes { kernel.destroyProcess(process) }
    kernel.flushAllZeroKmaps()
    kernel.purgeLazyAreas()
    kernel.releaseEmptyTables()
  }
}

@Suite("Allocations that fail")
struct EmulatedFailureTests {
  private func armed(_ kernel: HostKernel) -> UInt32 { kernel[word: KernelVariable.failPageAllocation] }

  @Test(
    "the n-th page allocation fails, for every n: nothing leaks", arguments: [TLBFlushPolicy.eager, .lazy])
  func everySingleFailure(policy: TLBFlushPolicy) throws {
    let kernel = try startedKernel(24 * mebibyte)
    kernel.tlbFlushPolicy = policy
    let before = kernel.freeCounts()
    var n: UInt32 = 1
    while true {
      var scenario = FailureScenario(kernel: kernel)
      kernel[word: KernelVariable.failPageAllocation] = n
      for step in 0..<FailureScenario.steps { scenario.run(step) }
      let reached = armed(kernel) == 0
      kernel[word: KernelVariable.failPageAllocation] = 0
      let found = try kernel.audit()
      try #require(found == [], "allocation \(n) failed, and things are wrong")
      scenario.giveBack()
      try #require(kernel.freeCounts() == before, "allocation \(n) failed, and pages are lost")
      // Everything was given back, so an audit tells what the counts don't; every tenth is enough of it.
      if n % 10 == 0 { try #require(try kernel.audit() == [], "after allocation \(n) failed") }
      if !reached { break }
      n += 1
    }
    // The largest area alone asks for 1030 pages, and for two of their array.
    #expect(n > 1030)
    #expect(kernel.warnings == 0 && kernel.hardware.unrepairedFaults.isEmpty)
    #expect(try kernel.audit() == [])
  }

  @Test("the n-th allocation of every step fails, step after step: nothing leaks")
  func repeatedFailures() throws {
    let kernel = try startedKernel(24 * mebibyte)
    let before = kernel.freeCounts()
    for n in UInt32(1)...60 {
      var scenario = FailureScenario(kernel: kernel)
      for round in 0..<3 {
        for step in 0..<FailureScenario.steps where round == 0 || step > 1 {
          kernel[word: KernelVariable.failPageAllocation] = n
          scenario.run(step)
          kernel[word: KernelVariable.failPageAllocation] = 0
          try #require(try kernel.audit() == [], "n \(n), round \(round), step \(step)")
        }
      }
      scenario.giveBack()
      try #require(kernel.freeCounts() == before, "n \(n): pages are lost")
      try #require(try kernel.audit() == [], "n \(n), at the end")
    }
    #expect(kernel.warnings == 0 && kernel.hardware.unrepairedFaults.isEmpty)
  }
}
