import Testing

@testable import MiniKernel

@Suite("Loads after lib/test_vmalloc.c")
struct VmallocScenarioTests {
  @Test(
    "every load passes with list and tree, eager and lazy, and leaves nothing",
    arguments: VmallocScenario.allCases)
  func scenarios(scenario: VmallocScenario) throws {
    let kernel = try startedKernel(1024 * mebibyte)
    let before = kernel.freeCounts()
    #expect(kernel.startWalkCounter())
    var eager = PagingCost()
    for (search, policy, huge) in [(.list, .eager, false), (.tree, .eager, true), (.tree, .lazy, false)]
      as [(VMAreaSearch, TLBFlushPolicy, Bool)]
    {
      kernel.areaSearch = search
      kernel.tlbFlushPolicy = policy
      kernel.allowsHugePages = huge
      let result = kernel.runScenario(scenario, repetitions: 40, load: 100)
      #expect(result.passed, "\(search), \(policy)")
      // Each operation touches pages that it has just mapped.
      #expect(result.cost.walks >= 40, "\(search), \(policy)")
      if policy == .lazy { #expect(result.cost.flushes < eager.flushes / 10) } else { eager = result.cost }
      kernel.purgeLazyAreas()
      #expect(kernel.vmlist.isNull)
      #expect(try kernel.audit() == [])
    }
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
    #expect(kernel.warnings == 0)
  }

  @Test("page walks are counted, and a processor that cannot says so")
  func walkCounter() throws {
    let kernel = try startedKernel(64 * mebibyte)
    #expect(kernel.startWalkCounter())
    let start = try kernel.vmalloc(10 * pageSize)
    var walks: [UInt64] = []
    for _ in 0..<2 {
      let before = kernel.pageWalks
      for index in 0..<UInt32(10) { kernel.hardware.store32(start + index * pageSize, index) }
      walks.append(kernel.pageWalks - before)
    }
    #expect(walks == [10, 0], "one a page, and none for what the TLB has")
    kernel.vfree(start)
    kernel.hardware.hasPerformanceCounters = false
    #expect(!kernel.startWalkCounter() && kernel.pageWalks == 0)
  }

  @Test("a load that there is no memory for says so and leaves nothing")
  func noMemory() throws {
    let kernel = try startedKernel(16 * mebibyte)
    let before = kernel.freeCounts()
    #expect(!kernel.runScenario(.longBusyList, repetitions: 1, load: 10_000).passed)
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
  }
}
