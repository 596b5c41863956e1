@testable import Emulator

/// The slow, plain model of the `full` level: TLB arrays, caches, walks, branch prediction and their cycles, fed one access at
/// a time. It shares no code with the machine. Page tables are those of `BareMachine`: linear is physical, 8-byte entries in
/// known places, every page present and writable.
struct ReferenceModel {
  // Cycles, as docs and `Latencies` promise them for the P6.
  static let l1: UInt64 = 3
  static let l2: UInt64 = 6
  static let dram: UInt64 = 33
  static let lock: UInt64 = 18

  private(set) var cycles: UInt64 = 0
  private(set) var counts: [String: UInt64] = [:]

  private var dataTLB = ArrayModel(.lru, sets: 16, ways: 4)
  private var largeDataTLB = ArrayModel(.lru, sets: 2, ways: 4)
  private var instructionTLB = ArrayModel(.lru, sets: 8, ways: 4)
  private var dataCache = ArrayModel(.lru, sets: 128, ways: 4)
  private var instructionCache = ArrayModel(.lru, sets: 128, ways: 4)
  private var secondLevel = ArrayModel(.lru, sets: 4096, ways: 4)
  /// Pages whose TLB entry has D; leaf entries in memory by address.
  private var dirtyPages: Set<UInt64> = []
  private var entries: [UInt32: UInt64]

  private var fetchPage: UInt32?
  private var fetchLine: UInt32?
  private var branches: [UInt32: Branch] = [:]
  private var returns = [UInt32](repeating: 0, count: 16)
  private var top = 0

  private struct Branch {
    var address: UInt32
    var target: UInt32
    var counters: [Int]
    var history: Int
  }

  /// - Parameter machine: where the paging structures stand in memory.
  init(_ machine: BareMachine) {
    entries = [:]
    for index in 0..<8 as Range<UInt32> {
      let place = BareMachine.directory + 8 * index
      entries[place] = machine.peek64(place)
    }
    for page in 0..<4096 as Range<UInt32> {
      let place = BareMachine.tables + 8 * page
      entries[place] = machine.peek64(place)
    }
  }

  private mutating func count(_ name: String) { counts[name, default: 0] += 1 }

  /// Charges cycles to a part of the breakdown.
  private mutating func charge(_ part: String, _ amount: UInt64) {
    cycles += amount
    counts["breakdown." + part, default: 0] += amount
  }

  // MARK: Instructions

  /// An instruction is fetched and issued.
  mutating func instruction(at address: UInt32, length: UInt32, cycles own: UInt64, loads: UInt64 = 0) {
    for line in address >> 5...(address + length - 1) >> 5 {
      let page = line >> 7
      if page != fetchPage {
        fetch(page)
        fetchPage = page
        fetchLine = nil
      }
      if line == fetchLine { continue }
      fetchLine = line
      count("paging.instructionLookups")
      count("caches.instructionFetches")
      if instructionCache.access(UInt64(line)) { continue }
      count("caches.instructionMisses")
      count("caches.l2InstructionFetches")
      let hit = secondLevel.access(UInt64(line))
      if !hit { count("caches.l2LinesIn") }
      charge("fetch", hit ? Self.l2 : Self.dram)
    }
    cycles += own
    charge("l1", loads * (Self.l1 - 1))
    count("instructions")
  }

  /// The instruction TLB looks a page of 4 KiB up.
  mutating func fetch(_ page: UInt32) {
    if instructionTLB.access(UInt64(page)) { return }
    count("paging.instructionMisses")
    count("paging.instruction4KFills")
    walk(page << 12, write: false)
  }

  /// A fetch without instructions: the machine's `fetch` counts a lookup.
  mutating func countLookup() { count("paging.instructionLookups") }

  // MARK: Data

  mutating func data(_ linear: UInt32, bytes: UInt32, write: Bool) {
    let pages = linear >> 12...(linear + bytes - 1) >> 12
    for page in pages { translate(max(linear, page << 12), write: write) }
    for page in pages {
      let first = max(linear, page << 12)
      let last = min(linear + bytes - 1, page << 12 | 0xfff)
      if !isLarge(first) && leaf(first).value & 0x10 != 0 {
        count("caches.uncachedAccesses")
        charge("io", Self.dram)
      } else {
        for line in first >> 5...last >> 5 { dataLine(line, write ? "l2Stores" : "l2Loads", isWalk: false) }
      }
    }
  }

