/// Where the cycles of a run went. Together with `base`, which is all the rest, they add up to the clock.
public struct CycleBreakdown: Hashable, Codable, Sendable {
  /// Instruction fetch beyond an L1I hit.
  public var fetch: UInt64 = 0
  /// Load-use latency of L1D hits beyond one cycle.
  public var l1: UInt64 = 0
  /// L1D misses that L2 answered, beyond L1's latency.
  public var l2: UInt64 = 0
  /// L1D misses that DRAM answered, beyond L1's latency.
  public var dram: UInt64 = 0
  /// Page walks, with their references and updates, and the PDPTE loads of MOV to CR3.
  public var walk: UInt64 = 0
  /// Taken and mispredicted branches.
  public var branch: UInt64 = 0
  /// Ports, devices, and accesses that no cache holds.
  public var io: UInt64 = 0
  /// HLT.
  public var idle: UInt64 = 0

  /// Nothing counted yet.
  public init() {}

  /// All of it together.
  public var sum: UInt64 { fetch &+ l1 &+ l2 &+ dram &+ walk &+ branch &+ io &+ idle }
}

/// Events of the caches and branches since reset.
public struct CacheCounters: Hashable, Codable, Sendable {
  /// 32-byte lines of instructions looked up, and those that missed L1I.
  public var instructionFetches: UInt64 = 0
  /// Lines of code that L1I did not hold.
  public var instructionMisses: UInt64 = 0
  /// Lines of instructions that no cache took.
  public var uncachedFetches: UInt64 = 0
  /// Lines brought into L1D.
  public var dataLinesIn: UInt64 = 0
  /// L2 lookups for instructions, loads and stores; lines brought into L2.
  public var l2InstructionFetches: UInt64 = 0
  /// Lines that L1D asked L2 for: for loads and walks.
  public var l2Loads: UInt64 = 0
  /// The same for stores.
  public var l2Stores: UInt64 = 0
  /// Lines that came from DRAM into L2.
  public var l2LinesIn: UInt64 = 0
  /// References of walks that missed L1D.
  public var walkL1Misses: UInt64 = 0
  /// Loads and stores that no cache took.
  public var uncachedAccesses: UInt64 = 0
  /// Branches completed.
  public var branches: UInt64 = 0
  /// Of them, those taken.
  public var branchesTaken: UInt64 = 0
  /// Of them, those that were mispredicted.
  public var branchesMispredicted: UInt64 = 0

  /// Nothing counted yet.
  public init() {}
}
