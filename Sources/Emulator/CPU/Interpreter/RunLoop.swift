/// The loop: what is due, the next block, its execution.
extension CPU {
  /// Executes until `attend` says to stop.
  func run() {
    control.pointee.stop = nil
    modeChanged()
    switch (caches.isOn, observation.wants(.instruction)) {
    case (true, false): run(Interpreter<FullTiming, Unfollowed>(self))
    case (false, false): run(Interpreter<FlatTiming, Unfollowed>(self))
    case (true, true): run(Interpreter<FullTiming, Followed>(self))
    case (false, true): run(Interpreter<FlatTiming, Followed>(self))
    }
  }

  private func run<Executor: BlockExecutor & ~Copyable>(_ executor: borrowing Executor) {
    while true {
      var single = false
      if clock.state.pointee.now >= clock.state.pointee.deadline || control.pointee.needsAttention {
        guard attend() else { return }
        if heldString.isHeld && takeUpString() { continue }
        single = control.pointee.stepOne
      }
      guard let block = enterBlock(Executor.Timing.self) else { continue }
      if single { armAfterFirst(block) }
      executor.execute(block, from: block.pointee.ops)
    }
  }
}
