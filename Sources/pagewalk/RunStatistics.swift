/// What a run counted. The names of the properties are the keys of the JSON form: they stay as they are.
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

  var instructions: UInt64
  var cycles: UInt64
  /// Of `cycles`, those that the processor spent in HLT.
  var idleCycles: UInt64
  var tlb: [TLBArray]
  var walks: Walks
  /// In the order of vectors; only those that came up.
  var faults: [Fault]
  /// External interrupts taken.
  var interrupts: UInt64
  var mmio: Accesses
  var ports: Accesses
}
