/// One set-associative cache: which lines it holds, in what order they were used. It holds no data; RAM does.
struct CacheArray: ~Copyable {
  private let setMask: UInt64
  private let ways: Int
  /// Line numbers (physical address / 32) plus one; 0 for an empty way. Under true LRU the ways of a set stand in the
  /// order of their use, the most recent first, and a use is a move to the front; under the other policies a line
  /// stays in its way.
  private let lines: UnsafeMutablePointer<UInt64>
  private let count: Int
  private let isLRU: Bool
  private let replacement: ReplacementState

  init(_ geometry: CacheGeometry) {
    precondition(geometry.sets.nonzeroBitCount == 1)
    setMask = UInt64(geometry.sets - 1)
    ways = geometry.ways
    count = geometry.sets * geometry.ways
    lines = .allocate(capacity: count)
    lines.initialize(repeating: 0, count: count)
    isLRU = geometry.policy == .lru
    replacement = ReplacementState(geometry.policy, sets: geometry.sets, ways: geometry.ways)
  }

  deinit {
    lines.deallocate()
    replacement.deallocate()
  }

  /// Looks up `line` and makes it the most recent of its set; a miss puts it in the place of another.
  @inline(__always)
  func access(_ line: UInt64) -> Bool {
    guard isLRU else { return accessInPlace(line) }
    let first = lines + Int(line & setMask) &* ways
    let wanted = line &+ 1
    if first.pointee == wanted { return true }
    var moved = first.pointee
    for way in 1..<ways {
      let here = first[way]
      first[way] = moved
      if here == wanted {
        first.pointee = wanted
        return true
      }
      moved = here
    }
    first.pointee = wanted
    return false
  }

  /// The same for the policies that leave lines where they are.
  @inline(never)
  private func accessInPlace(_ line: UInt64) -> Bool {
    let set = Int(line & setMask)
    let first = lines + set &* ways
    let wanted = line &+ 1
    var free = -1
    for way in 0..<ways {
      if first[way] == wanted {
        if replacement.policy == .treePLRU { replacement.touchTree(set: set, way: way) }
        return true
      }
      if first[way] == 0 && free < 0 { free = way }
    }
    switch replacement.policy {
    case .treePLRU:
      let way = free >= 0 ? free : replacement.treeVictim(set: set)
      first[way] = wanted
      replacement.touchTree(set: set, way: way)
    case .lru, .random:
      first[free >= 0 ? free : replacement.randomVictim()] = wanted
    }
    return false
  }

  /// Drops `line`, if it is here: its way is the first to be filled again.
  func invalidate(_ line: UInt64) {
    let first = lines + Int(line & setMask) &* ways
    guard let way = (0..<ways).first(where: { first[$0] == line &+ 1 }) else { return }
    guard isLRU else { return first[way] = 0 }
    for later in way..<(ways - 1) { first[later] = first[later + 1] }
    first[ways - 1] = 0
  }

  struct Saved: Codable {
    var lines: [UInt64]
    var replacement: ReplacementState.Saved
  }

  var saved: Saved {
    Saved(lines: Array(UnsafeBufferPointer(start: lines, count: count)), replacement: replacement.saved)
  }

  /// Whether a saved state is one of a cache of this shape.
  func accepts(_ saved: Saved) -> Bool {
    saved.lines.count == count && replacement.accepts(saved.replacement)
  }

  func restore(_ saved: Saved) {
    for index in saved.lines.indices { lines[index] = saved.lines[index] }
    replacement.restore(saved.replacement)
  }

  /// Drops everything: INVD, WBINVD. What the policy remembers stays: it decides nothing until a set is full again.
  func invalidateAll() { lines.update(repeating: 0, count: count) }
}
