/// The parts of physical memory that differ in what they can be used for.
public enum ZoneIndex: UInt32, Sendable, CaseIterable {
  /// Below 16 MiB: what ISA DMA reaches (`ZONE_DMA`).
  case dma = 0
  /// Up to 896 MiB: mapped directly (`ZONE_NORMAL`).
  case normal = 1
  /// Above: no address of its own in the kernel; with PAE this goes beyond 4 GiB (`ZONE_HIGHMEM`).
  case highmem = 2

  /// The number of zones (`MAX_NR_ZONES`).
  public static var count: UInt32 { 3 }
  /// The first frame after the DMA zone (`MAX_DMA_PFN`).
  static var dmaEnd: FrameNumber { 16 << 8 }

  /// The next zone to try when this one has nothing left; nil after DMA.
  @inline(__always)
  public var fallback: ZoneIndex? {
    switch self {
    case .highmem: .normal
    case .normal: .dma
    case .dma: nil
    }
  }

  /// The name used in listings.
  public var name: StaticString {
    switch self {
    case .dma: "DMA"
    case .normal: "Normal"
    case .highmem: "HighMem"
    }
  }

  /// The zone numbered `number` modulo what there is; out-of-range numbers give HIGHMEM.
  @inline(__always)
  init(number: UInt32) {
    switch number {
    case 0: self = .dma
    case 1: self = .normal
    default: self = .highmem
    }
  }
}

/// How much must stay free in a zone for a request to be granted there: one of `pages_min`, `pages_low` and
/// `pages_high`.
public enum Watermark: UInt32, Sendable {
  case min = 0
  case low = 1
  case high = 2
}

/// The largest block the buddy allocator keeps is of order `maxOrder - 1`: 1024 pages (`MAX_ORDER`).
public let maxOrder: UInt32 = 11

/// `struct zone`.
public struct Zone<HW: Hardware>: KernelStructure {
  /// What executes the loads and stores.
  public let hardware: HW
  /// The address of the `struct zone`.
  public let address: KernelAddress

  /// The first frame.
  public var startFrame: FrameNumber { self[word: ZoneLayout.startFrame] }
  /// Frames from the first to the last, holes included.
  public var spannedPages: UInt32 { self[word: ZoneLayout.spannedPages] }
  /// Frames of RAM among them.
  public var presentPages: UInt32 { self[word: ZoneLayout.presentPages] }
  /// The first frame after the zone.
  public var endFrame: FrameNumber { startFrame &+ spannedPages }

  /// Pages in the free lists (`free_pages`).
  public var freePages: UInt32 {
    get { self[word: ZoneLayout.freePages] }
    nonmutating set { self[word: ZoneLayout.freePages] = newValue }
  }

  /// The head of the list of free blocks of `order`.
  @inline(__always)
  public func freeList(_ order: UInt32) -> ListHead<HW> {
    ListHead(hardware, at: address + (ZoneLayout.freeAreas &+ order &* ZoneLayout.freeAreaSize))
  }

  /// Free blocks of `order` (`nr_free`).
  @inline(__always)
  public func freeBlocks(_ order: UInt32) -> UInt32 {
    self[word: ZoneLayout.freeAreas &+ order &* ZoneLayout.freeAreaSize &+ ZoneLayout.freeAreaCount]
  }

  @inline(__always)
  func countFreeBlocks(_ order: UInt32, by step: Int32) {
    let offset = ZoneLayout.freeAreas &+ order &* ZoneLayout.freeAreaSize &+ ZoneLayout.freeAreaCount
    self[word: offset] = self[word: offset] &+ UInt32(bitPattern: step)
  }

  /// The watermark `mark`, in pages.
  public func watermark(_ mark: Watermark) -> UInt32 {
    self[word: ZoneLayout.watermarks &+ 4 &* mark.rawValue]
  }

  /// What a request that could have had pages of zone `classZone` must leave here (`lowmem_reserve`).
  public func lowmemReserve(for classZone: ZoneIndex) -> UInt32 {
    self[word: ZoneLayout.lowmemReserve &+ 4 &* classZone.rawValue]
  }

