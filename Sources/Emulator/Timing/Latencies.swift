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

  public init() {}
}

/// The sizes of one cache.
public struct CacheGeometry: Hashable, Sendable {
  /// Bytes of a line: 32 on every P6, and in every cache here.
  public static let lineBytes = 32

  public var bytes: Int
  public var ways: Int
  public var policy: ReplacementPolicy

  /// - Parameters:
  ///   - bytes: a power of two of sets, each of `ways` lines of 32 bytes. A way of an L1 cache is 4 KiB at most.
  ///   - ways: 1 is a direct-mapped cache; as many as there are lines, a fully associative one.
  public init(bytes: Int, ways: Int, policy: ReplacementPolicy = .lru) {
    self.bytes = bytes
    self.ways = ways
    self.policy = policy
  }

  public var sets: Int { bytes / (ways * Self.lineBytes) }

  /// Whether a newcomer never takes the place of the line that its set used last.
  var keepsTwoLatest: Bool {
    if case .random = policy { return false }
    return ways > 1
  }
}

/// The caches of a machine.
public struct CacheGeometries: Hashable, Sendable {
  public var instruction: CacheGeometry
  public var data: CacheGeometry
  public var l2: CacheGeometry
  /// Every line is always in both L1 caches: nothing is brought in, and the geometries are only what CPUID tells.
  public var isPerfect: Bool

  public init(
    instruction: CacheGeometry, data: CacheGeometry, l2: CacheGeometry, isPerfect: Bool = false
  ) {
    self.instruction = instruction
    self.data = data
    self.l2 = l2
    self.isPerfect = isPerfect
  }

  /// The Pentium II and III's: CPUID leaf 2 bytes 08h, 0Ch, 43h. SDM vol. 2A, table 3-12.
  public static let p6 = CacheGeometries(
    instruction: CacheGeometry(bytes: 16 << 10, ways: 4), data: CacheGeometry(bytes: 16 << 10, ways: 4),
    l2: CacheGeometry(bytes: 512 << 10, ways: 4))
}
