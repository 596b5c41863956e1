import IA32

/// A processor's decoded blocks, found by where their code lies in memory.
///
/// A block dies when a store hits one of its bytes, through any alias, by a processor or a device: the store gate tells of stores to
/// frames that hold code. Blocks, their instructions and their guest bytes live in arenas of fixed size; when one is full, all
/// blocks go at once. Nothing of this can be seen by the guest.
///
/// The instructions of a block are there twice, at the same index of two arenas. The *record* is what was decoded, and nothing
/// changes it while the block lives: it is for every executor, for debuggers and for tools. The *code* is what the interpreter
/// executes, and the interpreter's alone: where it must leave a block early it writes `.leave` there (see `Deadlines.swift`).
final class BlockCache: CodeHolder {
  /// Instructions in a block.
  static let maxInstructions = 32
  /// Entries that the ops of a block take: the instructions, a line entered before each that begins or ends in another
  /// one, and the end.
  static let maxEntries = 2 * maxInstructions + 2
  /// Bytes of guest code in a block: an instruction has 15 at most.
  static let maxBytes = 15 * maxInstructions
  /// The key of a block that `single` makes.
  static let unkept = UInt64.max
  private static let blockCapacity = 1 << 16
  private static let opCapacity = 1 << 19
  private static let byteCapacity = 1 << 21
  private static let bucketCount = 1 << 15
  private static let recentCount = 1 << 12

  /// Blocks by the low bits of EIP: where the interpreter looks first.
  let recent: UnsafeMutablePointer<UnsafeMutablePointer<Block>?>
  private let memory: PhysicalMemory
  private unowned let gate: StoreGate
  private let blocks: UnsafeMutablePointer<Block>
  /// What the interpreter executes, and what was decoded.
  private let code: UnsafeMutablePointer<Op>
  private let records: UnsafeMutablePointer<Op>
  /// The bytes that blocks were decoded from.
  private let guestBytes: UnsafeMutablePointer<UInt8>
  private let buckets: UnsafeMutablePointer<UnsafeMutablePointer<Block>?>
  /// For each frame of RAM the first block that starts in it. Host memory for it comes as pages of it are touched.
  private let firstInFrame: UnsafeMutablePointer<UnsafeMutablePointer<Block>?>
  private let frameCount: Int
  private let singleBlock: UnsafeMutablePointer<Block>
  private let singleOps: UnsafeMutablePointer<Op>
  /// How often the cache was emptied: what pointed into blocks before points to nothing now.
  private(set) var emptied: UInt64 = 0
  private let singleBytes: UnsafeMutablePointer<UInt8>
  private var blockCount = 0
  private var opCount = 0
  private var byteCount = 0
  /// Frames that got their first block, for emptying the cache; a frame may come more than once.
  private var framesWithCode: [Int] = []

  init(memory: PhysicalMemory, gate: StoreGate) {
    self.memory = memory
    self.gate = gate
    frameCount = Int(memory.layout.top >> 12)
    recent = .allocate(capacity: Self.recentCount)
    recent.initialize(repeating: nil, count: Self.recentCount)
    blocks = .allocate(capacity: Self.blockCapacity)
    code = .allocate(capacity: Self.opCapacity)
    records = .allocate(capacity: Self.opCapacity)
    guestBytes = .allocate(capacity: Self.byteCapacity)
    buckets = .allocate(capacity: Self.bucketCount)
    buckets.initialize(repeating: nil, count: Self.bucketCount)
    singleBlock = .allocate(capacity: 1)
    singleOps = .allocate(capacity: 2)
    singleBytes = .allocate(capacity: 16)
    firstInFrame = zeroedPages(of: UnsafeMutablePointer<Block>?.self, count: frameCount)
  }

