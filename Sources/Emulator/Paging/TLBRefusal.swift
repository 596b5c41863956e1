/// A translation in the TLB that forbade an access, as it was when the fault dropped it.
public struct TLBRefusal: Hashable, Codable, Sendable {
  /// The array that held it.
  public let array: TLBArrayName
  /// The cycle in which it was filled.
  public let filledAt: UInt64
  /// What it allowed, and where its entries lie.
  public let translation: Translation
}
