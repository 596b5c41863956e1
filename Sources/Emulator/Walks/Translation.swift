import IA32

/// What a finished walk says of a page.
public struct Translation: Hashable, Codable, Sendable {
  /// The page's physical address.
  public var frame: UInt64
  /// A page of 2 MiB (PAE) or 4 MiB (32-bit paging).
  public var isLarge: Bool
  /// The AND of R/W over the levels.
  public var isWritable: Bool
  /// The AND of U/S over the levels.
  public var isUser: Bool
  /// The OR of NX over the levels.
  public var isNoExecute: Bool
  /// G of the leaf, under CR4.PGE.
  public var isGlobal: Bool
  /// D of the leaf, after the walk.
  public var isDirty: Bool
  /// PCD of the leaf.
  public var isCacheDisabled: Bool
  /// PWT of the leaf.
  public var isWriteThrough: Bool
  /// Where the leaf entry was read.
  public var leafAddress: UInt64
  /// Where the PDE was read; the leaf's own address for a large page.
  public var directoryEntryAddress: UInt64

  /// The physical address that `linear` is translated to.
  /// - Parameter largePageShift: log2 of a large page's bytes: 21 under PAE, 22 in 32-bit paging.
  @inline(__always)
  public func physical(of linear: UInt32, largePageShift: UInt32) -> UInt64 {
    let mask: UInt32 = isLarge ? 1 << largePageShift &- 1 : 0xfff
    return frame | UInt64(linear & mask)
  }
}
