/// Cycles that things cost. Figures with a source are measurements of P6 processors by others; where none was found the
/// number is chosen, and says so.
public struct Latencies: Hashable, Codable, Sendable {
  /// Load-use latency of an L1D hit, an L2 hit, and DRAM. lmbench on a Pentium Pro of 167 MHz: 14, 34 and 196 ns. DRAM's
  /// is fitted to that machine and scales with the clock's multiplier.
  public var l1: UInt64 = 3
  /// Of an L2 hit; see `l1`.
  public var l2: UInt64 = 6
  /// Of DRAM; see `l1`.
  public var dram: UInt64 = 33
  /// A walk, beyond its references. Chosen.
  public var walkOverhead: UInt64 = 2
  /// A reference of a walk that L1D answers, in the `full` level: L1D's latency.
  public var walkReference: UInt64 = 3
  /// A reference of a walk in the `tlb` level, where there are no caches: an L2 hit and a share of the overhead. Chosen.
  public var flatWalkReference: UInt64 = 8
  /// A mispredicted branch, typically. Intel 245127.
  public var mispredict: UInt64 = 15
  /// A taken branch, predicted. Intel 245127.
  public var takenBranch: UInt64 = 1
  /// IN and OUT. Agner Fog: over 300.
  public var port: UInt64 = 300
  /// A load or store that no cache holds (MMIO, PCD, CR0.CD), beyond the device's own wait states: DRAM's latency.
  public var uncached: UInt64 = 33
  /// Delivering an exception or interrupt, or INT n. Chosen: no P6 figure was found.
  public var interrupt: UInt64 = 60
  /// The locked half of a locked read-modify-write. Chosen.
  public var lock: UInt64 = 18

  /// The figures above.
  public init() {}
}
