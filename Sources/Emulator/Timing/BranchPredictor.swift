/// How branches are predicted in the `full` level.
public enum BranchPrediction: String, CaseIterable, Sendable {
  /// By a branch target buffer and a stack of return addresses: see `BranchPredictor`.
  case dynamic
  /// By direction alone: a conditional branch is predicted taken backwards and not taken forwards. Indirect jumps and calls
  /// and returns are always mispredicted, direct ones never.
  case `static`
}

/// The P6's branch prediction in the `full` level: a branch target buffer whose entries predict from a branch's own
/// last four outcomes (Yeh and Patt's two-level scheme), and a stack of return addresses. A branch that the buffer does
/// not hold is predicted statically: backwards taken, forwards not. The real buffer is 4-way with 512 entries; this
/// one is direct-mapped, with as many.
struct BranchPredictor: ~Copyable {
  fileprivate struct Entry: Codable {
    /// EIP of the branch. No branch begins at the default: it would not fit in front of the end of the address space.
    var branch = UInt32.max
    /// Where it went last, for indirect branches.
    var target: UInt32 = 0
    /// Sixteen two-bit counters, one for each history; they start out weakly not taken.
    var counters: UInt32 = 0x5555_5555
    /// The last four outcomes, the newest in bit 0.
    var history: UInt32 = 0
  }

  private static let count = 512
  private static let returnDepth: UInt32 = 16

  private let entries: UnsafeMutablePointer<Entry>
  private let returns: UnsafeMutablePointer<UInt32>
  private let top: UnsafeMutablePointer<UInt32>
  private let isDynamic: Bool

  init(_ prediction: BranchPrediction = .dynamic) {
    isDynamic = prediction == .dynamic
    entries = .allocate(capacity: Self.count)
    entries.initialize(repeating: Entry(), count: Self.count)
    returns = .allocate(capacity: Int(Self.returnDepth))
    returns.initialize(repeating: 0, count: Int(Self.returnDepth))
    top = .allocate(capacity: 1)
    top.initialize(to: 0)
  }

  deinit {
    entries.deallocate()
    returns.deallocate()
    top.deallocate()
  }

  struct Saved: Codable {
    fileprivate var entries: [Entry]
    fileprivate var returns: [UInt32]
    fileprivate var top: UInt32
  }

  var saved: Saved {
    Saved(
      entries: Array(UnsafeBufferPointer(start: entries, count: Self.count)),
      returns: Array(UnsafeBufferPointer(start: returns, count: Int(Self.returnDepth))), top: top.pointee)
  }

  /// Whether a saved state is one of this predictor.
  func accepts(_ saved: Saved) -> Bool {
    saved.entries.count == Self.count && saved.entries.allSatisfy { $0.history < 16 }
      && saved.returns.count == Int(Self.returnDepth) && saved.top < Self.returnDepth
  }

  func restore(_ saved: Saved) {
    for index in saved.entries.indices { entries[index] = saved.entries[index] }
    for index in saved.returns.indices { returns[index] = saved.returns[index] }
    top.pointee = saved.top
  }

  /// Forgets every branch and every call.
  func forgetAll() {
    entries.update(repeating: Entry(), count: Self.count)
    returns.update(repeating: 0, count: Int(Self.returnDepth))
    top.pointee = 0
  }

  @inline(__always)
  private func entry(_ branch: UInt32) -> UnsafeMutablePointer<Entry> {
    entries + Int((branch ^ branch >> 9) & UInt32(Self.count &- 1))
  }

  /// Whether a conditional branch went as predicted; the buffer learns from it.
  @inline(__always)
  func predictsCondition(_ branch: UInt32, target: UInt32, taken: Bool) -> Bool {
    let entry = entry(branch)
    guard entry.pointee.branch == branch else {
      return startCondition(entry, branch, target: target, taken: taken)
    }
    let shift = entry.pointee.history &* 2
    let counter = entry.pointee.counters >> shift & 3
    let predicted = counter >= 2
    // The counters saturate at 0 and 3.
    if taken {
      if counter < 3 { entry.pointee.counters &+= 1 << shift }
    } else if counter > 0 {
      entry.pointee.counters &-= 1 << shift
    }
    entry.pointee.history = (entry.pointee.history << 1 | (taken ? 1 : 0)) & 15
    return predicted == taken
  }

  /// A branch that is not in the buffer enters it when it is taken.
  @inline(never)
  private func startCondition(
    _ entry: UnsafeMutablePointer<Entry>, _ branch: UInt32, target: UInt32, taken: Bool
  ) -> Bool {
    if taken && isDynamic {
      // Its history is unknown: it is taken to have been taken.
      entry.pointee = Entry(branch: branch, target: target, counters: 0xaaaa_aaaa, history: 15)
    }
    return (target <= branch) == taken
  }

  /// Whether an indirect jump or call went where it went last time.
  func predictsTarget(_ branch: UInt32, target: UInt32) -> Bool {
    guard isDynamic else { return false }
    let entry = entry(branch)
    let hit = entry.pointee.branch == branch && entry.pointee.target == target
    entry.pointee.branch = branch
    entry.pointee.target = target
    return hit
  }

  /// A call: its return address goes onto the stack.
  @inline(__always)
  func call(returningTo address: UInt32) {
    top.pointee = (top.pointee &+ 1) & (Self.returnDepth &- 1)
    returns[Int(top.pointee)] = address
  }

  /// Whether a return goes where the stack of return addresses says.
  @inline(__always)
  func predictsReturn(to address: UInt32) -> Bool {
    let predicted = returns[Int(top.pointee)]
    top.pointee = (top.pointee &- 1) & (Self.returnDepth &- 1)
    return predicted == address && isDynamic
  }
}
