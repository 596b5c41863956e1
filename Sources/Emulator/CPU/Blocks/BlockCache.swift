import IA32

/// Decoded blocks, found by where their code lies in memory, and the pages that hold such code.
///
/// A block dies when a store hits one of its bytes, through whatever alias and by whomever: stores to a page that holds
/// code come through `willWrite`. Blocks and their instructions live in two arenas of fixed size; when one is
/// full, all blocks go at once. Nothing of this can be seen by the guest.
final class BlockCache {
  /// Instructions in a block at most.
  static let longest = 32
  /// Entries that the ops of a block take at most: the instructions, a line entered before each that begins or ends in
  /// another one, and the end.
  static let mostEntries = 2 * longest + 2
  /// The key of a block that `single` makes.
  static let unkept = UInt64.max
  private static let blockCapacity = 1 << 16
  private static let opCapacity = 1 << 19
  private static let bucketCount = 1 << 15
  private static let recentCount = 1 << 12

  /// Blocks by the low bits of EIP: where the interpreter looks first.
  let recent: UnsafeMutablePointer<UnsafeMutablePointer<Block>?>
  /// Called with the host page when code is decoded in a page that had none.
  var onNewCodePage: (UnsafeRawPointer) -> Void = { _ in }

  private let memory: PhysicalMemory
  private let blocks: UnsafeMutablePointer<Block>
  private let ops: UnsafeMutablePointer<Op>
  private let buckets: UnsafeMutablePointer<UnsafeMutablePointer<Block>?>
  /// For each frame of RAM the first block that starts in it. Host memory for it comes as pages of it are touched.
  private let firstInFrame: UnsafeMutablePointer<UnsafeMutablePointer<Block>?>
  private let frameCount: Int
  private let singleBlock: UnsafeMutablePointer<Block>
  private let singleOps: UnsafeMutablePointer<Op>
  /// How often the cache was emptied: what pointed into blocks before points to nothing now.
  private(set) var emptied: UInt64 = 0
  private var blockCount = 0
  private var opCount = 0
  /// Frames that got their first block, for emptying the cache; a frame may come more than once.
  private var framesWithCode: [Int] = []

  init(memory: PhysicalMemory) {
    self.memory = memory
    frameCount = Int(memory.layout.top >> 12)
    recent = .allocate(capacity: Self.recentCount)
    recent.initialize(repeating: nil, count: Self.recentCount)
    blocks = .allocate(capacity: Self.blockCapacity)
    ops = .allocate(capacity: Self.opCapacity)
    buckets = .allocate(capacity: Self.bucketCount)
    buckets.initialize(repeating: nil, count: Self.bucketCount)
    singleBlock = .allocate(capacity: 1)
    singleOps = .allocate(capacity: 2)
    firstInFrame = zeroedPages(of: UnsafeMutablePointer<Block>?.self, count: frameCount)
  }

  deinit {
    recent.deallocate()
    blocks.deallocate()
    ops.deallocate()
    buckets.deallocate()
    singleBlock.deallocate()
    singleOps.deallocate()
    releasePages(firstInFrame, count: frameCount)
  }

  // MARK: Finding

  @inline(__always)
  func recentSlot(_ eip: UInt32) -> UnsafeMutablePointer<UnsafeMutablePointer<Block>?> {
    recent + Int(eip & UInt32(Self.recentCount &- 1))
  }

  private func bucket(_ physical: UInt64) -> UnsafeMutablePointer<UnsafeMutablePointer<Block>?> {
    let mixed = physical &* 0x9e37_79b9_7f4a_7c15
    return buckets + Int(truncatingIfNeeded: mixed >> 49)
  }

  /// The block with this key at this physical address, decoded before.
  func find(key: UInt64, physical: UInt64) -> UnsafeMutablePointer<Block>? {
    var next = bucket(physical).pointee
    while let block = next {
      if block.pointee.physical == physical && block.pointee.key == key { return block }
      next = block.pointee.nextInBucket
    }
    return nil
  }

  // MARK: Making

  /// Room for the instructions of one block; emptied first when an arena is full.
  func roomForOps() -> UnsafeMutablePointer<Op> {
    if blockCount == Self.blockCapacity || opCount + Self.mostEntries > Self.opCapacity { removeAll() }
    return ops + opCount
  }

