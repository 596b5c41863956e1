/// Random calls of the vmalloc subsystem and a model of what there should be after each: the smaller sister of the host's
/// model test. It sees the kernel's answers, and memory through linear addresses; it may be audited from outside.
///
/// Every access that should succeed is made so that a fault is noted and does not end the run.
struct Stress: ~Copyable {
  let kernel: Kernel<Processor>
  var random: Random
  /// Areas of vmalloc, views of vmap, and the bus's.
  var areas = Few(ModelArea(start: .null, pages: 0, kind: .vmalloc))
  var views = Few(ModelArea(start: .null, pages: 0, kind: .view))
  var buses = Few(ModelArea(start: .null, pages: 0, kind: .bus))
  var processes = Few(KernelAddress.null)
  /// Set while memory is fragmented.
  var fragmented: FragmentedMemory?
  /// The operation that is made or was made last.
  var operation: StaticString = "start"
  /// The first thing that was wrong.
  private(set) var problem: Problem?
  var counts = StressCounts()
  private var nextTag: UInt32 = 0x1234_5678
  private let before: FreeCounts

  init(_ kernel: Kernel<Processor>, seed: UInt32) {
    self.kernel = kernel
    random = Random(seed: seed)
    before = kernel.freeCounts()
  }

  mutating func note(_ sentence: StaticString, _ address: KernelAddress) {
    if problem == nil { problem = Problem(sentence: sentence, address: address) }
  }

  mutating func expect(_ holds: Bool, _ sentence: StaticString, _ address: KernelAddress) {
    if !holds { note(sentence, address) }
  }

  mutating func newTag() -> UInt32 {
    nextTag &+= 0x9E37_79B1
    return nextTag
  }

  /// Makes one random call. Of all good ones none may make the kernel report something.
  mutating func step() {
    let warnings = kernel.warnings
    switch random.below(100) {
    case 0..<20: allocate(.vmalloc)
    case 20..<26: allocate(.vmalloc32)
    case 26..<45: free(random.next())
    case 45..<52: map(random.next())
    case 52..<58: unmap(random.next())
    case 58..<62: remap()
    case 62..<65: unmapBus(random.next())
    case 65..<72: rewrite(random.next())
    case 72..<84: check(random.next())
    case 84: createProcess()
    case 85..<89: switchProcess()
    case 89: destroyProcess(random.next())
    case 90: mapUserPage()
    case 91..<93: showByKmap(random.next())
    case 93: if random.below(10) == 0 { exhaust() } else { check(random.next()) }
    case 94: if random.below(4) == 0 { fragment() } else { check(random.next()) }
    case 95..<98: return badCall(random.next())
    case 98:
      operation = "purge"
      kernel.purgeLazyAreas()
    default:
      operation = "release of empty tables"
      kernel.releaseEmptyTables()
    }
    expect(kernel.warnings == warnings, "the kernel reported something about a good call", .null)
  }

  // MARK: The list

  /// `vmlist` must have the model's areas and the page arrays of large ones, in order, and nothing else but what waits for a
  /// flush.
  mutating func compareList() {
    operation = "comparison with vmlist"
    var expected = UInt32(areas.count + views.count + buses.count)
    var found: UInt32 = 0
    var end = kernel.vmallocStart
    var next = kernel.vmlist
    while !next.isNull {
      let area = VMArea(kernel.hardware, at: next)
      next = area.next
      expect(area.start >= end, "vmlist is not in order", area.start)
      end = area.end
      if area.flags.contains(.lazyFree) { continue }
      found += 1
      if area.flags.contains(.vpages) { expected += 1 }
    }
    expect(found == expected, "vmlist does not have as many areas as were given out", .null)
    for index in 0..<areas.count { expectListed(areas[index]) }
    for index in 0..<views.count { expectListed(views[index]) }
    for index in 0..<buses.count { expectListed(buses[index]) }
  }

  private mutating func expectListed(_ area: ModelArea) {
    guard let found = kernel.findVMArea(area.start) else {
      return note("an area is not in vmlist", area.start)
    }
    let flag: VMAreaFlags = area.kind == .bus ? .ioremap : area.kind == .view ? .map : .alloc
    expect(
      found.guardPage == area.end && found.flags.contains(flag),
      "vmlist has an area otherwise than it was given out",
      area.start)
  }

  // MARK: The end

  /// Gives back all there is; then every zone and order must have the free blocks that it had at the start.
  mutating func giveEverythingBack() {
    while views.count > 0, problem == nil { unmap(0) }
    while areas.count > 0, problem == nil {
      check(0)
      free(0)
    }
    while buses.count > 0, problem == nil { unmapBus(0) }
    while processes.count > 0, problem == nil { destroyProcess(0) }
    if fragmented != nil { fragment() }
    operation = "end"
    kernel.flushAllZeroKmaps()
    kernel.purgeLazyAreas()
    kernel.releaseEmptyTables()
    expect(kernel.vmlist.isNull, "vmlist is not empty", kernel.vmlist)
    expect(kernel.freeCounts() == before, "not every page came back", .null)
    expect(kernel.freeListsMatchCounts(), "the free lists are not what the counts say", .null)
  }

  func printSummary() {
    let console = kernel.console
    console.text("  areas   ").decimal(counts.areas).text(" with ").decimal(counts.pages).text(
      " pages; refused "
    )
    .decimal(counts.refusals).newline()
    console.text("  views   ").decimal(counts.views).text("; bus mappings ").decimal(counts.buses).newline()
    console.text("  words   ").decimal(counts.words).line(" compared through linear addresses")
    console.text("  others  ").decimal(counts.processes).text(" processes, ").decimal(counts.switches)
      .text(" switches, ").decimal(kernel[word: KernelVariable.vmallocFaults]).text(" vmalloc faults, ")
      .decimal(counts.badCalls).line(" bad calls")
    console.text("          ").decimal(counts.exhaustions).text(" times out of memory, ").decimal(
      counts.fragmentations
    ).text(" times fragmented, ").decimal(kernel.flushes).line(" TLB flushes")
    console.line("  Every zone and order has the free blocks that it had at the start.")
  }
}

/// What was done, for the summary.
struct StressCounts {
  var areas: UInt32 = 0
  var pages: UInt32 = 0
  var refusals: UInt32 = 0
  var views: UInt32 = 0
  var buses: UInt32 = 0
  var words: UInt32 = 0
  var processes: UInt32 = 0
  var switches: UInt32 = 0
  var badCalls: UInt32 = 0
  var exhaustions: UInt32 = 0
  var fragmentations: UInt32 = 0
}
