import IA32

/// An access of the processor that led nowhere, and when.
public struct LostAccess: Hashable, Codable, Sendable {
  /// The first byte's physical address.
  public var physical: PhysicalAddress
  /// The instruction that made it, or that was being fetched.
  public var moment: EventMoment
}

/// The kinds of accesses that hardware takes without a word and that a kernel hardly ever means: how many there were, and the
/// first of each.
public struct LostAccesses: Hashable, Codable, Sendable {
  /// One kind.
  public struct Kind: Hashable, Codable, Sendable {
    /// How many there were.
    public internal(set) var count: UInt64 = 0
    /// nil on a bus that stands alone.
    public internal(set) var first: LostAccess?
  }

  /// Stores of which at least a byte went to ROM and changed nothing: a push with ESP at 0 is one.
  public internal(set) var romStores = Kind()
  /// Stores of which at least a byte went where nothing answers.
  public internal(set) var unclaimedStores = Kind()
  /// Bytes of instructions fetched from where nothing answers, which read as FFh.
  public internal(set) var unclaimedFetches = Kind()

  /// None yet.
  public init() {}
}

extension Bus {
  /// Reads a byte of an instruction outside RAM and ROM.
  func fetchByte(_ address: UInt64) -> UInt8 {
    let before = counters.unclaimed
    let byte = UInt8(truncatingIfNeeded: read(address, width: .byte))
    if counters.unclaimed != before { note(\.unclaimedFetches, at: address) }
    return byte
  }

  /// Counts a lost access at a physical address, and keeps the first.
  func note(_ kind: WritableKeyPath<LostAccesses, LostAccesses.Kind>, at address: UInt64) {
    lost[keyPath: kind].count &+= 1
    guard lost[keyPath: kind].first == nil, let observation else { return }
    lost[keyPath: kind].first = LostAccess(physical: PhysicalAddress(address), moment: observation.moment())
  }
}
