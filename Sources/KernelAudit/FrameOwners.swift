import IA32

/// What the kernel's page allocator says of a stretch of frames.
public struct KernelFrames: Hashable, Sendable {
  /// Whose the frames are, by their `struct page`.
  public enum Owner: Hashable, Sendable {
    /// In a free block of this order.
    case free(order: UInt8)
    /// A page table or a page directory.
    case table
    /// Objects of `kmalloc`.
    case slab
    /// A block that `kmalloc` gave out whole.
    case block
    /// In use by somebody that the descriptor does not name.
    case used
    /// Not for the allocator to give.
    case reserved
    /// No descriptor says anything: a hole, or the rest of a block that was given out.
    case unknown
  }

  /// The frames, by number.
  public var frames: Range<UInt32>
  /// Whose they are.
  public var owner: Owner
}

extension KernelAudit {
  /// All frames of the kernel's `mem_map` in their order, neighbours with one owner together; none while there is no kernel yet.
  public var frames: [KernelFrames] {
    guard moment != .notStarted else { return [] }
    let run = AuditRun(machine: machine, symbols: symbols)
    // The guest may have written anything there.
    guard run.checkVariables() else { return [] }
    typealias Page = KernelLayout.Page
    var found: [KernelFrames] = []
    var frame: UInt32 = 0
    // The head of a block speaks for all of it.
    while frame < run.maxFrame {
      let page = run.descriptor(frame)
      var count: UInt32 = 1
      let owner: KernelFrames.Owner
      switch page.flags {
      case Page.reserved: owner = .reserved
      case Page.buddy:
        owner = .free(order: UInt8(truncatingIfNeeded: page.order))
        count = 1 << min(page.order, KernelLayout.orders - 1)
      case Page.slab: owner = .slab
      case Page.compound:
        owner = .block
        count = 1 << min(page.order, KernelLayout.orders - 1)
      case Page.table: owner = .table
      default:
        owner = page.count > 0 ? .used : .unknown
        if page.count > 0, page.order < KernelLayout.orders { count = 1 << page.order }
      }
      let end = min(run.maxFrame, frame + count)
      if let last = found.last, last.owner == owner {
        found[found.count - 1].frames = last.frames.lowerBound..<end
      } else {
        found.append(KernelFrames(frames: frame..<end, owner: owner))
      }
      frame = end
    }
    return found
  }
}
