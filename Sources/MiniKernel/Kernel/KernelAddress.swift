/// A linear address as the kernel uses it: 32 bits, unsigned, wrapping as the processor's arithmetic does.
///
/// The kernel's data structures are reached through addresses and never through Swift references, so that every
/// access is a load or store that the paging unit sees, in the guest and on the host alike.
@frozen
public struct KernelAddress: Hashable, Comparable, Sendable {
  /// The address as a number.
  public var rawValue: UInt32

  /// The linear address `rawValue`.
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Address 0, which the kernel never maps: C's `NULL`.
  @inlinable
  public static var null: KernelAddress { KernelAddress(0) }

  /// Whether it is address 0.
  @inlinable
  public var isNull: Bool { rawValue == 0 }

  /// Unsigned comparison.
  @inlinable
  public static func < (a: KernelAddress, b: KernelAddress) -> Bool { a.rawValue < b.rawValue }

  /// The address `bytes` bytes further, modulo 4 GiB.
  @inlinable
  public static func + (address: KernelAddress, bytes: UInt32) -> KernelAddress {
    KernelAddress(address.rawValue &+ bytes)
  }

  /// The address `bytes` bytes before, modulo 4 GiB.
  @inlinable
  public static func - (address: KernelAddress, bytes: UInt32) -> KernelAddress {
    KernelAddress(address.rawValue &- bytes)
  }

  /// The distance in bytes from `b` up to `a`.
  @inlinable
  public static func - (a: KernelAddress, b: KernelAddress) -> UInt32 { a.rawValue &- b.rawValue }

  /// The first byte of the page this address lies in (`addr & PAGE_MASK`).
  @inlinable
  public var pageStart: KernelAddress { KernelAddress(rawValue & ~(pageSize &- 1)) }

  /// The offset within the page.
  @inlinable
  public var pageOffset: UInt32 { rawValue & (pageSize &- 1) }

  /// Whether it is the first byte of a page.
  @inlinable
  public var isPageAligned: Bool { pageOffset == 0 }

  /// The first multiple of `alignment`, a power of two, at or above this address; nil when there is none below
  /// 4 GiB (`ALIGN`).
  @inlinable
  public func alignedUp(to alignment: UInt32) -> KernelAddress? {
    let (sum, overflow) = rawValue.addingReportingOverflow(alignment &- 1)
    return overflow ? nil : KernelAddress(sum & ~(alignment &- 1))
  }
}

/// Bytes in a page (`PAGE_SIZE`).
public let pageSize: UInt32 = 4096

/// The binary logarithm of `pageSize` (`PAGE_SHIFT`).
public let pageShift: UInt32 = 12

/// The number of a page of physical memory: its physical address divided by 4096 (a "pfn").
public typealias FrameNumber = UInt32

/// `size` rounded up to whole pages; 0 when that does not fit in 32 bits (`PAGE_ALIGN`, which wraps to 0 there too).
@inlinable
public func pageAligned(_ size: UInt32) -> UInt32 { (size &+ (pageSize &- 1)) & ~(pageSize &- 1) }
