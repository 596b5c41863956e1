import TestSupport

@testable import Emulator

/// One set of a cache or TLB array as a textbook has it: slow, and nothing in it can be got wrong unnoticed.
struct SetModel {
  /// A node of tree-PLRU: which child was used longer ago, and the ways below.
  private final class Node {
    let ways: Range<Int>
    var olderIsRight = false
    var children: [Node] = []

    init(_ ways: Range<Int>) {
      self.ways = ways
      if ways.count > 1 {
        let middle = (ways.lowerBound + ways.upperBound) / 2
        children = [Node(ways.lowerBound..<middle), Node(middle..<ways.upperBound)]
      }
    }

    func use(_ way: Int) {
      guard !children.isEmpty else { return }
      let usedRight = children[1].ways.contains(way)
      olderIsRight = !usedRight
      children[usedRight ? 1 : 0].use(way)
    }

    var victim: Int { children.isEmpty ? ways.lowerBound : children[olderIsRight ? 1 : 0].victim }
  }

  private let policy: ReplacementPolicy
  private var order: [Int] = []
  /// nil for a policy that asks no tree.
  private let tree: Node?
  private(set) var content: [UInt64?]

  init(_ policy: ReplacementPolicy, ways: Int) {
    self.policy = policy
    tree = policy == .treePLRU ? Node(0..<ways) : nil
    content = Array(repeating: nil, count: ways)
  }

  /// Whether `item` was there. It is now, and is the one used last.
  /// - Parameter random: where the array stands in its random numbers.
  mutating func access(_ item: UInt64, random: inout RandomModel) -> Bool {
    if let way = content.firstIndex(of: item) {
      use(way)
      return true
    }
    let way = content.firstIndex(of: nil) ?? victim(&random)
    content[way] = item
    use(way)
    return false
  }

  private mutating func use(_ way: Int) {
    order.removeAll { $0 == way }
    order.append(way)
    tree?.use(way)
  }

  private func victim(_ random: inout RandomModel) -> Int {
    switch policy {
    case .lru: order[0]
    case .treePLRU: tree!.victim
    case .random: random.draw(content.count)
    }
  }

  mutating func drop(_ item: UInt64) {
    if let way = content.firstIndex(of: item) { content[way] = nil }
  }

  /// The items in the order in which newcomers would replace them, the last one first; for random replacement, in the
  /// order of use.
  func ranked() -> [UInt64] {
    guard let tree else { return order.reversed().compactMap { content[$0] } }
    let copy = Node(0..<content.count)
    func imitate(_ original: Node, _ node: Node) {
      node.olderIsRight = original.olderIsRight
      for (from, to) in zip(original.children, node.children) { imitate(from, to) }
    }
    imitate(tree, copy)
    let victims = content.map { _ in
      let way = copy.victim
      copy.use(way)
      return way
    }
    return victims.reversed().compactMap { content[$0] }
  }
}

/// The draws of random replacement: the upper 64 bits of the product of the tests' generator and the number of ways.
struct RandomModel {
  private var generator: SeededGenerator

  init(_ policy: ReplacementPolicy) {
    if case .random(let seed) = policy {
      generator = SeededGenerator(seed: seed)
    } else {
      generator = SeededGenerator(seed: 0)
    }
  }

  mutating func draw(_ ways: Int) -> Int { Int((UInt128(generator.next()) * UInt128(ways)) >> 64) }
}

/// An array of such sets: set = item modulo sets.
struct ArrayModel {
  private var sets: [SetModel]
  private var random: RandomModel

  init(_ policy: ReplacementPolicy, sets: Int, ways: Int) {
    self.sets = (0..<sets).map { _ in SetModel(policy, ways: ways) }
    random = RandomModel(policy)
  }

  func contains(_ item: UInt64) -> Bool { sets[Int(item % UInt64(sets.count))].content.contains(item) }

  /// Whether `item` was there. It is now, and is the one used last.
  mutating func access(_ item: UInt64) -> Bool {
    sets[Int(item % UInt64(sets.count))].access(item, random: &random)
  }

  mutating func drop(_ item: UInt64) { sets[Int(item % UInt64(sets.count))].drop(item) }

  func set(_ index: Int) -> SetModel { sets[index] }
}
