/// Sizes of the four TLB arrays and of the paging-structure cache: entries, ways and replacement of each.
public struct TLBGeometry: Hashable, Sendable {
  /// The size of one array.
  public struct Array: Hashable, Sendable {
    /// All entries: sets times ways.
    public var entries: Int
    /// Entries in a set.
    public var ways: Int
    /// Which entry of a full set makes room.
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

  /// Instructions, pages of 4 KiB.
  public var instruction4K: Array
  /// Instructions, pages of 2 and 4 MiB.
  public var instructionLarge: Array
  /// Data, pages of 4 KiB.
  public var data4K: Array
  /// Data, pages of 2 and 4 MiB.
  public var dataLarge: Array
  /// A cache of PDEs that walks start from, with true LRU; nil for none, as on the P6. SDM vol. 3A, 4.10.3.
  public var directoryCache: Array?

  /// Arrays of these sizes.
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
