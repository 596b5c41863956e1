// Loads that tell allocators of linear areas apart, after the descriptions of Linux's `lib/test_vmalloc.c`: each prepares
// the range, repeats one operation, and cleans up. They run in the guest, where cycles count, and in the host's tests.

/// A load on vmalloc.
public enum VmallocScenario: UInt32, Sendable, CaseIterable {
  /// Three pages, again and again (`fix_size_alloc_test`).
  case fixedSize = 0
  /// One page, into a range whose lower part is full but for holes of exactly one page (`full_fit_alloc_test`).
  case fullFit = 1
  /// A hundred pages and one page behind a long row of areas (`long_busy_list_alloc_test`).
  case longBusyList = 2
  /// One to a hundred pages (`random_size_alloc_test`).
  case randomSize = 3
  /// Five pages aligned to 64 KiB (`fix_align_alloc_test`).
  case fixedAlignment = 4
  /// One to ten pages with random alignment up to 4 MiB (`random_size_align_alloc_test`).
  case randomAlignment = 5
  /// One page with each alignment in turn (`align_shift_alloc_test`).
  case everyAlignment = 6
  /// A view of the caller's page (`vm_map_ram_test`).
  case mapPages = 7

  /// The name that reports print.
  public var name: StaticString {
    switch self {
    case .fixedSize: "fixed size"
    case .fullFit: "full fit"
    case .longBusyList: "long busy list"
    case .randomSize: "random size"
    case .fixedAlignment: "fixed alignment"
    case .randomAlignment: "random alignment"
    case .everyAlignment: "every alignment"
    case .mapPages: "map pages"
    }
  }

  /// The scenario numbered `number`; beyond the last, `mapPages`.
  init(number: UInt32) { self = VmallocScenario(rawValue: number) ?? .mapPages }
}

/// What a scenario came to.
public struct VmallocScenarioResult: Sendable {
  /// Everything was granted and held what was written.
  public var passed: Bool
  /// What the repetitions cost, preparation and cleaning up left out, the purge of what they freed lazily included.
  public var cost: PagingCost
}

/// Cycles, and what of the TLB's work is countable, between two moments.
public struct PagingCost: Sendable {
  /// Cycles of the time-stamp counter.
  public var cycles: UInt64 = 0
  /// Page walks; 0 where they are not counted.
  public var walks: UInt64 = 0
  /// Flushes of the TLB: INVLPG and whole ones.
  public var flushes: UInt32 = 0

  /// Nothing.
  public init() {}

  /// The cost between two readings, `b` the earlier one.
  public static func - (a: PagingCost, b: PagingCost) -> PagingCost {
    var difference = PagingCost()
    difference.cycles = a.cycles &- b.cycles
    difference.walks = a.walks &- b.walks
    difference.flushes = a.flushes &- b.flushes
    return difference
  }

  /// Both costs together.
  public static func + (a: PagingCost, b: PagingCost) -> PagingCost {
    var sum = PagingCost()
    sum.cycles = a.cycles &+ b.cycles
    sum.walks = a.walks &+ b.walks
    sum.flushes = a.flushes &+ b.flushes
    return sum
  }
}

extension Kernel {
  /// All that was spent so far.
  public func costSoFar() -> PagingCost {
    var cost = PagingCost()
    cost.cycles = hardware.readCycleCounter()
    cost.walks = pageWalks
    cost.flushes = flushes
    return cost
  }

  /// Runs `scenario` with `repetitions` of its operation, `load` areas standing in the way where it wants any.
  public func runScenario(
    _ scenario: VmallocScenario, repetitions: UInt32, load: UInt32
  ) -> VmallocScenarioResult {
    guard let ballast = makeBallast(scenario, load) else {
      return VmallocScenarioResult(passed: false, cost: PagingCost())
    }
    // What the preparation freed lazily is not the repetitions' to purge.
    purgeLazyAreas()
    var passed = true
    var random: UInt32 = 1
    let start = costSoFar()
    for index in 0..<repetitions where !step(scenario, index, &random) { passed = false }
    purgeLazyAreas()
    let cost = costSoFar() - start
    freeBallast(ballast)
    return VmallocScenarioResult(passed: passed, cost: cost)
  }

  /// One operation; true when all went well.
  private func step(_ scenario: VmallocScenario, _ index: UInt32, _ random: inout UInt32) -> Bool {
    switch scenario {
    case .fixedSize: return allocateTouchFree(3)
    case .fullFit: return allocateTouchFree(1)
    case .longBusyList: return allocateTouchFree(100) && allocateTouchFree(1)
    case .randomSize: return allocateTouchFree(1 &+ next(&random) % 100)
    case .fixedAlignment: return allocateTouchFree(5, alignment: 64 << 10)
    case .randomAlignment:
      return allocateTouchFree(1 &+ next(&random) % 10, alignment: pageSize << (next(&random) % 11))
    case .everyAlignment: return allocateTouchFree(1, alignment: pageSize << (index % 11))
    case .mapPages: return mapTouchUnmap()
    }
  }

  /// A linear congruential generator: the same loads on every run.
  private func next(_ random: inout UInt32) -> UInt32 {
    random = random &* 1_664_525 &+ 1_013_904_223
    return random >> 16
  }

  private func allocateTouchFree(_ pages: UInt32, alignment: UInt32 = pageSize) -> Bool {
    guard
      let start = try? vmalloc(pages << pageShift, [.kernel, .highmem], .kernel, alignment: alignment)
    else { return false }
    let last = start + pages << pageShift - 4
    hardware.store32(start, start.rawValue)
    hardware.store32(last, last.rawValue)
    let holds =
      hardware.load32(last) == last.rawValue && (pages > 1 || hardware.load32(start) == start.rawValue)
    vfree(start)
    return holds && start.rawValue & (alignment &- 1) == 0
  }

  private func mapTouchUnmap() -> Bool {
    guard let page = allocatePage(.highUser), let array = kmalloc(4, .kernel) else { return false }
    hardware.store32(array, page.address.rawValue)
    var holds = false
    if let view = try? vmap(array, count: 1) {
      hardware.store32(view, 0x5A5A_5A5A)
      holds = hardware.load32(view) == 0x5A5A_5A5A
      vunmap(view)
    }
    kfree(array)
    freePage(page)
    return holds
  }

  // MARK: What stands in the way

  /// Areas of one page, chained through their first words; for a full fit, every second of twice as many is freed again.
  /// Nil when there is no memory for them; null when the scenario wants none.
  private func makeBallast(_ scenario: VmallocScenario, _ load: UInt32) -> KernelAddress? {
    if scenario != .fullFit && scenario != .longBusyList { return .null }
    var kept = KernelAddress.null
    var holes = KernelAddress.null
    for index in 0..<(scenario == .fullFit ? 2 * load : load) {
      guard let start = try? vmalloc(pageSize) else {
        freeBallast(kept)
        freeBallast(holes)
        return nil
      }
      let isHole = scenario == .fullFit && index & 1 == 1
      hardware.store32(start, isHole ? holes.rawValue : kept.rawValue)
      if isHole { holes = start } else { kept = start }
    }
    freeBallast(holes)
    return kept
  }

  private func freeBallast(_ first: KernelAddress) {
    var area = first
    while !area.isNull {
      let next = KernelAddress(hardware.load32(area))
      vfree(area)
      area = next
    }
  }
}
