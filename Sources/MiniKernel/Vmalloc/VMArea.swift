/// What made an area and how it is to be taken apart (`VM_...`, with Linux's values).
public struct VMAreaFlags: OptionSet, Sendable {
  /// The bits, with Linux's values.
  public var rawValue: UInt32
  /// The flags in `rawValue`.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Bus addresses (`VM_IOREMAP`).
  public static var ioremap: VMAreaFlags { VMAreaFlags(rawValue: 0x01) }
  /// Pages of the area's own (`VM_ALLOC`).
  public static var alloc: VMAreaFlags { VMAreaFlags(rawValue: 0x02) }
  /// Pages the caller brought (`VM_MAP`).
  public static var map: VMAreaFlags { VMAreaFlags(rawValue: 0x04) }
  /// The page array came from vmalloc itself (`VM_VPAGES`).
  public static var vpages: VMAreaFlags { VMAreaFlags(rawValue: 0x10) }
  /// Unmapped; the addresses wait for a flush of the TLB (`VM_LAZY_FREE`).
  public static var lazyFree: VMAreaFlags { VMAreaFlags(rawValue: 0x40) }
  /// Some of it is mapped by 2 MiB pages (`VM_HUGE_VMAP`).
  public static var huge: VMAreaFlags { VMAreaFlags(rawValue: 0x400) }
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
  /// What executes the loads and stores.
  public let hardware: HW
  /// The descriptor's own address; the area's is `start`.
  public let address: KernelAddress

  /// The area whose descriptor is at `address`.
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

  /// What made the area.
  public var flags: VMAreaFlags {
    get { VMAreaFlags(rawValue: self[word: VMAreaLayout.flags]) }
    nonmutating set { self[word: VMAreaLayout.flags] = newValue.rawValue }
  }

  /// The array of addresses of `struct page`, or null: the area's own for `VM_ALLOC`, the caller's for `VM_MAP`.
  public var pages: KernelAddress {
    get { KernelAddress(self[word: VMAreaLayout.pages]) }
    nonmutating set { self[word: VMAreaLayout.pages] = newValue.rawValue }
  }

  /// The number of entries in `pages`.
  public var pageCount: UInt32 {
    get { self[word: VMAreaLayout.pageCount] }
    nonmutating set { self[word: VMAreaLayout.pageCount] = newValue }
  }

  /// The physical address of an ioremap area (`phys_addr`).
  public var physicalAddress: UInt64 {
    get { self[doubleword: VMAreaLayout.physicalAddress] }
    nonmutating set { self[doubleword: VMAreaLayout.physicalAddress] = newValue }
  }