  /// Adds a block whose instructions were written to `roomForOps()`. Its code lies in one page of RAM or ROM.
  func insert(_ block: consuming Block) -> UnsafeMutablePointer<Block> {
    let place = blocks + blockCount
    blockCount += 1
    opCount += Int(block.entries) + 1
    let head = bucket(block.physical)
    block.nextInBucket = head.pointee
    block.nextInPage = nil
    if let host = memory.hostPage(block.physical >> 12) {
      let frame = Int(block.physical >> 12)
      if firstInFrame[frame] == nil {
        framesWithCode.append(frame)
        onNewCodePage(host)
      }
      block.nextInPage = firstInFrame[frame]
      firstInFrame[frame] = place
    }
    place.initialize(to: block)
    head.pointee = place
    return place
  }

  /// A block of `op` alone that is not kept: the next call overwrites it.
  func single(
    _ op: consuming Op, _ cost: InstructionCosts.Cost, physical: UInt64
  ) -> UnsafeMutablePointer<Block> {
    op.position = 0
    op.cyclesBefore = 0
    var end = Op.marker(.endOfBlock, eip: op.nextEIP)
    end.position = 1
    end.cyclesBefore = UInt16(truncatingIfNeeded: cost.cycles)
    let bytes = UInt32(op.length)
    singleOps[0] = op
    singleOps[1] = end
    singleBlock.pointee = Block(
      key: Self.unkept, physical: physical, ops: singleOps, count: 1, cycles: UInt32(cost.cycles), entries: 1,
      l1Cycles: UInt32(cost.l1), bytes: bytes, lines: 1, cyclesBeforeLast: 0)
    return singleBlock
  }

  /// Whether `op` is the block that is not kept.
  @inline(__always)
  func isSingle(_ op: UnsafeMutablePointer<Op>) -> Bool { op == singleOps }

  // MARK: Dying

  /// Whether decoded code lies in the page at `host`, a page of RAM.
  @inline(__always)
  func containsCode(_ host: UnsafeMutableRawPointer) -> Bool {
    firstInFrame[Int(memory.physicalAddress(ofHost: host) >> 12)] != nil
  }

  /// A store is about to change `bytes` at `offset` of the page at `host`.
  @inline(__always)
  func willWrite(_ host: UnsafeMutableRawPointer, offset: UInt32, bytes: UInt32) {
    let frame = Int(memory.physicalAddress(ofHost: host) >> 12)
    if firstInFrame[frame] != nil { removeBlocks(inFrame: frame, from: offset, to: offset &+ bytes) }
  }

  /// The same by physical address, for whoever changes memory from outside.
  func willWrite(physical: UInt64, bytes: UInt32) {
    guard let host = memory.hostPage(physical >> 12) else { return }
    willWrite(host, offset: UInt32(physical & 0xfff), bytes: bytes)
  }

  @inline(never)
  private func removeBlocks(inFrame frame: Int, from start: UInt32, to end: UInt32) {
    var link = firstInFrame + frame
    while let block = link.pointee {
      let first = UInt32(block.pointee.physical & 0xfff)
      if first < end && start < first &+ block.pointee.bytes {
        link.pointee = block.pointee.nextInPage
        unlink(block)
      } else {
        link = nextInPageLink(block)
      }
    }
  }

  private func nextInPageLink(
    _ block: UnsafeMutablePointer<Block>
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<Block>?> {
    let offset = MemoryLayout<Block>.offset(of: \.nextInPage)!
    return (UnsafeMutableRawPointer(block) + offset)
      .assumingMemoryBound(to: UnsafeMutablePointer<Block>?.self)
  }

  /// Takes a block out of its bucket. Its instructions become `.leave`, so that a CPU in the middle of it
  /// completes the one it is at and goes on from memory.
  private func unlink(_ block: UnsafeMutablePointer<Block>) {
    let head = bucket(block.pointee.physical)
    if head.pointee == block {
      head.pointee = block.pointee.nextInBucket
    } else {
      var previous = head.pointee
      while let candidate = previous, candidate.pointee.nextInBucket != block {
        previous = candidate.pointee.nextInBucket
      }
      previous?.pointee.nextInBucket = block.pointee.nextInBucket
    }
    let slot = recentSlot(UInt32(truncatingIfNeeded: block.pointee.key))
    if slot.pointee == block { slot.pointee = nil }
    for index in 0...Int(block.pointee.entries) { block.pointee.ops[index].handler = .leave }
  }

  /// Forgets every block. Must not be called while one is being executed.
  func removeAll() {
    for frame in framesWithCode { firstInFrame[frame] = nil }
    framesWithCode.removeAll()
    buckets.update(repeating: nil, count: Self.bucketCount)
    recent.update(repeating: nil, count: Self.recentCount)
    blockCount = 0
    opCount = 0
    emptied &+= 1
  }
}
