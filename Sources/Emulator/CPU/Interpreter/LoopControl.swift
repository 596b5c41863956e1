/// What the loop looks at between two blocks, and what makes it stop.
struct LoopControl {
  /// Something has to be looked at before the next instruction: an interrupt, a trap, a stop.
  var needsAttention = true
  /// Why `run` shall return; nil to go on.
  var stop: StopReason?
  /// The mode bits of `Block.key`.
  var modeKey: UInt64 = 0
  /// Execute one instruction, then look again.
  var stepOne = false
  /// The instruction about to execute began with TF set: #DB follows it.
  var trapsAfterStep = false
  /// When the run ends: a copy of what the clock's event says.
  var limit = UInt64.max
  /// The run ended between `attend` and the instruction it attended to: the next run does not attend to it again.
  var attended = false
  /// The entry before which the block being executed must be left; nil to run through. In the interpreter's code of the block its
  /// handler is `.leave` until then, and this is the handler it has otherwise.
  var armed: UnsafeMutablePointer<Op>?
  var armedHandler = Handler.leave
  /// The instruction of the block being executed whose predecessors in it are not in the counters; nil while the counters
  /// are exact. Kept for the instructions at which somebody may look.
  var current: UnsafeMutablePointer<Op>?
}
