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
