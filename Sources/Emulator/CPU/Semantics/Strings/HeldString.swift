import IA32

/// The repeated string instruction that the processor was in the middle of when the loop came back: left between two
/// iterations, with nothing that has led away from it. The processor holds it and does not fetch it again.
///
/// It is kept as a copy, and remembers where it stands among the decoded blocks: a store to its bytes, by whatever address,
/// kills that block, and with it the instruction.
final class HeldString {
  /// The copy, and the end of a block behind it. Valid while one is held.
  let op: UnsafeMutablePointer<Op>
  /// Whether the processor holds one.
  private(set) var isHeld = false

  private let blocks: BlockCache
  /// Where the instruction stands in its block, as long as the cache has not been emptied since.
  private var place: UnsafeMutablePointer<Op>?
  private var placedIn: UInt64 = 0

  init(blocks: BlockCache) {
    self.blocks = blocks
    op = .allocate(capacity: 2)
  }

  deinit { op.deallocate() }

  /// The instruction in its block; nil when it is in none.
  private(set) var inBlock: UnsafeMutablePointer<Op>? {
    get { placedIn == blocks.emptied ? place : nil }
    set {
      place = newValue
      placedIn = blocks.emptied
    }
  }

  /// `instruction`, the held one or one that is being executed, in the block that a store to its bytes would kill; nil for one
  /// that lies in no page's blocks.
  func registered(_ instruction: UnsafeMutablePointer<Op>) -> UnsafeMutablePointer<Op>? {
    instruction == op ? inBlock : blocks.isSingle(instruction) ? nil : instruction
  }

  /// Whether no store has killed the block that the held instruction stands in.
  var isAlive: Bool { inBlock.map { $0.pointee.handler == .string } ?? true }

  /// Holds `instruction`.
  func hold(_ instruction: Op, inBlock: UnsafeMutablePointer<Op>?) {
    op.initialize(to: instruction)
    op.pointee.handler = .string
    op.pointee.position = 0
    op.pointee.cyclesBefore = 0
    var end = Op.marker(.endOfBlock, eip: instruction.nextEIP)
    end.position = 1
    (op + 1).initialize(to: end)
    self.inBlock = inBlock
    isHeld = true
  }

  /// Holds on to the instruction, which has made further iterations.
  func keep() { isHeld = true }

  /// Whatever comes next is fetched.
  func letGo() { isHeld = false }

  /// Says where the held instruction stands, after blocks were made anew.
  func found(_ instruction: UnsafeMutablePointer<Op>) { inBlock = instruction }

  // MARK: Snapshots

  struct Saved {
    /// The instruction; nil for none.
    var op: Op?
    /// It lies in a block, so that a store to it by whatever address ends it.
    var isInBlock: Bool
    /// There is one, and it is to be decoded again where EIP stands: so it comes from a file.
    var isUndecoded = false
  }

  var saved: Saved { Saved(op: isHeld && isAlive ? op.pointee : nil, isInBlock: inBlock != nil) }

  /// Whether what is held can be decoded again from memory.
  var isDecodable: Bool { !isHeld || !isAlive || inBlock != nil }

  /// Takes up a saved state, in no block.
  func restore(_ saved: Saved) {
    letGo()
    inBlock = nil
    if let op = saved.op { hold(op, inBlock: nil) }
  }
}

extension CPU {
  /// Leaves `block` at a repeated string instruction that something came up in, and keeps the instruction.
  @inline(never)
  func leaveString(_ block: UnsafeMutablePointer<Block>, _ op: UnsafeMutablePointer<Op>) {
    leave(block, before: op, fetched: true)
    heldString.hold(op.pointee, inBlock: heldString.registered(op))
    if !isHeldUnchanged { heldString.letGo() }
  }

  /// Goes on with the instruction that is held. False when EIP has been moved elsewhere meanwhile.
  func takeUpString() -> Bool {
    let op = heldString.op
    heldString.letGo()
    guard state.pointee.eip == op.pointee.eip, heldString.isAlive else { return false }
    control.pointee.needsAttention = control.pointee.stepOne
    do throws(GuestFault) {
      if try string(op) {
        if isHeldUnchanged { heldString.keep() }
      } else {
        let cost = costs.cost(of: op.pointee)
        state.pointee.eip = op.pointee.nextEIP
        chargeIterations(1, cost)
        counters.pointee.instructions &+= 1
      }
    } catch {
      raise(error)
    }
    control.pointee.needsAttention = true
    return true
  }

  private var isHeldUnchanged: Bool {
    guard case .string(let operation) = operation(of: heldString.op) else { return false }
    return isUnchanged(heldString.op, operation)
  }

  /// Whether the iteration just made has left the instruction itself alone. One that lies in no page's blocks is compared
  /// by its linear addresses.
  func isUnchanged(_ op: UnsafeMutablePointer<Op>, _ operation: StringOperation) -> Bool {
    if let registered = heldString.registered(op) { return registered.pointee.handler == .string }
    guard operation.storesElement else { return true }
    let bytes = UInt32(op.pointee.width)
    let isBackwards = state.pointee.systemFlags & EFLAGS.direction.rawValue != 0
    let stored = state.pointee.es.base &+ pointer(.edi, op) &+ (isBackwards ? bytes : 0 &- bytes)
    let code = state.pointee.cs.base &+ op.pointee.eip
    return stored &- code >= UInt32(op.pointee.length) && code &- stored >= bytes
  }

  /// Finds or makes a block that begins with the string instruction that is held, so that a store to its bytes is noticed:
  /// after a restore, which forgets where it stood. Nothing is counted.
  func findBlockOfHeldString(_ saved: HeldString.Saved, in page: FetchPage) {
    let eip = saved.isUndecoded ? state.pointee.eip : heldString.op.pointee.eip
    let linear = state.pointee.cs.base &+ eip
    guard linear >> 12 == page.current else { return }
    let current = mmu.fetchPage.pointee
    mmu.fetchPage.pointee = page
    defer { mmu.fetchPage.pointee = current }
    guard let block = try? block(at: eip, linear), block.pointee.key != BlockCache.unkept else { return }
    let first = block.pointee.ops
    let op = first.pointee.length == 0 ? first + 1 : first
    guard op.pointee.handler == .string else { return }
    if saved.isUndecoded { heldString.hold(op.pointee, inBlock: op) } else { heldString.found(op) }
  }
}

extension HeldString.Saved: Codable {
  private enum CodingKeys: CodingKey {
    case isHeld
    case isInBlock
  }

  init(from decoder: any Swift.Decoder) throws {
    let parts = try decoder.container(keyedBy: CodingKeys.self)
    isInBlock = try parts.decode(Bool.self, forKey: .isInBlock)
    isUndecoded = try parts.decode(Bool.self, forKey: .isHeld)
  }

  func encode(to encoder: any Swift.Encoder) throws {
    var parts = encoder.container(keyedBy: CodingKeys.self)
    try parts.encode(op != nil, forKey: .isHeld)
    try parts.encode(isInBlock, forKey: .isInBlock)
  }
}
