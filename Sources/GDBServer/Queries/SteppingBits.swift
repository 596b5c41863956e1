import Debugger

/// QEMU's `sstepbits`: what happens during a single step.
struct SteppingBits: Hashable {
  /// Single steps, which can't be switched off; 2: without interrupts; 4: without timers.
  var bits: UInt32 = 7

  /// The bits' names and values, as QEMU's `qqemu.sstepbits` gives them.
  static let names = "ENABLE=1,NOIRQ=2,NOTIMER=4"

  /// An interrupt that comes at a step is taken, as always, and is over when the step is; nil: the step ends in its handler.
  var detours: Detours? { bits & 2 != 0 ? .interrupts : nil }
}
