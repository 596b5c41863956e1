import Testing

@testable import Emulator

@Suite("Replacement policies against a textbook's")
struct ReplacementTests {
  /// Sets, ways, policy: set-associative, direct-mapped, fully associative.
  static let shapes: [(sets: Int, ways: Int, policy: ReplacementPolicy)] =
    [.lru, .treePLRU, .random(seed: 7)].flatMap { policy in
      [(16, 4), (8, 2), (32, 1), (1, 16), (1, 64), (1, 1)].map { (sets: $0.0, ways: $0.1, policy: policy) }
    } + [(1, 6, .lru), (4, 3, .random(seed: 0)), (2, 48, .lru)]

  static let accesses = 100_000

  /// Items of which most were used shortly before; 2.5 times what the array holds.
  static func stream(_ count: Int, capacity: Int, seed: UInt64) -> [UInt64] {
    var random = SeededStream(seed: seed)
    var recent: [UInt64] = []
    return (0..<count).map { _ in
      if !recent.isEmpty && random.below(3) > 0 { return recent[random.below(recent.count)] }
      let item = UInt64(random.below(max(2, capacity * 5 / 2)))
      recent.append(item)
      if recent.count > max(2, capacity / 2) { recent.removeFirst() }
      return item
    }
  }

  @Test("Caches", arguments: shapes) func caches(sets: Int, ways: Int, policy: ReplacementPolicy) {
    let cache = CacheArray(CacheGeometry(bytes: sets * ways * 32, ways: ways, policy: policy))
    var model = ArrayModel(policy, sets: sets, ways: ways)
    for (step, line) in Self.stream(Self.accesses, capacity: sets * ways, seed: 0x1234).enumerated() {
      let (hit, expected) = (cache.access(line), model.access(line))
      guard hit == expected else {
        Issue.record("seed 1234h, access \(step) of line \(line): \(hit), should be \(expected)")
        return
      }
    }
  }

  @Test("TLB arrays, with invalidations, and their ranks", arguments: shapes)
  func tlb(sets: Int, ways: Int, policy: ReplacementPolicy) {
    let array = TLBArray(TLBGeometry.Array(entries: sets * ways, ways: ways, policy: policy))
    var model = ArrayModel(policy, sets: sets, ways: ways)
    var random = SeededStream(seed: 0x77)
    for (step, item) in Self.stream(Self.accesses, capacity: sets * ways, seed: 0x4321).enumerated() {
      let page = UInt32(item)
      if random.below(50) == 0 {
        array.invalidate(page)
        model.drop(item)
        continue
      }
      let entry = array.find(page)
      let expected = model.access(item)
      if let entry { array.touch(entry) } else { fill(array, page) }
      guard (entry != nil) == expected else {
        Issue.record("seed 4321h, access \(step) of page \(page): \(entry != nil), should be \(expected)")
        return
      }
      guard step % 997 == 0 else { continue }
      let set = Int(page) % sets
      var byRank: [Int: UInt64] = [:]
      for way in 0..<ways {
        if let found = array.inspect(set: set, way: way) { byRank[found.rank] = UInt64(found.entry.page) }
      }
      let ranked = byRank.sorted { $0.key < $1.key }.map(\.value)
      #expect(ranked == model.set(set).ranked(), "access \(step)")
      #expect(byRank.keys.max() == byRank.count - 1)
    }
  }

  /// The filters leave out uses of the entry that its set used last.
  @Test("Using the last one again changes nothing", arguments: shapes)
  func repeats(sets: Int, ways: Int, policy: ReplacementPolicy) {
    let geometry = CacheGeometry(bytes: sets * ways * 32, ways: ways, policy: policy)
    let plain = CacheArray(geometry)
    let filtered = CacheArray(geometry)
    var last: [Int: UInt64] = [:]
    for line in Self.stream(Self.accesses, capacity: sets * ways, seed: 0x99) {
      let set = Int(line) % sets
      let isRepeat = last[set] == line
      let hit = plain.access(line)
      if isRepeat {
        guard hit else {
          Issue.record("seed 99h: line \(line) was used last and is gone")
          return
        }
        continue
      }
      last[set] = line
      guard filtered.access(line) == hit else {
        Issue.record("seed 99h: line \(line) differs")
        return
      }
    }
  }

  private func fill(_ array: borrowing TLBArray, _ page: UInt32) {
    let entry = array.victim(for: page)
    entry.pointee.page = page
    entry.pointee.isValid = true
    array.touch(entry)
  }

  @Test("The seed decides") func seeds() {
    func misses(_ seed: UInt64) -> [Bool] {
      let cache = CacheArray(CacheGeometry(bytes: 16 * 32, ways: 4, policy: .random(seed: seed)))
      return Self.stream(2000, capacity: 16, seed: 5).map { cache.access($0) }
    }
    #expect(misses(1) == misses(1))
    #expect(misses(1) != misses(2))
  }
}