  deinit {
    recent.deallocate()
    blocks.deallocate()
    code.deallocate()
    records.deallocate()
    guestBytes.deallocate()
    buckets.deallocate()
    singleBlock.deallocate()
    singleOps.deallocate()
    singleBytes.deallocate()
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
    if blockCount == Self.blockCapacity || opCount + Self.maxEntries > Self.opCapacity
      || byteCount + Self.maxBytes > Self.byteCapacity
    {
      removeAll()
    }
    return code + opCount
  }

  /// Adds a block whose instructions were written to `roomForOps()`. Its code lies in one page of RAM or ROM.
  /// - Parameter bytes: where the block's bytes are on the host; they are copied.
  func insert(_ block: consuming Block, bytes: UnsafeRawPointer) -> UnsafeMutablePointer<Block> {
    let place = blocks + blockCount
    blockCount += 1
    let entries = Int(block.entries) + 1
    (records + opCount).update(from: block.ops, count: entries)
    opCount += entries
    let kept = guestBytes + byteCount
    UnsafeMutableRawPointer(kept).copyMemory(from: bytes, byteCount: Int(block.bytes))
    block.guestBytes = UnsafePointer(kept)
    byteCount += Int(block.bytes)
    let head = bucket(block.physical)
    block.nextInBucket = head.pointee
    block.nextInPage = nil
    if memory.hostPage(block.physical >> 12) != nil {
      let frame = Int(block.physical >> 12)
      if firstInFrame[frame] == nil {
        framesWithCode.append(frame)
        gate.mark(block.physical, .code)
      }
      block.nextInPage = firstInFrame[frame]
      firstInFrame[frame] = place
    }
    place.initialize(to: block)
    head.pointee = place
    return place
  }

  /// A block of `op` alone that is not kept: the next call overwrites it.
  /// - Parameter bytes: the instruction's.
  func single(
    _ op: consuming Op, _ cost: InstructionCosts.Cost, physical: UInt64, bytes code: InlineArray<16, UInt8>
  ) -> UnsafeMutablePointer<Block> {
    for index in 0..<16 { singleBytes[index] = code[index] }
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
      l1Cycles: UInt32(cost.l1), bytes: bytes, lines: 1, cyclesBeforeLast: 0,
      guestBytes: UnsafePointer(singleBytes))
    return singleBlock
  }

  /// Whether `op` is the block that is not kept.
  @inline(__always)
  func isSingle(_ op: UnsafeMutablePointer<Op>) -> Bool { op == singleOps }

  /// What was decoded for `block`: its entries and the `.endOfBlock` behind them, which stay as they are also where the
  /// interpreter is asked to leave the block.
  func record(of block: UnsafeMutablePointer<Block>) -> UnsafeBufferPointer<Op> {
    let ops = block.pointee.ops
    let first = ops == singleOps ? ops : records + (ops - code)
    return UnsafeBufferPointer(start: first, count: Int(block.pointee.entries) + 1)
  }

  // MARK: Dying

  func holdsCode(inFrame frame: Int) -> Bool { firstInFrame[frame] != nil }

  /// Forgets the blocks whose code isn't in RAM: ROM has moved. One may be in execution.
  func removeBlocksOutsideRAM() {
    for index in 0..<blockCount where memory.hostPage(blocks[index].physical >> 12) == nil {
      unlink(blocks + index)
    }
  }

  /// A store is about to change the bytes `start` to `end` - 1 of a frame of RAM.
  func willStore(inFrame frame: Int, from start: UInt32, to end: UInt32) {
    guard firstInFrame[frame] != nil else { return }
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
    if firstInFrame[frame] == nil { gate.codeIsGone(fromFrame: frame) }
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
    for frame in framesWithCode where firstInFrame[frame] != nil {
      firstInFrame[frame] = nil
      gate.codeIsGone(fromFrame: frame)
    }
    framesWithCode.removeAll()
    buckets.update(repeating: nil, count: Self.bucketCount)
    recent.update(repeating: nil, count: Self.recentCount)
    blockCount = 0
    opCount = 0
    emptied &+= 1
    byteCount = 0
  }
}
