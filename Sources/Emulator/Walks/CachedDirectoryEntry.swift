/// A PDE that the processor may start walks from: it points to a page table, and its A is set.
public struct CachedDirectoryEntry: Hashable, Codable, Sendable {
  /// The PDE as it was when a walk read it.
  public var value: UInt64
  /// Where it was read.
  public var address: UInt64

  /// `value` as read at physical address `address`.
  public init(value: UInt64, address: UInt64) {
    self.value = value
    self.address = address
  }
}
