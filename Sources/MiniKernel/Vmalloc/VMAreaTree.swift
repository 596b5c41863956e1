// The areas as a search tree, so that finding an area or a gap takes steps in the logarithm of their number. Each node
// knows the gap before its area and the largest gap below it: a search for the first gap that is large enough enters
// only subtrees that have one. Balance comes from a treap: nodes are heap-ordered by a hash of their address, which makes
// the expected shape that of a random tree. Linux has the same idea since 5.2, with a red-black tree of gaps.

/// How areas and gaps are found.
public enum VMAreaSearch: UInt32, Sendable {
  /// From the lowest area on: the classic behaviour.
  case list = 0
  /// By the augmented tree, which is built when this is chosen and kept as long as it is.
  case tree = 1
}

extension VMArea {
  fileprivate var left: KernelAddress {
    get { KernelAddress(self[word: VMAreaLayout.left]) }
    nonmutating set { self[word: VMAreaLayout.left] = newValue.rawValue }
  }

  fileprivate var right: KernelAddress {
    get { KernelAddress(self[word: VMAreaLayout.right]) }
    nonmutating set { self[word: VMAreaLayout.right] = newValue.rawValue }
  }

  /// Bytes between the area before this one and this one.
  fileprivate var gap: UInt32 {
    get { self[word: VMAreaLayout.gap] }
    nonmutating set { self[word: VMAreaLayout.gap] = newValue }
  }

  fileprivate var largestGap: UInt32 {
    get { self[word: VMAreaLayout.largestGap] }
    nonmutating set { self[word: VMAreaLayout.largestGap] = newValue }
  }

  /// The place in the heap order: the area's page number times an odd constant, its bits then folded.
  fileprivate var priority: UInt32 {
    let product = (start.rawValue >> pageShift) &* 0x9E37_79B1
    return product ^ product >> 15
  }
}

extension Kernel {
  /// How a gap for a new area is found. Setting `.tree` builds the tree from the list.
  public var areaSearch: VMAreaSearch {
    get { self[word: KernelVariable.areaSearch] == VMAreaSearch.tree.rawValue ? .tree : .list }
    nonmutating set {
      beginUpdate()
      defer { endUpdate() }
      self[word: KernelVariable.areaSearch] = newValue.rawValue
      if newValue == .tree { buildTree() }
    }
  }

  /// Makes the tree of what the list has.
  private func buildTree() {
    areaRoot = .null
    var end = vmallocStart
    var next = vmlist
    while !next.isNull {
      let here = area(next)
      insertIntoTree(here, gap: here.start - end)
      end = here.end
      next = here.next
    }
  }

  private var areaRoot: KernelAddress {
    get { KernelAddress(self[word: KernelVariable.areaRoot]) }
    nonmutating set { self[word: KernelVariable.areaRoot] = newValue.rawValue }
  }

  @inline(__always)
  private func area(_ node: KernelAddress) -> VMArea<HW> { VMArea(hardware, at: node) }

  /// Recomputes what `node` knows of its subtree.
  private func updateLargestGap(_ node: VMArea<HW>) {
    var largest = node.gap
    if !node.left.isNull { largest = max(largest, area(node.left).largestGap) }
    if !node.right.isNull { largest = max(largest, area(node.right).largestGap) }
    node.largestGap = largest
  }

  // MARK: Finding

  /// The area that starts at `start`, also one that waits for a flush.
  func findInTree(_ start: KernelAddress) -> VMArea<HW>? {
    var node = areaRoot
    while !node.isNull {
      let here = area(node)
      if here.start == start { return here }
      node = start < here.start ? here.left : here.right
    }
    return nil
  }

  /// The last area that starts below `start`, or null.
  func areaBefore(_ start: KernelAddress) -> KernelAddress {
    var node = areaRoot
    var before = KernelAddress.null
    while !node.isNull {
      let here = area(node)
      if here.start < start {
        before = node
        node = here.right
      } else {
        node = here.left
      }
    }
    return before
  }

