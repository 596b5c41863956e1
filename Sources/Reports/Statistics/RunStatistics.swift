/// What a run counted. The names of the properties are the keys of the JSON form: they stay as they are. A key is missing
/// where the timing level does not model what it stands for.
public struct RunStatistics: Codable, Hashable, Sendable {
  /// One array of the TLB.
  public struct TLBArray: Codable, Hashable, Sendable {
    /// Such as "ITLB 4K".
    public var name: String
    /// Lookups that it answered.
    public var hits: UInt64
    /// Lookups that it didn't answer and that were answered by a walk, which filled it.
    public var misses: UInt64
  }

  /// Page walks.
  public struct Walks: Codable, Hashable, Sendable {
    /// How many.
    public var count: UInt64
    /// Entries that walks read from memory.
    public var references: UInt64
    /// Of these references, those that missed L1D.
    public var l1Misses: UInt64?
  }

  /// The exceptions of one vector.
  public struct Fault: Codable, Hashable, Sendable {
    /// The exception's number.
    public var vector: UInt8
    /// Such as "#PF".
    public var name: String
    /// How many.
    public var count: UInt64
  }

  /// Accesses to something that isn't RAM.
  public struct Accesses: Codable, Hashable, Sendable {
    /// Loads, INs.
    public var reads: UInt64
    /// Stores, OUTs.
    public var writes: UInt64
  }

  /// Where cycles went. The parts add up to all of them, to the cycle.
  public struct Breakdown: Codable, Hashable, Sendable {
    /// Executing instructions, and delivering interrupts and exceptions.
    public var base: UInt64
    /// Instruction fetch beyond L1I.
    public var fetch: UInt64?
    /// Load-use latency of L1D hits beyond a cycle, and what L2 and DRAM add to it.
    public var l1: UInt64?
    /// What L1D misses add that L2 answered.
    public var l2: UInt64?
    /// What memory adds.
    public var dram: UInt64?
    /// Page walks.
    public var walk: UInt64?
    /// Taken and mispredicted branches.
    public var branch: UInt64?
    /// Ports, devices and accesses that no cache holds.
    public var io: UInt64
    /// HLT.
    public var idle: UInt64
  }

  /// Lookups and misses of the caches.
  public struct Caches: Codable, Hashable, Sendable {
    /// Lines of instructions entered, and those that missed L1I or went past it.
    public var instructionFetches: UInt64
    /// Of them, those that missed L1I or went past it.
    public var instructionMisses: UInt64
    /// Lines brought into L1D, page walks' included.
    public var dataLinesIn: UInt64
    /// Lines that L1I asked L2 for.
    public var l2InstructionFetches: UInt64
    /// Lines that L1D asked L2 for, for loads.
    public var l2Loads: UInt64
    /// The same for stores.
    public var l2Stores: UInt64
    /// Lines brought into L2.
    public var l2LinesIn: UInt64
    /// Loads and stores that no cache took.
    public var uncachedAccesses: UInt64
  }

  /// Accesses that led nowhere, by kind.
  public struct Lost: Codable, Hashable, Sendable {
    /// Stores into ROM.
    public var romStores: Kind
    /// Stores where nothing answers.
    public var unclaimedStores: Kind
    /// Bytes of code fetched from where nothing answers.
    public var unclaimedFetches: Kind

    /// How many, and where and when the first was.
    public struct Kind: Codable, Hashable, Sendable {
      /// How many.
      public var count: UInt64
      /// The physical address of the first; nil for none.
      public var physical: UInt64?
      /// EIP of the instruction that made the first.
      public var eip: UInt32?
      /// The cycle of the first.
      public var cycle: UInt64?
    }
  }

  /// Branches.
  public struct Branches: Codable, Hashable, Sendable {
    /// How many.
    public var count: UInt64
    /// Of them, those taken.
    public var taken: UInt64
    /// Of them, those predicted wrongly.
    public var mispredicted: UInt64
  }

  /// What came up in the whole run, or in one privilege mode.
  public struct Mode: Codable, Hashable, Sendable {
    /// Instructions completed.
    public var instructions: UInt64
    /// Cycles of the clock.
    public var cycles: UInt64
    /// Where the cycles went.
    public var breakdown: Breakdown
    /// By array.
    public var tlb: [TLBArray]
    /// Page walks.
    public var walks: Walks
    /// Loads and stores.
    public var dataReferences: UInt64
    /// In the full level only.
    public var caches: Caches?
    /// In the full level only.
    public var branches: Branches?
  }

  /// The timing level.
  public var timing: String
  /// Instructions completed.
  public var instructions: UInt64
  /// Cycles of the clock.
  public var cycles: UInt64
  /// Of `cycles`, those that the processor spent in HLT.
  public var idleCycles: UInt64
  /// Where the cycles went.
  public var breakdown: Breakdown
  /// By array.
  public var tlb: [TLBArray]
  /// Page walks.
  public var walks: Walks
  /// Loads and stores.
  public var dataReferences: UInt64
  /// In the full level only.
  public var caches: Caches?
  /// In the full level only.
  public var branches: Branches?
  /// CPL 3, and the other rings: they add up to the whole.
  public var user: Mode
  /// The rings below 3.
  public var kernel: Mode
  /// In the order of vectors; only those that came up.
  public var faults: [Fault]
  /// External interrupts taken.
  public var interrupts: UInt64
  /// Accesses to memory-mapped devices.
  public var mmio: Accesses
  /// Accesses to ports.
  public var ports: Accesses
  /// Characters that the serial port lost because the guest did not wait.
  public var serialCharactersLost: UInt64
  /// Accesses that led nowhere.
  public var lost: Lost

  /// The whole run.
  public var whole: Mode {
    Mode(
      instructions: instructions, cycles: cycles, breakdown: breakdown, tlb: tlb, walks: walks,
      dataReferences: dataReferences, caches: caches, branches: branches)
  }
}
