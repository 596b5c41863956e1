extension AuditRun {
  /// Some forty levels are what 100,000 areas may take; a list that poses as a tree must not exhaust the host's stack.
  private static let deepestTree = 1000

  /// The tree, while the kernel keeps it, must have the areas in the list's order and know the gaps between them.
  func checkAreaTree() {
    guard variable(.areaSearch) == KernelLayout.AreaSearch.tree else { return }
    let byDescriptor = Dictionary(areas.map { ($0.descriptor, $0) }) { first, _ in first }
    var order: [UInt32] = []
    var nodes = 0
    /// The largest gap of a subtree; nil when it is not a tree of listed areas.
    func visit(_ node: UInt32, depth: Int) -> UInt32? {
      if node == 0 { return 0 }
      nodes += 1
      guard nodes <= areas.count, depth < Self.deepestTree, let area = byDescriptor[node],
        let left = visit(area.left, depth: depth + 1)
      else { return nil }
      order.append(node)
      guard let right = visit(area.right, depth: depth + 1) else { return nil }
      let largest = max(area.gap, left, right)
      expect(
        area.largestGap == largest, .areaTree,
        "the tree node of the area at \(hex(area.start)) says the largest gap below it is \(area.largestGap), "
          + "and it is \(largest)")
      return largest
    }
    guard visit(variable(.areaRoot), depth: 0) != nil, order == areas.map(\.descriptor) else {
      report(.areaTree, "the tree does not have the \(areas.count) areas of vmlist in their order")
      return
    }
    var end = UInt64(vmallocStart)
    for area in areas {
      expect(
        UInt64(area.start) &- end == UInt64(area.gap), .areaTree,
        "the tree node of the area at \(hex(area.start)) says the gap before it is \(area.gap), and it is "
          + "\(UInt64(area.start) &- end)")
      end = area.end
    }
  }
}
