// Page walks, counted by a performance counter. The P6's own list has no event for them: 08h with unit mask 02h is Pagewalk's
// (docs/counters.md). On any other processor the register, the instruction or the event is missing, and there is no count.

/// The registers of SDM vol. 3B, 18.22, and the event.
private enum PerformanceCounter {
  static let value: UInt32 = 0xC1
  static let eventSelect: UInt32 = 0x186
  /// Page walks, in ring 3 (USR) and the others (OS); EN.
  static let pageWalks: UInt64 = 0x0208 | 1 << 16 | 1 << 17 | 1 << 22
}

extension Kernel {
  /// Has counter 0 count page walks from now on. False when this processor cannot: it has no such counter, or one that does
  /// not move when the TLB is dropped and memory read.
  public func startWalkCounter() -> Bool {
    guard hardware.writeMSR(PerformanceCounter.eventSelect, PerformanceCounter.pageWalks),
      hardware.writeMSR(PerformanceCounter.value, 0), let before = hardware.readPerformanceCounter(0)
    else { return false }
    flushTLBAll()
    _ = physicalPages
    return pageWalks != before
  }

  /// Page walks since `startWalkCounter`; 0 where it failed.
  public var pageWalks: UInt64 { hardware.readPerformanceCounter(0) ?? 0 }

  /// Flushes of the TLB so far: pages dropped one by one, and whole flushes.
  public var flushes: UInt32 {
    self[word: KernelVariable.pageFlushes] &+ self[word: KernelVariable.wholeFlushes]
  }
}
