/// The loads of `VmallocScenario` in the setups that differ by one extra each, and large areas with pages of either size.
struct Bench {
  /// Operations of each load, and areas that stand in the way.
  static var repetitions: UInt32 { 200 }
  private static var load: UInt32 { 1000 }
  private static var loads: UInt32 { 8 }

  let kernel: Kernel<Processor>
  private let table: CostTable
  private(set) var passed = true

  init(_ kernel: Kernel<Processor>) {
    self.kernel = kernel
    table = CostTable(console: kernel.console, hasWalks: kernel.startWalkCounter())
  }

  mutating func run() {
    var list = InlineArray<8, PagingCost>(repeating: PagingCost())
    var tree = list
    var lazy = list
    for number in 0..<Self.loads {
      let scenario = VmallocScenario(number: number)
      list[Int(number)] = measure(scenario, .list, .eager)
      tree[Int(number)] = measure(scenario, .tree, .eager)
      lazy[Int(number)] = measure(scenario, .tree, .lazy)
    }
    compare("Areas found by list or tree (flushing eagerly)", "list", "tree", list, tree)
    compare("Flushing eagerly or lazily (areas found by tree)", "eager", "lazy", tree, lazy)
    compareLargeAreas()
  }

  private mutating func measure(
    _ scenario: VmallocScenario, _ search: VMAreaSearch, _ policy: TLBFlushPolicy
  ) -> PagingCost {
    kernel.areaSearch = search
    kernel.tlbFlushPolicy = policy
    let result = kernel.runScenario(scenario, repetitions: Self.repetitions, load: Self.load)
    kernel.purgeLazyAreas()
    kernel.areaSearch = .list
    kernel.tlbFlushPolicy = .eager
    if !result.passed {
      passed = false
      kernel.console.text("  failed: ").line(scenario.name)
    }
    return result.cost
  }

  private func compare(
    _ title: StaticString, _ first: StaticString, _ second: StaticString, _ a: InlineArray<8, PagingCost>,
    _ b: InlineArray<8, PagingCost>
  ) {
    table.heading(title, "load", first, second)
    var totals = (PagingCost(), PagingCost())
    for number in 0..<Self.loads {
      table.row(
        VmallocScenario(number: number).name, a[Int(number)], b[Int(number)], cyclesPer: Self.repetitions)
      totals.0 = totals.0 + a[Int(number)]
      totals.1 = totals.1 + b[Int(number)]
    }
    table.row("all loads", totals.0, totals.1, cyclesPer: Self.repetitions * Self.loads)
    table.saving(totals.0, totals.1)
  }

  // MARK: Large areas

  /// What is done with an area of 8 MiB: making it, two accesses to each of its pages, freeing it.
  private enum Step {
    static var names: InlineArray<4, StaticString> { ["vmalloc", "first sweep", "second sweep", "vfree"] }
  }

  private mutating func compareLargeAreas() {
    var tables: (UInt32, UInt32) = (0, 0)
    guard let small = useLargeArea(huge: false, &tables.0), let large = useLargeArea(huge: true, &tables.1)
    else {
      kernel.console.line("  no memory for 8 MiB")
      passed = false
      return
    }
    table.heading("8 MiB in pages of 4 KiB or 2 MiB", "step", "4 KiB", "2 MiB")
    var totals = (PagingCost(), PagingCost())
    for step in 0..<4 {
      table.row(Step.names[step], small[step], large[step], cyclesPer: 1)
      totals.0 = totals.0 + small[step]
      totals.1 = totals.1 + large[step]
    }
    table.row("all steps", totals.0, totals.1, cyclesPer: 1)
    table.saving(totals.0, totals.1)
    kernel.console.text("  page tables made: ").decimal(tables.0).text(" and ").decimal(tables.1).newline()
  }

  /// The cost of each step; nil when there is no memory.
  private func useLargeArea(huge: Bool, _ tables: inout UInt32) -> InlineArray<4, PagingCost>? {
    kernel.allowsHugePages = huge
    defer { kernel.allowsHugePages = false }
    kernel.releaseEmptyTables()
    let tablesBefore = kernel[word: KernelVariable.pageTablePages]
    var costs = InlineArray<4, PagingCost>(repeating: PagingCost())
    var mark = kernel.costSoFar()
    guard let start = try? kernel.vmalloc(8 << 20) else { return nil }
    costs[0] = kernel.costSoFar() - mark
    for sweep in 1...2 {
      mark = kernel.costSoFar()
      for page in 0..<UInt32(2048) {
        // Not the same line of every page, so that the cache's sets are all used.
        kernel.hardware.store32(start + page << pageShift + page & 31 << 5, page)
      }
      costs[sweep] = kernel.costSoFar() - mark
    }
    tables = kernel[word: KernelVariable.pageTablePages] &- tablesBefore
    mark = kernel.costSoFar()
    kernel.vfree(start)
    costs[3] = kernel.costSoFar() - mark
    return costs
  }
}
