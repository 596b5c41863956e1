/// What a run counted. The names of the properties are the keys of the JSON form: they stay as they are. A key is missing
/// where the timing level does not model what it stands for.
struct RunStatistics: Codable, Hashable {
  /// One array of the TLB.
  struct TLBArray: Codable, Hashable {
    /// Such as "ITLB 4K".
    var name: String
    var hits: UInt64
    /// Lookups that it didn't answer and that were answered by a walk, which filled it.
    var misses: UInt64
  }

  /// Page walks.
  struct Walks: Codable, Hashable {
    var count: UInt64
    /// Entries that walks read from memory.
    var references: UInt64
    /// Of these references, those that missed L1D.
    var l1Misses: UInt64?
  }

  /// The exceptions of one vector.
  struct Fault: Codable, Hashable {
    var vector: UInt8
    /// Such as "#PF".
    var name: String
    var count: UInt64
  }

  /// Accesses to something that isn't RAM.
  struct Accesses: Codable, Hashable {
    var reads: UInt64
    var writes: UInt64
  }

  /// Where cycles went. The parts add up to all of them, to the cycle.
  struct Breakdown: Codable, Hashable {
    /// Executing instructions, and delivering interrupts and exceptions.
    var base: UInt64
    /// Instruction fetch beyond L1I.
    var fetch: UInt64?
    /// Load-use latency of L1D hits beyond a cycle, and what L2 and DRAM add to it.
    var l1: UInt64?
    var l2: UInt64?
    var dram: UInt64?
    /// Page walks.
    var walk: UInt64?
    /// Taken and mispredicted branches.
    var branch: UInt64?
    /// Ports, devices and accesses that no cache holds.
    var io: UInt64
    /// HLT.
    var idle: UInt64
  }

  /// Lookups and misses of the caches.
  struct Caches: Codable, Hashable {
    /// Lines of instructions entered, and those that missed L1I or went past it.
    var instructionFetches: UInt64
    var instructionMisses: UInt64
    /// Lines brought into L1D, page walks' included.
    var dataLinesIn: UInt64
    var l2InstructionFetches: UInt64
    var l2Loads: UInt64
    var l2Stores: UInt64
    var l2LinesIn: UInt64
    /// Loads and stores that no cache took.
    var uncachedAccesses: UInt64
  }

  struct Branches: Codable, Hashable {
    var count: UInt64
    var taken: UInt64
    var mispredicted: UInt64
  }

  /// What came up in the whole run, or in one privilege mode.
  struct Mode: Codable, Hashable {
    var instructions: UInt64
    var cycles: UInt64
    var breakdown: Breakdown
    var tlb: [TLBArray]
    var walks: Walks
    /// Loads and stores.
    var dataReferences: UInt64
    var caches: Caches?
    var branches: Branches?
  }

  /// The timing level.
  var timing: String
  var instructions: UInt64
  var cycles: UInt64
  /// Of `cycles`, those that the processor spent in HLT.
  var idleCycles: UInt64
  var breakdown: Breakdown
  var tlb: [TLBArray]
  var walks: Walks
  var dataReferences: UInt64
  var caches: Caches?
  var branches: Branches?
  /// CPL 3, and the other rings: they add up to the whole.
  var user: Mode
  var kernel: Mode
  /// In the order of vectors; only those that came up.
  var faults: [Fault]
  /// External interrupts taken.
  var interrupts: UInt64
  var mmio: Accesses
  var ports: Accesses

  /// The whole run.
  var whole: Mode {
    Mode(
      instructions: instructions, cycles: cycles, breakdown: breakdown, tlb: tlb, walks: walks,
      dataReferences: dataReferences, caches: caches, branches: branches)
  }
}
