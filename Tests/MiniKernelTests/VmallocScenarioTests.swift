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
    for (search, policy, huge) in [(.list, .eager, false), (.tree, .eager, true), (.tree, .lazy, false)]
      as [(VMAreaSearch, TLBFlushPolicy, Bool)]
    {
      kernel.areaSearch = search
      kernel.tlbFlushPolicy = policy
      kernel.allowsHugePages = huge
      #expect(kernel.runScenario(scenario, repetitions: 40, load: 100).passed, "\(search), \(policy)")
      kernel.purgeLazyAreas()
      #expect(kernel.vmlist.isNull)
      #expect(AreaAudit(kernel.hardware).findings.isEmpty)
    }
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
    #expect(kernel.warnings == 0)
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
