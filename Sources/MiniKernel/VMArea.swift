/// What made an area and how it is to be taken apart (`VM_...`, with Linux's values).
public struct VMAreaFlags: OptionSet, Sendable {
  public var rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Bus addresses (`VM_IOREMAP`).
  public static var ioremap: VMAreaFlags { VMAreaFlags(rawValue: 0x01) }
  /// Pages of the area's own (`VM_ALLOC`).
  public static var alloc: VMAreaFlags { VMAreaFlags(rawValue: 0x02) }
  /// Pages the caller brought (`VM_MAP`).
  public static var map: VMAreaFlags { VMAreaFlags(rawValue: 0x04) }
  /// The page array came from vmalloc itself (`VM_VPAGES`).
  public static var vpages: VMAreaFlags { VMAreaFlags(rawValue: 0x10) }
}

/// Why an area could not be made, or why a call was refused.
public enum VmallocError: Error, Sendable {
  /// Size 0, or more than memory or the range could ever hold.
  case badSize
  /// No gap in the vmalloc range is large enough.
  case noArea
  /// No memory for the area's descriptor or its page array.
  case noMemoryForArea
  /// The page allocator ran out half-way; what it had given is given back.
  case noPages
  /// No page for a page table; the same.
  case noMemoryForTable
  /// A page-table entry was present where the area was to be mapped: a bug, and reported.
  case alreadyMapped
  /// ioremap of memory that belongs to the page allocator.
  case ordinaryRAM
  /// A physical address beyond what the processor can form.
  case badPhysicalAddress
}

/// `struct vm_struct`: one area of the vmalloc range, in a list sorted by address.
public struct VMArea<HW: Hardware>: KernelStructure {
  public let hardware: HW
  /// The descriptor's own address; the area's is `start`.
  public let address: KernelAddress

  @inline(__always)
  public init(_ hardware: HW, at address: KernelAddress) {
    self.hardware = hardware
    self.address = address
  }

  /// The descriptor of the next area, or null.
  public var next: KernelAddress {
    get { KernelAddress(self[word: VMAreaLayout.next]) }
    nonmutating set { self[word: VMAreaLayout.next] = newValue.rawValue }
  }

  /// The area's first address (`addr`).
  public var start: KernelAddress {
    get { KernelAddress(self[word: VMAreaLayout.address]) }
    nonmutating set { self[word: VMAreaLayout.address] = newValue.rawValue }
  }

  /// Bytes of the area, its guard page included.
  public var size: UInt32 {
    get { self[word: VMAreaLayout.size] }
    nonmutating set { self[word: VMAreaLayout.size] = newValue }
  }

  public var flags: VMAreaFlags {
    get { VMAreaFlags(rawValue: self[word: VMAreaLayout.flags]) }
    nonmutating set { self[word: VMAreaLayout.flags] = newValue.rawValue }
  }

  /// The array of addresses of `struct page`, or null.
  public var pages: KernelAddress {
    get { KernelAddress(self[word: VMAreaLayout.pages]) }
    nonmutating set { self[word: VMAreaLayout.pages] = newValue.rawValue }
  }

  public var pageCount: UInt32 {
    get { self[word: VMAreaLayout.pageCount] }
    nonmutating set { self[word: VMAreaLayout.pageCount] = newValue }
  }

  /// The physical address of an ioremap area (`phys_addr`).
  public var physicalAddress: UInt64 {
    get { self[doubleword: VMAreaLayout.physicalAddress] }
    nonmutating set { self[doubleword: VMAreaLayout.physicalAddress] = newValue }
  }

  /// The first address after the area and its guard page.
  public var end: KernelAddress { start + size }

  /// The guard page: the area's last, which is never mapped.
  public var guardPage: KernelAddress { end - pageSize }

  /// Page `index` of the page array. The index must be below `pageCount`.
  public func page(_ index: UInt32) -> Page<HW> {
    Page(hardware, at: KernelAddress(hardware.load32(pages + index &* 4)))
  }
}

