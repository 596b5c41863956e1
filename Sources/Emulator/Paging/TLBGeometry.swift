/// Sizes of the four TLB arrays and of the paging-structure cache: entries, ways and replacement of each.
public struct TLBGeometry: Hashable, Sendable {
  public struct Array: Hashable, Sendable {
    public var entries: Int
    public var ways: Int
    public var policy: ReplacementPolicy

    /// - Parameters:
    ///   - entries: a multiple of `ways`; entries / ways is a power of two.
    ///   - ways: 1 is a direct-mapped array; as many as there are entries, a fully associative one.
    public init(entries: Int, ways: Int, policy: ReplacementPolicy = .lru) {
      self.entries = entries
      self.ways = ways
      self.policy = policy
    }
  }

  public var instruction4K: Array
  public var instructionLarge: Array
  public var data4K: Array
  public var dataLarge: Array
  /// A cache of PDEs that walks start from, with true LRU; nil for none, as on the P6. SDM vol. 3A, 4.10.3.
  public var directoryCache: Array?

  public init(
    instruction4K: Array, instructionLarge: Array, data4K: Array, dataLarge: Array,
    directoryCache: Array? = nil
  ) {
    self.instruction4K = instruction4K
    self.instructionLarge = instructionLarge
    self.data4K = data4K
    self.dataLarge = dataLarge
    self.directoryCache = directoryCache
  }

  /// The P6's arrays. SDM vol. 2A, table 3-12, CPUID leaf 2 bytes 01h-04h.
  public static let p6 = TLBGeometry(
    instruction4K: Array(entries: 32, ways: 4), instructionLarge: Array(entries: 2, ways: 2),
    data4K: Array(entries: 64, ways: 4), dataLarge: Array(entries: 8, ways: 4))
}
