import IA32

/// Leaving a block where a deadline or a request for attention falls inside it.
extension CPU {
  /// Arms the first instruction among `count` entries from `first` on that a deadline precedes. The block's first
  /// instruction has begun with its fetch, whatever that cost.
  func arm(from first: UnsafeMutablePointer<Op>, count: Int) {
    var op = first
    for _ in 0..<max(0, count) {
      if op.pointee.position > 0
        && clock.state.pointee.now &+ UInt64(op.pointee.cyclesBefore) >= clock.state.pointee.deadline
      {
        return arm(op)
      }
      op += 1
    }
  }

  /// Makes the executor leave its block before `op`, an instruction of the block that is being executed: before it is fetched, if
  /// it begins a line. Nothing asks for attention before it is reached: a repeated string instruction goes on.
  func arm(_ wanted: UnsafeMutablePointer<Op>) {
    // At its end the block is left anyway, with the same clock and counts.
    guard wanted.pointee.handler != .endOfBlock else { return }
    var op = wanted
    while op.pointee.position > 0 && (op - 1).pointee.handler == .fetchLine { op -= 1 }
    if let armed = control.pointee.armed {
      guard op < armed else { return }
      armed.pointee.handler = control.pointee.armedHandler
    }
    control.pointee.armed = op
    control.pointee.armedHandler = op.pointee.handler
    op.pointee.handler = .leave
  }

  /// Makes the loop come back after the first instruction of `block`.
  func armAfterFirst(_ block: UnsafeMutablePointer<Block>) {
    if block.pointee.count > 1 {
      var second = block.pointee.ops + 1
      while second.pointee.position == 0 { second += 1 }
      arm(second)
    }
    control.pointee.needsAttention = true
  }

  func disarm() {
    guard let armed = control.pointee.armed else { return }
    armed.pointee.handler = control.pointee.armedHandler
    control.pointee.armed = nil
  }

  /// An access may have raised an interrupt or moved a deadline: the block must not run past it.
  @inline(__always)
  func settle(_ op: UnsafeMutablePointer<Op>) {
    if control.pointee.needsAttention {
      arm(op + 1)
    } else if isNearDeadline {
      settleNearDeadline(op)
    }
  }

  /// Whether the deadline may come up, or has passed, before a block of any length has ended.
  @inline(__always)
  var isNearDeadline: Bool {
    clock.state.pointee.deadline <= clock.state.pointee.now &+ UInt64(UInt16.max)
  }

  /// Arms the first instruction after that of `op` which the deadline precedes. Where the block is left anyway, at an armed
  /// instruction or because it has died, there is nothing beyond to arm.
  @inline(never)
  func settleNearDeadline(_ op: UnsafeMutablePointer<Op>) {
    var next = op + 1
    while next.pointee.handler != .endOfBlock && next.pointee.handler != .leave {
      if next.pointee.position > op.pointee.position
        && clock.state.pointee.now &+ UInt64(next.pointee.cyclesBefore) >= clock.state.pointee.deadline
      {
        return arm(next)
      }
      next += 1
    }
  }
}
