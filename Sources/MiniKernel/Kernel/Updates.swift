// Who looks at the kernel from outside, an auditor or a debugger, must know when its structures agree with each other. So
// whatever changes them says so: a counter is above 0 from its first store to its last. Changes nest, and interrupt
// handlers make their own inside others', so it is a depth and no flag.

extension Kernel {
  /// Says that structures are about to change. `vm_update_depth` is above 0 until the matching `endUpdate`.
  @inline(__always)
  func beginUpdate() { self[word: KernelVariable.updateDepth] = self[word: KernelVariable.updateDepth] &+ 1 }

  /// Says that they agree again, unless the change was part of another.
  @inline(__always)
  func endUpdate() { self[word: KernelVariable.updateDepth] = self[word: KernelVariable.updateDepth] &- 1 }
}
