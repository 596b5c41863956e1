import IA32

/// A use of a translation that memory no longer gives: which store changed it, who used it, and which invalidation was
/// missing in between.
public struct StaleReport: Hashable, Sendable {
  /// Where the difference lies.
  public enum Level: String, Hashable, Sendable {
    case pte = "PTE"
    case pde = "PDE"
    /// The PDPTE register differs from memory.
    case pdpte = "PDPTE"
    /// CR3 was loaded, and a global translation of the old address space stayed.
    case cr3 = "CR3"
  }

  /// What memory gives instead.
  public enum Memory: Hashable, Sendable {
    /// The access would fault.
    case fault(PageFaultErrorCode)
    /// It would go to this physical address.
    case physical(UInt64)
    /// It would go to the same place, and set D in the leaf: D was cleared.
    case setsDirty
  }

  /// The invalidation that would have been right.
  public enum Missing: String, Hashable, Sendable {
    case invlpg = "INVLPG"
    case movCR3 = "MOV CR3"
    /// INVLPG of the page or a change of CR4.PGE: the page is global, and MOV to CR3 keeps it.
    case invlpgOrPGE = "INVLPG or CR4.PGE"
  }

  /// A store to a paging-structure entry.
  public struct Store: Hashable, Sendable {
    public var moment: EventMoment
    public var event: EntryStoreEvent
  }

  /// An invalidation that happened and was not the right one.
  public enum NearMiss: Hashable, Sendable {
    /// INVLPG of the very page, before the store.
    case tooEarly(EventMoment)
    /// INVLPG of another page, after the store.
    case otherPage(linear: UInt32, EventMoment)
    /// MOV to CR3 after the store, which keeps global translations.
    case keptGlobal(EventMoment)
    /// INVLPG after the store, which does not load PDPTE registers.
    case notForPDPTE(EventMoment)
  }

  public var level: Level
  /// The access that went by the stale translation.
  public var use: EventMoment
  public var linear: UInt32
  public var access: PageAccess
  /// The array that held it; nil where a walk went by a PDPTE register or a cached PDE.
  public var array: TLBArrayName?
  /// The physical address that was used; nil where the stale register made the access fault.
  public var used: UInt64?
  public var memory: Memory
  /// The cycle in which the translation was filled, or the PDPTE registers were loaded.
  public var filledAt: UInt64
  /// The store that took the translation away; nil where only a load of CR3 did, or the store came before the check began.
  public var store: Store?
  /// The load of CR3 that left the global translation standing.
  public var cr3Load: EventMoment?
  public var missing: Missing
  public var nearMisses: [NearMiss]

  /// The manual's section that the rule is in.
  public var section: String {
    switch level {
    case .pte, .pde: "SDM 3A 4.10.4.2"
    case .pdpte: "SDM 3A 4.4.1"
    case .cr3: "SDM 3A 4.10.2.4"
    }
  }
}
