/// One set-associative cache: which lines it holds, in what order they were used. It holds no data; RAM does.
struct CacheArray: ~Copyable {
  private let setMask: UInt64
  private let ways: Int
  /// Line numbers (physical address / 32) plus one; 0 for an empty way. The ways of a set stand in the order of
  /// their use, the most recent first: true LRU is a move to the front.
  private let lines: UnsafeMutablePointer<UInt64>
  private let count: Int

  init(_ geometry: CacheGeometry) {
    precondition(geometry.sets.nonzeroBitCount == 1)
    setMask = UInt64(geometry.sets - 1)
    ways = geometry.ways
    count = geometry.sets * geometry.ways
    lines = .allocate(capacity: count)
    lines.initialize(repeating: 0, count: count)
  }

  deinit { lines.deallocate() }

  /// Looks up `line` and makes it the most recent of its set; a miss puts it in the place of the least recent.
  @inline(__always)
  func access(_ line: UInt64) -> Bool {
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

  /// Drops everything: INVD, WBINVD.
  func invalidateAll() { lines.update(repeating: 0, count: count) }
}
