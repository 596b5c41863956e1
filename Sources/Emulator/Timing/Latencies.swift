/// Cycles that things cost. Figures with a source are measurements of P6 processors by others; where none was found the
/// number is chosen, and says so.
public struct Latencies: Hashable, Sendable {
  /// Load-use latency of an L1D hit, an L2 hit, and DRAM. lmbench on a Pentium Pro of 167 MHz: 14, 34 and 196 ns. DRAM's
  /// is fitted to that machine and scales with the clock's multiplier.
  public var l1: UInt64 = 3
  public var l2: UInt64 = 6
  public var dram: UInt64 = 33
  /// A walk, beyond its references. Chosen.
  public var walkOverhead: UInt64 = 2
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

  public init() {}
}

/// The sizes of one cache.
public struct CacheGeometry: Hashable, Sendable {
  public var bytes: Int
  public var ways: Int
  /// Bytes of a line; 32 on every P6.
  public var lineBytes: Int

  public init(bytes: Int, ways: Int, lineBytes: Int = 32) {
    self.bytes = bytes
    self.ways = ways
    self.lineBytes = lineBytes
  }

  var sets: Int { bytes / (ways * lineBytes) }
}

/// The caches of a machine.
public struct CacheGeometries: Hashable, Sendable {
  public var instruction: CacheGeometry
  public var data: CacheGeometry
  public var l2: CacheGeometry

  public init(instruction: CacheGeometry, data: CacheGeometry, l2: CacheGeometry) {
    self.instruction = instruction
    self.data = data
    self.l2 = l2
  }

  /// The Pentium II and III's: CPUID leaf 2 bytes 08h, 0Ch, 43h. SDM vol. 2A, table 3-12.
  public static let p6 = CacheGeometries(
    instruction: CacheGeometry(bytes: 16 << 10, ways: 4), data: CacheGeometry(bytes: 16 << 10, ways: 4),
    l2: CacheGeometry(bytes: 512 << 10, ways: 4))
}