  /// The lowest gap with `size` aligned bytes: between areas, else behind the last.
  func findGapInTree(_ size: UInt32, _ alignment: UInt32) -> Gap? {
    if let gap = findGap(below: areaRoot, size, alignment) { return gap }
    let last = areaBefore(vmallocEnd)
    let free = last.isNull ? vmallocStart : area(last).end
    guard let start = free.alignedUp(to: alignment), start <= vmallocEnd, vmallocEnd - start >= size else {
      return nil
    }
    return Gap(start: start, previous: last)
  }

  private func findGap(below node: KernelAddress, _ size: UInt32, _ alignment: UInt32) -> Gap? {
    if node.isNull { return nil }
    count(KernelVariable.searchSteps)
    let here = area(node)
    if here.largestGap < size { return nil }
    if let gap = findGap(below: here.left, size, alignment) { return gap }
    let end = here.start
    if here.gap >= size, let start = (end - here.gap).alignedUp(to: alignment), start <= end,
      end - start >= size
    {
      return Gap(start: start, previous: areaBefore(end))
    }
    return findGap(below: here.right, size, alignment)
  }

  // MARK: Changing

  /// Inserts an area that lies `gap` bytes behind the one before it.
  func insertIntoTree(_ new: VMArea<HW>, gap: UInt32) {
    new.gap = gap
    new.largestGap = gap
    new.left = .null
    new.right = .null
    areaRoot = insert(new, below: areaRoot)
    // The area after it has less room before it now.
    if !new.next.isNull { setGap(of: area(new.next), to: area(new.next).start - new.end) }
  }

  /// Removes an area, whose room falls to the gap before the next one.
  func removeFromTree(_ old: VMArea<HW>) {
    areaRoot = remove(old.start, below: areaRoot)
    if !old.next.isNull {
      let next = area(old.next)
      setGap(of: next, to: next.gap &+ old.size &+ old.gap)
    }
  }

  /// The new root of the subtree `node` with `new` in it.
  private func insert(_ new: VMArea<HW>, below node: KernelAddress) -> KernelAddress {
    if node.isNull { return new.address }
    let here = area(node)
    if new.start < here.start {
      let child = area(insert(new, below: here.left))
      here.left = child.address
      if child.priority > here.priority { return rotate(here, right: child) }
    } else {
      let child = area(insert(new, below: here.right))
      here.right = child.address
      if child.priority > here.priority { return rotate(here, left: child) }
    }
    updateLargestGap(here)
    return node
  }

  /// `child`, the left one, becomes the root and `node` its right child.
  private func rotate(_ node: VMArea<HW>, right child: VMArea<HW>) -> KernelAddress {
    node.left = child.right
    child.right = node.address
    updateLargestGap(node)
    updateLargestGap(child)
    return child.address
  }

  /// `child`, the right one, becomes the root and `node` its left child.
  private func rotate(_ node: VMArea<HW>, left child: VMArea<HW>) -> KernelAddress {
    node.right = child.left
    child.left = node.address
    updateLargestGap(node)
    updateLargestGap(child)
    return child.address
  }

  /// The new root of the subtree `node` without the area at `start`.
  private func remove(_ start: KernelAddress, below node: KernelAddress) -> KernelAddress {
    if node.isNull { return node }
    let here = area(node)
    if here.start == start { return join(here.left, here.right) }
    if start < here.start {
      here.left = remove(start, below: here.left)
    } else {
      here.right = remove(start, below: here.right)
    }
    updateLargestGap(here)
    return node
  }

  /// One tree of two, all of whose left addresses are below all right ones.
  private func join(_ left: KernelAddress, _ right: KernelAddress) -> KernelAddress {
    if left.isNull { return right }
    if right.isNull { return left }
    let a = area(left)
    let b = area(right)
    if a.priority > b.priority {
      a.right = join(a.right, right)
      updateLargestGap(a)
      return left
    }
    b.left = join(left, b.left)
    updateLargestGap(b)
    return right
  }

  /// Changes one area's gap and all that its ancestors know of it.
  private func setGap(of changed: VMArea<HW>, to gap: UInt32) {
    changed.gap = gap
    refresh(below: areaRoot, towards: changed.start)
  }

  private func refresh(below node: KernelAddress, towards start: KernelAddress) {
    if node.isNull { return }
    let here = area(node)
    if start < here.start { refresh(below: here.left, towards: start) }
    if start > here.start { refresh(below: here.right, towards: start) }
    updateLargestGap(here)
  }
}