  private mutating func dataLine(_ line: UInt32, _ counter: String, isWalk: Bool) {
    if dataCache.access(UInt64(line)) { return }
    count("caches.dataLinesIn")
    count("caches." + counter)
    if isWalk { count("caches.walkL1Misses") }
    let hit = secondLevel.access(UInt64(line))
    if !hit { count("caches.l2LinesIn") }
    charge(isWalk ? "walk" : hit ? "l2" : "dram", (hit ? Self.l2 : Self.dram) - Self.l1)
  }

  private mutating func translate(_ linear: UInt32, write: Bool) {
    let large = isLarge(linear)
    let page = UInt64(linear >> (large ? 21 : 12))
    // Both kinds of page in one set of numbers.
    let key = large ? page | 1 << 32 : page
    let held = large ? largeDataTLB.contains(page) : dataTLB.contains(page)
    if held {
      count(large ? "paging.dataLargeHits" : "paging.data4KHits")
      if !write || dirtyPages.contains(key) {
        _ = large ? largeDataTLB.access(page) : dataTLB.access(page)
        return
      }
      // D must be set in memory: the entry goes, and a walk brings it back.
      if large { largeDataTLB.drop(page) } else { dataTLB.drop(page) }
    } else {
      count("paging.dataMisses")
    }
    walk(linear, write: write)
    count(large ? "paging.dataLargeFills" : "paging.data4KFills")
    _ = large ? largeDataTLB.access(page) : dataTLB.access(page)
    if leaf(linear).value & 0x40 != 0 { dirtyPages.insert(key) } else { dirtyPages.remove(key) }
  }

  /// INVLPG, without its own cycles.
  mutating func invalidate(_ linear: UInt32) {
    count("paging.pageInvalidations")
    instructionTLB.drop(UInt64(linear >> 12))
    dataTLB.drop(UInt64(linear >> 12))
    largeDataTLB.drop(UInt64(linear >> 21))
    if fetchPage == linear >> 12 { fetchPage = nil }
  }

  // MARK: Walks

  private func isLarge(_ linear: UInt32) -> Bool {
    (entries[BareMachine.directory + linear >> 21 * 8] ?? 0) & 0x80 != 0
  }

  private func leaf(_ linear: UInt32) -> (place: UInt32, value: UInt64) {
    let place =
      isLarge(linear) ? BareMachine.directory + linear >> 21 * 8 : BareMachine.tables + linear >> 12 * 8
    return (place, entries[place] ?? 0)
  }

  private mutating func walk(_ linear: UInt32, write: Bool) {
    count("paging.walks")
    charge("walk", 2)
    let directoryEntry = BareMachine.directory + linear >> 21 * 8
    let leaf = leaf(linear)
    read(directoryEntry)
    if leaf.place != directoryEntry { read(leaf.place) }
    if leaf.place != directoryEntry { update(directoryEntry, 0x20) }
    update(leaf.place, write ? 0x60 : 0x20)
  }

  private mutating func read(_ place: UInt32) {
    count("paging.walkReferences")
    reference(place)
  }

  private mutating func reference(_ place: UInt32) {
    charge("walk", Self.l1)
    dataLine(place >> 5, "l2Loads", isWalk: true)
  }

  /// Sets bits of an entry that doesn't have them, by a locked read-modify-write.
  private mutating func update(_ place: UInt32, _ bits: UInt64) {
    let value = entries[place] ?? 0
    if value & bits == bits { return }
    count("paging.accessedDirtyUpdates")
    reference(place)
    charge("walk", Self.lock)
    entries[place] = value | bits
  }

  // MARK: Branches

  private mutating func branched(taken: Bool, predicted: Bool) {
    count("caches.branches")
    if taken { count("caches.branchesTaken") }
    if !predicted { count("caches.branchesMispredicted") }
    charge("branch", !predicted ? 15 : taken ? 1 : 0)
  }

  private func place(_ address: UInt32) -> UInt32 { (address ^ address >> 9) & 511 }

