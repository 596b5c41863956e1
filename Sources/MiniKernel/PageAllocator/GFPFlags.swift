/// How a page is asked for: where it may lie and how hard to try (`gfp_t`, "get free pages").
public struct GFPFlags: OptionSet, Sendable {
  /// The bits, with Linux's values.
  public var rawValue: UInt32
  /// The flags in `rawValue`.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Only the first 16 MiB, for ISA devices (`__GFP_DMA`).
  public static var dma: GFPFlags { GFPFlags(rawValue: 0x01) }
  /// Memory without an address of its own in the kernel will do (`__GFP_HIGHMEM`).
  public static var highmem: GFPFlags { GFPFlags(rawValue: 0x02) }
  /// Only frames that 32 bits address (`__GFP_DMA32`). IA-32 has no zone that ends at 4 GiB, so this ends the search
  /// at NORMAL, as Linux does there.
  public static var dma32: GFPFlags { GFPFlags(rawValue: 0x04) }
  /// The caller may wait (`__GFP_WAIT`); without it, half of the low watermark may be used up.
  public static var wait: GFPFlags { GFPFlags(rawValue: 0x10) }
  /// May use the reserve of emergencies (`__GFP_HIGH`).
  public static var high: GFPFlags { GFPFlags(rawValue: 0x20) }
  /// The page is to be zeroed (`__GFP_ZERO`).
  public static var zero: GFPFlags { GFPFlags(rawValue: 0x8000) }

  /// The kernel's ordinary request (`GFP_KERNEL`).
  public static var kernel: GFPFlags { [.wait] }
  /// From code that may not wait (`GFP_ATOMIC`).
  public static var atomic: GFPFlags { [.high] }
  /// For a process's own pages (`GFP_HIGHUSER`).
  public static var highUser: GFPFlags { [.wait, .highmem] }

  /// The first zone to search: `gfp_zone`.
  @inline(__always)
  public var zone: ZoneIndex {
    if contains(.dma) { return .dma }
    if contains(.dma32) { return .normal }
    return contains(.highmem) ? .highmem : .normal
  }
}
