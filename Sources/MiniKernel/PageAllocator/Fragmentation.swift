// Making memory as fragmented as years of use do, at once and reversibly: every block of two pages or more is taken,
// and of some of those every second page is given back. What is free then is single pages whose neighbours are in use.

/// Free blocks of every zone and order at one moment.
public struct FreeCounts: Equatable {
  private var counts: InlineArray<33, UInt32>

  fileprivate init() { counts = InlineArray(repeating: 0) }

  fileprivate mutating func set(_ zone: ZoneIndex, _ order: UInt32, _ count: UInt32) {
    counts[Int(zone.rawValue &* maxOrder &+ order)] = count
  }

  /// Free blocks of 2^`order` pages in `zone`.
  public func blocks(_ zone: ZoneIndex, _ order: UInt32) -> UInt32 {
    counts[Int(zone.rawValue &* maxOrder &+ order)]
  }

  /// Whether both have as many blocks of each order in each zone.
  public static func == (a: FreeCounts, b: FreeCounts) -> Bool {
    for index in 0..<33 where a.counts[index] != b.counts[index] { return false }
    return true
  }
}

/// What `fragmentMemory` holds.
public struct FragmentedMemory {
  /// The head of the list of everything held.
  fileprivate let held: KernelAddress
  fileprivate let crumbled: KernelAddress
  /// Blocks of two pages or more held whole.
  public fileprivate(set) var wholeBlocks: UInt32 = 0
  /// Pages in the blocks held whole.
  public fileprivate(set) var wholePages: UInt32 = 0
  /// Blocks of which every second page is held.
  public fileprivate(set) var crumbledBlocks: UInt32 = 0
  /// Pages held singly.
  public fileprivate(set) var singlePages: UInt32 = 0
}

extension Kernel {
  /// How many free blocks each zone's lists have, as `nr_free` says.
  public func freeCounts() -> FreeCounts {
    var counts = FreeCounts()
    for number in 0..<ZoneIndex.count {
      let index = ZoneIndex(number: number)
      for order in 0..<maxOrder { counts.set(index, order, zone(index).freeBlocks(order)) }
    }
    return counts
  }

  /// Walks every free list and compares what is in it with `nr_free` and `free_pages`: false when a count lies.
  public func freeListsMatchCounts() -> Bool {
    for number in 0..<ZoneIndex.count {
      let zone = zone(ZoneIndex(number: number))
      var pages: UInt32 = 0
      for order in 0..<maxOrder {
        let list = zone.freeList(order)
        var blocks: UInt32 = 0
        var link = list.next
        while link != list.address {
          if Page(hardware, linkedAt: link).word != Page<HW>.word(.buddy, order: order, count: 0) {
            return false
          }
          blocks += 1
          link = ListHead(hardware, at: link).next
        }
        if blocks != zone.freeBlocks(order) { return false }
        pages &+= blocks << order
      }
      if pages != zone.freePages { return false }
    }
    return true
  }

  /// Fragments every zone: afterwards no block of order 1 or more is free anywhere, and about half of `crumbs` pages a
  /// zone are free one by one, spread over its whole range. Nil when there is no memory for the two list heads.
  public func fragmentMemory(crumbs: UInt32) -> FragmentedMemory? {
    beginUpdate()
    defer { endUpdate() }
    guard let heads = kmalloc(16, .kernel) else { return nil }
    var memory = FragmentedMemory(held: heads, crumbled: heads + 8)
    let held = ListHead(hardware, at: memory.held)
    let crumbled = ListHead(hardware, at: memory.crumbled)
    held.makeEmpty()
    for number in 0..<ZoneIndex.count {
      let zone = zone(ZoneIndex(number: number))
      // At most half of what the zone has, so that small machines keep whole blocks to hold, too.
      let goal = min(crumbs, zone.freePages / 2)
      var planned: UInt32 = 0
      crumbled.makeEmpty()
      var order = maxOrder - 1
      while order > 0 {
        let blocks = zone.freeBlocks(order)
        let wanted = goal > planned ? min(blocks, (goal &- planned &+ 1 << order &- 1) >> order) : 0
        for index in 0..<blocks {
          guard let page = removeFromQueue(zone, order: order) else { break }
          // Evenly over the list, which runs through the zone's addresses.
          if index &* wanted / blocks != (index &+ 1) &* wanted / blocks {
            crumbled.insertLast(page.link)
            planned &+= 1 << order
            memory.crumbledBlocks &+= 1
          } else {
            held.insertFirst(page.link)
            memory.wholeBlocks &+= 1
            memory.wholePages &+= 1 << order
          }
        }
        order -= 1
      }
      memory.singlePages &+= crumble(crumbled, held, zone)
    }
    return memory
  }

  /// Gives back every even page of the blocks in `blocks`, one of each block in turn, so that the free list visits them
  /// all; the odd ones go to `held`. Returns how many those are.
  private func crumble(_ blocks: ListHead<HW>, _ held: ListHead<HW>, _ zone: Zone<HW>) -> UInt32 {
    var singles: UInt32 = 0
    var index: UInt32 = 1 << (maxOrder - 1)
    while index > 0 {
      index -= 2
      var link = blocks.next
      while link != blocks.address {
        let head = Page(hardware, linkedAt: link)
        link = ListHead(hardware, at: link).next
        if index >= 1 << head.order { continue }
        let odd = Page(hardware, at: head.address + (index &+ 1) &* PageLayout.size)
        odd.word = Page<HW>.word([], order: 0, count: 1)
        held.insertFirst(odd.link)
        singles &+= 1
        // The head goes last: it carries the list.
        if index == 0 { head.link.remove() }
        freeOnePage(Page(hardware, at: head.address + index &* PageLayout.size), order: 0, in: zone)
      }
    }
    return singles
  }

  /// Gives everything back that `fragmentMemory` took.
  public func releaseFragmentedMemory(_ memory: FragmentedMemory) {
    beginUpdate()
    defer { endUpdate() }
    let held = ListHead(hardware, at: memory.held)
    while !held.isEmpty {
      let page = Page(hardware, linkedAt: held.next)
      page.link.remove()
      freePages(page, order: page.order)
    }
    kfree(memory.held)
  }
}
