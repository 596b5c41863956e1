/// How closely time is modelled. All levels share one clock, and the TLB's state is exact in each.
public enum TimingLevel: String, CaseIterable, Sendable {
  /// One cycle an instruction (an iteration of a repeated string instruction counts as one), one an exception, and
  /// device time.
  case functional
  /// As `functional`, and each reference of a page walk costs a fixed number of cycles.
  case tlb

  /// Cycles for each entry that a walk reads, each locked A/D update, and each PDPTE that a CR3 load reads. 8 is
  /// what an L2 hit costs on a P6 with the walker's overhead: lmbench's 6-7, rounded up.
  var walkReferenceCost: UInt64 {
    switch self {
    case .functional: 0
    case .tlb: 8
    }
  }
}