  /// What every page of the area is mapped with, as asked for and as far as the processor has it; empty until then. The
  /// kernel never reads it: an onlooker compares the tables with it.
  public var protection: PageTableFlags {
    get { PageTableFlags(rawValue: self[doubleword: VMAreaLayout.protection]) }
    nonmutating set { self[doubleword: VMAreaLayout.protection] = newValue.rawValue }
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

  /// Makes an area between two addresses: the first gap that is large enough (`__get_vm_area_node`). The size is rounded
  /// up to pages; areas of the bus are aligned to their size rounded up to a power of two, huge ones to 2 MiB, all to
  /// `alignment`, a power of two. When no gap is left, areas that wait for a flush are purged and the search is made once
  /// more.
  public func getVMArea(
    _ size: UInt32, _ flags: VMAreaFlags, from: KernelAddress, to: KernelAddress, _ gfp: GFPFlags,
    alignment least: UInt32 = pageSize
  ) throws(VmallocError) -> VMArea<HW> {
    beginUpdate()
    defer { endUpdate() }
    let size = pageAligned(size)
    let (withGuard, overflow) = size.addingReportingOverflow(pageSize)
    if size == 0 || overflow || withGuard > to - from { throw .badSize }
    var alignment = max(least, pageSize)
    if flags.contains(.ioremap) {
      while alignment < size, alignment < Self.maximumIoremapAlignment { alignment <<= 1 }
    }
    if flags.contains(.huge) { alignment = max(alignment, AddressSpace.pageTableSpan) }
    guard let descriptor = kmalloc(VMAreaLayout.byteCount, gfp.union(.zero)) else { throw .noMemoryForArea }
    var place = findGap(withGuard, alignment, from: from, to: to)
    if place == nil, self[word: KernelVariable.lazyPages] > 0 {
      purgeLazyAreas()
      place = findGap(withGuard, alignment, from: from, to: to)
    }
    guard let place else {
      kfree(descriptor)
      throw .noArea
    }
    let area = VMArea(hardware, at: descriptor)
    area.start = place.start
    area.size = withGuard
    area.flags = flags
    link(area, after: place.previous)
    return area
  }

  /// Puts an area into list and tree, behind `previous`, or first when that is null.
  private func link(_ area: VMArea<HW>, after previous: KernelAddress) {
    let link = previous.isNull ? address + KernelVariable.vmlist : previous + VMAreaLayout.next
    area.next = KernelAddress(hardware.load32(link))
    hardware.store32(link, area.address.rawValue)
    if areaSearch == .list { return }
    let before = previous.isNull ? vmallocStart : VMArea(hardware, at: previous).end
    insertIntoTree(area, gap: area.start - before)
  }

  /// Takes an area out of list and tree.
  func unlink(_ area: VMArea<HW>) {
    var link = address + KernelVariable.vmlist
    if areaSearch == .tree {
      let previous = areaBefore(area.start)
      if !previous.isNull { link = previous + VMAreaLayout.next }
      removeFromTree(area)
    } else {
      while hardware.load32(link) != area.address.rawValue {
        link = KernelAddress(hardware.load32(link)) + VMAreaLayout.next
      }
    }
    hardware.store32(link, area.next.rawValue)
  }

  /// A gap: where it begins after alignment, and the area before it, or null.
  struct Gap {
    let start: KernelAddress
    let previous: KernelAddress
  }

  /// The lowest aligned address with `size` bytes that no area has. The tree knows the whole range only.
  private func findGap(_ size: UInt32, _ alignment: UInt32, from: KernelAddress, to: KernelAddress) -> Gap? {
    if areaSearch == .tree, from == vmallocStart, to == vmallocEnd { return findGapInTree(size, alignment) }
    return findGapInList(size, alignment, from: from, to: to)
  }

  /// The classic search: from the lowest area on.
  private func findGapInList(
    _ size: UInt32, _ alignment: UInt32, from: KernelAddress, to: KernelAddress
  ) -> Gap? {
    guard var candidate = from.alignedUp(to: alignment) else { return nil }
    var previous = KernelAddress.null
    var next = vmlist
    while true {
      if candidate > to || to - candidate < size { return nil }
      if next.isNull { return Gap(start: candidate, previous: previous) }
      count(KernelVariable.searchSteps)
      let area = VMArea(hardware, at: next)
      let start = area.start
      if start >= candidate, start - candidate >= size { return Gap(start: candidate, previous: previous) }
      // An area below `from` leaves the candidate where it is.
      if area.end > candidate {
        guard let after = area.end.alignedUp(to: alignment) else { return nil }
        candidate = after
      }
      previous = next
      next = area.next
    }
  }

  /// The area that starts at `start`; those that wait for a flush don't count (`__find_vm_area`).
  public func findVMArea(_ start: KernelAddress) -> VMArea<HW>? {
    guard let area = areaSearch == .tree ? findInTree(start) : findInList(start) else { return nil }
    return area.flags.contains(.lazyFree) ? nil : area
  }

  private func findInList(_ start: KernelAddress) -> VMArea<HW>? {
    var next = vmlist
    while !next.isNull {
      let area = VMArea(hardware, at: next)
      if area.start == start { return area }
      next = area.next
    }
    return nil
  }

  /// Finds the area that starts at `start`, unmaps it and takes it out of the list; the caller has the descriptor then,
  /// for `releaseVMArea`. Nil when there is none (`remove_vm_area`). Under the lazy policy it stays in the list, flagged,
  /// until the purge.
  public func removeVMArea(_ start: KernelAddress) -> VMArea<HW>? {
    beginUpdate()
    defer { endUpdate() }
    guard let area = findVMArea(start) else { return nil }
    unmapVMArea(area)
    if tlbFlushPolicy == .lazy { area.flags.insert(.lazyFree) } else { unlink(area) }
    return area
  }

  /// Gives a removed area's descriptor back, or leaves it to the next purge.
  func releaseVMArea(_ area: VMArea<HW>) {
    if area.flags.contains(.lazyFree) {
      area.pages = .null
      area.pageCount = 0
      count(KernelVariable.lazyPages, by: area.size >> pageShift)
      if self[word: KernelVariable.lazyPages] > Self.lazyMaxPages { purgeLazyAreas() }
    } else {
      kfree(area.address)
    }
  }
}