  mutating func condition(at address: UInt32, target: UInt32, taken: Bool) {
    guard var entry = branches[place(address)], entry.address == address else {
      // Unknown: backwards is taken, forwards is not; a taken one enters the buffer.
      if taken {
        branches[place(address)] = Branch(
          address: address, target: target, counters: Array(repeating: 2, count: 16), history: 15)
      }
      return branched(taken: taken, predicted: (target <= address) == taken)
    }
    let predicted = entry.counters[entry.history] >= 2
    entry.counters[entry.history] = max(0, min(3, entry.counters[entry.history] + (taken ? 1 : -1)))
    entry.history = (entry.history * 2 + (taken ? 1 : 0)) % 16
    branches[place(address)] = entry
    branched(taken: taken, predicted: predicted == taken)
  }

  mutating func jump() { branched(taken: true, predicted: true) }

  mutating func call(returningTo address: UInt32) {
    top = (top + 1) % 16
    returns[top] = address
  }

  mutating func indirect(at address: UInt32, target: UInt32) {
    let entry = branches[place(address)]
    let hit = entry?.address == address && entry?.target == target
    branches[place(address)] = Branch(
      address: address, target: target, counters: entry?.counters ?? Array(repeating: 1, count: 16),
      history: entry?.history ?? 0)
    branched(taken: true, predicted: hit)
  }

  mutating func returned(to address: UInt32) {
    let predicted = returns[top] == address
    top = (top + 15) % 16
    branched(taken: true, predicted: predicted)
  }

  // MARK: Comparing

  /// What the machine counted since `before` otherwise than this model, by name.
  func differences(_ machine: Machine, since before: MachineCounters) -> [String] {
    let after = machine.counters
    var actual = Self.numbers(of: after.paging, "paging.")
    actual.merge(Self.numbers(of: after.caches, "caches.")) { $1 }
    actual.merge(Self.numbers(of: after.breakdown, "breakdown.")) { $1 }
    var start = Self.numbers(of: before.paging, "paging.")
    start.merge(Self.numbers(of: before.caches, "caches.")) { $1 }
    start.merge(Self.numbers(of: before.breakdown, "breakdown.")) { $1 }
    var expected = counts
    expected["instructions"] = nil
    // The machine counts hits, the model lookups.
    expected["paging.instruction4KHits"] =
      (expected.removeValue(forKey: "paging.instructionLookups") ?? 0)
      &- (counts["paging.instruction4KFills"] ?? 0)
    var names = Set(expected.keys)
    names.formUnion([
      "paging.dataMisses", "paging.data4KHits", "paging.data4KFills", "paging.dataLargeHits",
      "paging.dataLargeFills",
      "paging.instructionMisses", "paging.walks", "paging.walkReferences", "paging.accessedDirtyUpdates",
      "caches.instructionMisses", "caches.dataLinesIn", "caches.l2Loads", "caches.l2Stores",
      "caches.l2LinesIn",
      "caches.walkL1Misses", "caches.uncachedAccesses", "caches.branches", "caches.branchesMispredicted",
      "breakdown.fetch", "breakdown.l1", "breakdown.l2", "breakdown.dram", "breakdown.walk",
      "breakdown.branch",
      "breakdown.io", "breakdown.idle",
    ])
    var differences = names.sorted().compactMap { name -> String? in
      let (model, counted) = (expected[name] ?? 0, (actual[name] ?? 0) &- (start[name] ?? 0))
      return model == counted ? nil : "\(name): \(counted), the model \(model)"
    }
    if after.cycles - before.cycles != cycles {
      differences.append("cycles: \(after.cycles - before.cycles), the model \(cycles)")
    }
    if after.instructions - before.instructions != counts["instructions"] ?? 0 {
      differences.append("instructions: \(after.instructions - before.instructions)")
    }
    return differences
  }

  private static func numbers(of value: Any, _ prefix: String) -> [String: UInt64] {
    var numbers: [String: UInt64] = [:]
    for child in Mirror(reflecting: value).children {
      if let number = child.value as? UInt64 { numbers[prefix + (child.label ?? "")] = number }
    }
    return numbers
  }
}
