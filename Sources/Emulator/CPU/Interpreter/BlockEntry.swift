import IA32

/// Finding the block at CS:EIP, and counting what fetching it takes.
extension CPU {
  /// The block at CS:EIP, counted as fetched; nil after a fetch that faulted, with the fault delivered.
  @inline(__always)
  func enterBlock<Timing: TimingModel>(_: Timing.Type) -> UnsafeMutablePointer<Block>? {
    let eip = state.pointee.eip
    let linear = state.pointee.cs.base &+ eip
    let fetch = mmu.fetchPage
    guard linear >> 12 == fetch.pointee.page, let block = blocks.recentSlot(eip).pointee,
      block.pointee.key == control.pointee.modeKey | UInt64(eip),
      block.pointee.physical == fetch.pointee.physical | UInt64(linear & 0xfff)
    else { return enterSlowly(Timing.self) }
    countFetch(block, linear, Timing.self)
    return block
  }

  /// Counts the lines that the block's instructions enter, and sees to it that the block is left when a
  /// deadline comes up inside it.
  @inline(__always)
  func countFetch<Timing: TimingModel>(_ block: UnsafeMutablePointer<Block>, _ linear: UInt32, _: Timing.Type)
  {
    let fetch = mmu.fetchPage
    if Timing.modelsCaches {
      if fetch.pointee.line != linear >> 5 { enterFetchLine(linear) }
    } else {
      let held: UInt64 = fetch.pointee.line == linear >> 5 ? 1 : 0
      fetch.pointee.lookups &+= UInt64(block.pointee.lines) &- held
      fetch.pointee.line = (linear &+ block.pointee.bytes &- 1) >> 5
    }
    let beforeLast = clock.state.pointee.now &+ UInt64(block.pointee.cyclesBeforeLast)
    if beforeLast >= clock.state.pointee.deadline {
      arm(from: block.pointee.ops + 1, count: Int(block.pointee.entries) &- 1)
    }
  }
}