extension Kernel {
  /// The largest alignment an ioremap area gets: 512 KiB (`IOREMAP_MAX_ORDER`).
  private static var maximumIoremapAlignment: UInt32 { 128 * pageSize }

  /// The area with the lowest address, or null (`vmlist`).
  public var vmlist: KernelAddress {
    get { KernelAddress(self[word: KernelVariable.vmlist]) }
    nonmutating set { self[word: KernelVariable.vmlist] = newValue.rawValue }
  }

  /// Makes an area of at least `size` bytes and a guard page, anywhere in the vmalloc range; maps nothing
  /// (`get_vm_area`).
  public func getVMArea(_ size: UInt32, _ flags: VMAreaFlags) throws(VmallocError) -> VMArea<HW> {
    try getVMArea(size, flags, from: vmallocStart, to: vmallocEnd, .kernel)
  }

  /// Makes an area between two addresses: the first gap of the sorted list that is large enough
  /// (`__get_vm_area_node`). The size is rounded up to pages; areas of the bus are aligned to their size rounded up
  /// to a power of two.
  public func getVMArea(
    _ size: UInt32, _ flags: VMAreaFlags, from: KernelAddress, to: KernelAddress, _ gfp: GFPFlags
  ) throws(VmallocError) -> VMArea<HW> {
    let size = pageAligned(size)
    let (withGuard, overflow) = size.addingReportingOverflow(pageSize)
    if size == 0 || overflow || withGuard > to - from { throw .badSize }
    var alignment = pageSize
    if flags.contains(.ioremap) {
      while alignment < size, alignment < Self.maximumIoremapAlignment { alignment <<= 1 }
    }
    guard let descriptor = kmalloc(VMAreaLayout.byteCount, gfp) else { throw .noMemoryForArea }
    guard let (start, link) = findGap(withGuard, alignment, from: from, to: to) else {
      kfree(descriptor)
      throw .noArea
    }
    let area = VMArea(hardware, at: descriptor)
    area.start = start
    area.size = withGuard
    area.flags = flags
    area.pages = .null
    area.pageCount = 0
    area.physicalAddress = 0
    area.next = KernelAddress(hardware.load32(link))
    hardware.store32(link, descriptor.rawValue)
    return area
  }

  /// The lowest aligned address with `size` bytes that no area has, and the word that links to the area after it:
  /// `vmlist` itself or some area's `next`.
  private func findGap(
    _ size: UInt32, _ alignment: UInt32, from: KernelAddress, to: KernelAddress
  ) -> (start: KernelAddress, link: KernelAddress)? {
    guard var candidate = from.alignedUp(to: alignment) else { return nil }
    var link = address + KernelVariable.vmlist
    while true {
      if candidate > to || to - candidate < size { return nil }
      let next = KernelAddress(hardware.load32(link))
      if next.isNull { return (candidate, link) }
      let area = VMArea(hardware, at: next)
      let start = area.start
      if start >= candidate, start - candidate >= size { return (candidate, link) }
      // An area below `from` leaves the candidate where it is.
      if area.end > candidate {
        guard let after = area.end.alignedUp(to: alignment) else { return nil }
        candidate = after
      }
      link = area.address + VMAreaLayout.next
    }
  }

  /// The area that starts at `start` (`__find_vm_area`).
  public func findVMArea(_ start: KernelAddress) -> VMArea<HW>? {
    var next = vmlist
    while !next.isNull {
      let area = VMArea(hardware, at: next)
      if area.start == start { return area }
      next = area.next
    }
    return nil
  }

  /// Finds the area that starts at `start`, takes it out of the list and unmaps it; the caller has the descriptor
  /// then. Nil when there is none (`remove_vm_area`).
  public func removeVMArea(_ start: KernelAddress) -> VMArea<HW>? {
    var link = address + KernelVariable.vmlist
    while true {
      let next = KernelAddress(hardware.load32(link))
      if next.isNull { return nil }
      let area = VMArea(hardware, at: next)
      if area.start == start {
        unmapVMArea(area)
        hardware.store32(link, area.next.rawValue)
        return area
      }
      link = area.address + VMAreaLayout.next
    }
  }
}
