/// Which way of a full set gives its place to a newcomer, in a TLB array or a cache. A free way is always taken first.
///
/// Under each policy, using the entry that its set used last changes nothing: true LRU has it in front already, the
/// tree points away from it already, and random replacement looks at no use at all. The filters in front of the
/// caches rest on that, and the one in front of a tree-PLRU TLB.
public enum ReplacementPolicy: Hashable, Sendable {
  /// True LRU: the way that was used longest ago.
  case lru
  /// Tree-PLRU: one bit a node of a binary tree over the ways says which half was used longer ago. The number of ways
  /// is a power of two up to `maxTreeWays`.
  case treePLRU
  /// A pseudo-random way. The generator belongs to the array, starts from `seed` at power-on and advances at each
  /// replacement and at nothing else: two runs replace alike.
  case random(seed: UInt64)

  /// The most ways that tree-PLRU can have: the nodes of a set's tree are the bits of one word.
  public static let maxTreeWays = 64
}

/// What the policies other than true LRU remember of an array, which owns it and deallocates it. LRU's order lies in the
/// entries themselves.
struct ReplacementState {
  let policy: ReplacementPolicy
  private let ways: Int
  private let sets: Int
  /// A tree a set: bit n is node n, whose children are nodes 2n and 2n + 1; set, the right half is the older one.
  /// Unused under the other policies.
  private let trees: UnsafeMutablePointer<UInt64>
  private let randomState: UnsafeMutablePointer<UInt64>

  init(_ policy: ReplacementPolicy, sets: Int, ways: Int) {
    self.policy = policy
    self.sets = sets
    self.ways = ways
    var treeCount = 0
    var seed: UInt64 = 0
    switch policy {
    case .lru: break
    case .treePLRU:
      precondition(ways.nonzeroBitCount == 1 && ways <= ReplacementPolicy.maxTreeWays)
      treeCount = sets
    case .random(let start): seed = start
    }
    trees = .allocate(capacity: treeCount)
    trees.initialize(repeating: 0, count: treeCount)
    randomState = .allocate(capacity: 1)
    randomState.initialize(to: seed)
  }

  struct Saved: Codable {
    var trees: [UInt64]
    var random: UInt64
  }

  var saved: Saved {
    Saved(
      trees: policy == .treePLRU ? Array(UnsafeBufferPointer(start: trees, count: sets)) : [],
      random: randomState.pointee)
  }

  /// Whether a saved state is one of an array of this shape.
  func accepts(_ saved: Saved) -> Bool { saved.trees.count == (policy == .treePLRU ? sets : 0) }

  func restore(_ saved: Saved) {
    for index in saved.trees.indices { trees[index] = saved.trees[index] }
    randomState.pointee = saved.random
  }

  func deallocate() {
    trees.deallocate()
    randomState.deallocate()
  }

  /// Tree-PLRU: every node on the path to `way` points to the other half.
  func touchTree(set: Int, way: Int) {
    var tree = trees[set]
    var node = 1
    var half = ways >> 1
    while half > 0 {
      let isRight = way & half != 0
      let bit: UInt64 = 1 << UInt64(node)
      if isRight { tree &= ~bit } else { tree |= bit }
      node = node &* 2 &+ (isRight ? 1 : 0)
      half >>= 1
    }
    trees[set] = tree
  }

  /// Tree-PLRU: the way that the nodes point to.
  func treeVictim(set: Int) -> Int { Self.treeVictim(of: trees[set], ways: ways) }

  private static func treeVictim(of tree: UInt64, ways: Int) -> Int {
    var node = 1
    while node < ways { node = node &* 2 &+ Int(tree >> UInt64(node) & 1) }
    return node &- ways
  }

  /// Random: draws a way. The generator is SplitMix64 (Steele, Lea and Flood, 2014); the high half of a product maps
  /// the draw to the ways.
  func randomVictim() -> Int {
    randomState.pointee &+= 0x9e37_79b9_7f4a_7c15
    var draw = randomState.pointee
    draw = (draw ^ draw >> 30) &* 0xbf58_476d_1ce4_e5b9
    draw = (draw ^ draw >> 27) &* 0x94d0_49bb_1331_11eb
    draw ^= draw >> 31
    return Int(truncatingIfNeeded: draw.multipliedFullWidth(by: UInt64(ways)).high)
  }

  /// Tree-PLRU: the ways of `set` in the order in which newcomers would take them, were no other use to come between.
  /// Each way comes once: taking a way turns every node on its path.
  func treeOrder(set: Int) -> [Int] {
    var tree = trees[set]
    return (0..<ways).map { _ in
      let victim = Self.treeVictim(of: tree, ways: ways)
      var node = 1
      while node < ways {
        let isRight = tree >> UInt64(node) & 1 != 0
        tree ^= 1 << UInt64(node)
        node = node * 2 + (isRight ? 1 : 0)
      }
      return victim
    }
  }
}