  /// Whether a block of `order` may be taken and `mark` pages and the reserve still be free, and enough of that in
  /// blocks of more than single pages (`zone_watermark_ok`).
  public func watermarkAllows(order: UInt32, mark: UInt32, classZone: ZoneIndex) -> Bool {
    let taken: UInt32 = 1 << order &- 1
    let free = freePages
    if free < taken { return false }
    var left = free &- taken
    if left <= mark &+ lowmemReserve(for: classZone) { return false }
    var needed = mark
    for lower in 0..<order {
      let unfit = freeBlocks(lower) << lower
      if unfit > left { return false }
      left &-= unfit
      needed >>= 1
      if left <= needed { return false }
    }
    return true
  }
}

extension Kernel {
  /// The zone `index`.
  @inline(__always)
  public func zone(_ index: ZoneIndex) -> Zone<HW> {
    Zone(
      hardware: hardware, address: address + (KernelVariable.zoneTable &+ index.rawValue &* ZoneLayout.size))
  }

  /// The zone a frame lies in: `page_zone`.
  @inline(__always)
  public func zoneIndex(of frame: FrameNumber) -> ZoneIndex {
    if frame < ZoneIndex.dmaEnd { return .dma }
    return frame < maxLowFrame ? .normal : .highmem
  }

  /// Free pages in all zones.
  public var freePages: UInt32 {
    zone(.dma).freePages &+ zone(.normal).freePages &+ zone(.highmem).freePages
  }

  /// Sets up one zone without any free block.
  func makeZone(_ index: ZoneIndex, start: FrameNumber, end: FrameNumber, present: UInt32) {
    let zone = zone(index)
    hardware.fill32(zone.address, count: ZoneLayout.size / 4, with: 0)
    let name = index.name
    for position in 0..<UInt32(name.utf8CodeUnitCount) {
      hardware.store8(zone.address + (ZoneLayout.name &+ position), name.utf8Start[Int(position)])
    }
    zone[word: ZoneLayout.startFrame] = start
    zone[word: ZoneLayout.spannedPages] = end &- start
    zone[word: ZoneLayout.presentPages] = present
    for order in 0..<maxOrder { zone.freeList(order).makeEmpty() }
  }

  /// Computes watermarks and reserves from what is present (`setup_per_zone_pages_min`,
  /// `setup_per_zone_lowmem_reserve`): in all, the square root of 16 times lowmem's KiB stays free, but at least 128
  /// KiB and at most 64 MiB.
  func setWatermarks() {
    let dma = zone(.dma).presentPages
    let normal = zone(.normal).presentPages
    let high = zone(.highmem).presentPages
    let low = dma &+ normal
    let minimumFree = max(128, min(65536, squareRoot(low &* 4 &* 16))) / 4
    for number in 0..<ZoneIndex.count {
      let index = ZoneIndex(number: number)
      let zone = zone(index)
      let pages: UInt32
      if index == .highmem {
        pages = high == 0 ? 0 : max(32, min(128, high / 1024))
      } else {
        pages =
          low == 0
          ? 0 : UInt32(truncatingIfNeeded: UInt64(minimumFree) * UInt64(zone.presentPages) / UInt64(low))
      }
      zone[word: ZoneLayout.watermarks] = pages
      zone[word: ZoneLayout.watermarks + 4] = pages &+ pages >> 2
      zone[word: ZoneLayout.watermarks + 8] = pages &+ pages >> 1
    }
    zone(.dma)[word: ZoneLayout.lowmemReserve + 4] = normal / 256
    zone(.dma)[word: ZoneLayout.lowmemReserve + 8] = (normal &+ high) / 256
    zone(.normal)[word: ZoneLayout.lowmemReserve + 8] = high / 32
  }
}

/// The integer square root (`int_sqrt`).
func squareRoot(_ value: UInt32) -> UInt32 {
  var rest = value
  var root: UInt32 = 0
  var bit: UInt32 = 1 << 30
  while bit > rest { bit >>= 2 }
  while bit != 0 {
    if rest >= root &+ bit {
      rest &-= root &+ bit
      root = root >> 1 &+ bit
    } else {
      root >>= 1
    }
    bit >>= 2
  }
  return root
}
