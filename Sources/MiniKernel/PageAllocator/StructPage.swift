/// What a frame of memory is used for: the low eight bits of `PageLayout.flags` (`PG_...`).
public struct PageFlags: OptionSet, Sendable {
  /// The bits, in their places in `PageLayout.flags`.
  public var rawValue: UInt32
  /// The flags in `rawValue`.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Not RAM, or in use since before the allocator started (`PG_reserved`).
  public static var reserved: PageFlags { PageFlags(rawValue: 1 << 0) }
  /// The head of a free block in a zone's free list (`PG_buddy`).
  public static var buddy: PageFlags { PageFlags(rawValue: 1 << 1) }
  /// A slab of kmalloc objects (`PG_slab`); bits 8-15 are then the cache's number.
  public static var slab: PageFlags { PageFlags(rawValue: 1 << 2) }
  /// The head of a block that `kmalloc` gave out whole (`PG_compound`).
  public static var compound: PageFlags { PageFlags(rawValue: 1 << 3) }
  /// A page table or page directory.
  public static var table: PageFlags { PageFlags(rawValue: 1 << 4) }
}

/// `struct page`: what the kernel knows of one frame of physical memory.
public struct Page<HW: Hardware>: KernelStructure {
  /// What executes the loads and stores.
  public let hardware: HW
  /// The address of the `struct page`.
  public let address: KernelAddress

  /// The `struct page` at `address`.
  @inline(__always)
  public init(_ hardware: HW, at address: KernelAddress) {
    self.hardware = hardware
    self.address = address
  }

  /// Flags, order and count in one word, so that a block's head is written by one store.
  @inline(__always)
  var word: UInt32 {
    get { self[word: PageLayout.flags] }
    nonmutating set { self[word: PageLayout.flags] = newValue }
  }

  @inline(__always)
  static func word(_ flags: PageFlags, order: UInt32, count: UInt32) -> UInt32 {
    flags.rawValue | order << 8 | count << 16
  }

  /// What the frame is used for.
  public var flags: PageFlags {
    get { PageFlags(rawValue: word & 0xFF) }
    nonmutating set { word = word & ~0xFF | newValue.rawValue }
  }

  /// The order of the block this page heads; the cache's number when it is a slab.
  public var order: UInt32 {
    get { word >> 8 & 0xFF }
    nonmutating set { word = word & ~0xFF00 | newValue << 8 }
  }

  /// Users of the page, 1 for a block given out; a slab's objects in use.
  public var count: UInt32 {
    get { word >> 16 }
    nonmutating set { word = word & 0xFFFF | newValue << 16 }
  }

  /// A slab's first free object; a high page's address in the kmap window, or null.
  public var virtual: KernelAddress {
    get { KernelAddress(self[word: PageLayout.virtual]) }
    nonmutating set { self[word: PageLayout.virtual] = newValue.rawValue }
  }

  /// The page's link in whatever list it is in (`lru`).
  @inline(__always)
  public var link: ListHead<HW> { ListHead(hardware, at: address + PageLayout.links) }

  /// The page whose link is at `link` (`list_entry`).
  @inline(__always)
  init(_ hardware: HW, linkedAt link: KernelAddress) {
    self.init(hardware, at: link - PageLayout.links)
  }
}

extension Kernel {
  /// The descriptor of frame `frame` (`pfn_to_page`). The frame must be below `maxFrame`.
  @inline(__always)
  public func page(_ frame: FrameNumber) -> Page<HW> {
    Page(hardware, at: KernelAddress(self[word: KernelVariable.memMap]) + frame &* PageLayout.size)
  }

  /// The frame that `page` describes (`page_to_pfn`).
  @inline(__always)
  public func frame(of page: Page<HW>) -> FrameNumber {
    (page.address.rawValue &- self[word: KernelVariable.memMap]) / PageLayout.size
  }

  /// The physical address of the page's first byte (`page_to_phys`).
  public func physicalAddress(of page: Page<HW>) -> UInt64 { UInt64(frame(of: page)) << UInt64(pageShift) }

  /// The page a directly mapped address lies in (`virt_to_page`).
  public func page(at address: KernelAddress) -> Page<HW> {
    page((address - AddressSpace.pageOffset) >> pageShift)
  }

  /// Whether `address` lies in the direct map (`virt_addr_valid`).
  public func isDirectlyMapped(_ address: KernelAddress) -> Bool {
    address >= AddressSpace.pageOffset && address < highMemory
  }

  /// Whether the page has no address of its own in the kernel (`PageHighMem`).
  public func isHighMemory(_ page: Page<HW>) -> Bool { frame(of: page) >= maxLowFrame }

  /// Where the kernel sees the page now: in the direct map, or where `kmap` shows it; null for a high page that is
  /// not mapped (`page_address`).
  public func pageAddress(_ page: Page<HW>) -> KernelAddress {
    let frame = frame(of: page)
    return frame < maxLowFrame ? AddressSpace.pageOffset + frame << pageShift : page.virtual
  }
}
