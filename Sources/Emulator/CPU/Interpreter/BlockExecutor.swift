/// What executes the instructions of a block: the seam between the loop that finds blocks and whatever runs them.
///
/// The interpreter is one executor, and the one that can do everything. Another may run some blocks its own way, and hands
/// over to the interpreter wherever something is awkward: *go on before entry k of block B*. For that to be exact all
/// executors keep the same order of things:
///
/// - While a block is being executed the clock stands where the block began, plus what misses have cost since. The cycles of
///   the block's own instructions come with its end (`Block.cycles`), or with `CPU.leave(_:before:fetched:)`, and so do the
///   counts. `CPU.begin` and `end` make the clock exact around whatever looks at it.
/// - EIP stands where the block began until the block ends, is left, or raises a fault.
/// - After anything that may ask for attention or cost cycles (`CPU.settle`), the entry to leave the block at is
///   `LoopControl.armed`; an executor looks there and leaves before that entry at the latest. The block's record
///   (`BlockCache.record(of:)`) stays as it was decoded: only the interpreter's own code says `.leave` there.
/// - A store may kill the very block that is being executed: the instruction at hand completes, and the block is left.
/// - A fault is delivered by `CPU.raise(_:in:at:)`, with no register of the instruction changed.
protocol BlockExecutor: ~Copyable {
  associatedtype Timing: TimingModel

  /// Executes `block` from its entry `first` on, to its end or to where it must be left.
  /// - Parameter first: an entry of `block.ops`; with the clock and EIP where the block began.
  func execute(_ block: UnsafeMutablePointer<Block>, from first: UnsafeMutablePointer<Op>)
}
