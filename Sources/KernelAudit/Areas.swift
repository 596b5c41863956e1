/// A `struct vm_struct` as read from memory.
struct Area {
  var descriptor: UInt32
  var start: UInt32
  var size: UInt32
  var flags: UInt32
  var array: UInt32
  var pageCount: UInt32
  var physical: UInt64
  var left: UInt32
  var right: UInt32
  var gap: UInt32
  var largestGap: UInt32
  /// What the pages are to be mapped with, as bits of a page-table entry.
  var protection: UInt64

  /// Pages without the guard page.
  var pages: UInt32 { size / 4096 - 1 }
  var end: UInt64 { UInt64(start) + UInt64(size) }
  var isLazilyFreed: Bool { flags & KernelLayout.Area.lazyFree != 0 }
}

/// A bit of a page-table entry that `vm_struct` records. SDM vol. 3A, table 4-11.
private struct ProtectionBit {
  var name: String
  var mask: UInt64

  static let cacheDisable = ProtectionBit(name: "PCD", mask: 1 << 4)
  /// U/S is not among them: no area may have it, whatever was asked for.
  static let rights = [
    ProtectionBit(name: "R/W", mask: 1 << 1), ProtectionBit(name: "PWT", mask: 1 << 3),
    ProtectionBit(name: "G", mask: 1 << 8), ProtectionBit(name: "XD", mask: 1 << 63),
  ]
}

extension AuditRun {
  private typealias Layout = KernelLayout.Area

  // MARK: The list

  /// The list of areas, and what each area maps.
  func checkAreas() {
    readAreas()
    var end = UInt64(vmallocStart)
    var lazyPages: UInt32 = 0
    var unclaimed = Set(mapped.keys)
    var previous: Area?
    for area in areas {
      if let previous, area.start < previous.start {
        report(
          .areaOrder, "the area at \(hex(area.start)) comes after the one at \(hex(previous.start)) in vmlist"
        )
      } else if let previous, UInt64(area.start) < end {
        report(.areaOrder, "the area at \(hex(area.start)) overlaps the one at \(hex(previous.start))")
      }
      end = max(end, area.end)
      previous = area
      if area.isLazilyFreed { lazyPages &+= area.size >> 12 }
      if checkShape(area) { checkMapping(area, &unclaimed) }
    }
    let counted = variable(.lazyPages)
    expect(
      counted == lazyPages, .lazyPages,
      "vmap_lazy_nr is \(counted), but the areas that wait for a flush have \(lazyPages) pages")
    for page in unclaimed.sorted() {
      report(
        .strayMapping,
        "\(hex(page << 12)) is mapped to frame \(mapped[page]?.frame ?? 0), but lies in no area")
    }
  }

  func readAreas() {
    var seen: Set<UInt32> = []
    var next = variable(.vmlist)
    while next != 0 {
      guard next % 4 == 0, isDirectlyMapped(next) else {
        report(.areaList, "vmlist leads to \(hex(next)), where no descriptor can be")
        return
      }
      guard seen.insert(next).inserted else {
        report(.areaList, "vmlist comes back to the descriptor at \(hex(next))")
        return
      }
      // An area has a page and a guard page at least.
      guard seen.count <= 1 << 17 else {
        report(.areaList, "vmlist has more areas than the vmalloc range has room for")
        return
      }
      func word(_ offset: UInt32) -> UInt32 { field(next, offset) ?? 0 }
      func doubleword(_ offset: UInt32) -> UInt64 { UInt64(word(offset + 4)) << 32 | UInt64(word(offset)) }
      areas.append(
        Area(
          descriptor: next, start: word(Layout.address), size: word(Layout.size), flags: word(Layout.flags),
          array: word(Layout.pages), pageCount: word(Layout.pageCount),
          physical: doubleword(Layout.physicalAddress), left: word(Layout.left), right: word(Layout.right),
          gap: word(Layout.gap), largestGap: word(Layout.largestGap),
          protection: doubleword(Layout.protection)))
      next = word(Layout.next)
    }
  }

  /// Whether an area is one that can be mapped.
  private func checkShape(_ area: Area) -> Bool {
    let before = violations.count
    expect(
      area.start % 4096 == 0 && area.size % 4096 == 0 && area.size >= 2 * 4096, .areaAlignment,
      "the area at \(hex(area.start)) has \(area.size) bytes: not whole pages with a guard page")
    expect(
      area.start >= vmallocStart && area.end <= UInt64(KernelLayout.vmallocEnd), .areaRange,
      "the area at \(hex(area.start)) with \(area.size) bytes reaches out of the vmalloc range")
    let kind = area.flags & (Layout.ioremap | Layout.alloc | Layout.map)
    expect(
      kind.nonzeroBitCount == 1, .areaKind,
      "the area at \(hex(area.start)) has flags \(hex(area.flags)): not exactly one of VM_IOREMAP, VM_ALLOC and VM_MAP"
    )
    return violations.count == before
  }

  // MARK: What it maps

  private func checkMapping(_ area: Area, _ unclaimed: inout Set<UInt32>) {
    let first = area.start >> 12
    let isMapped = (first..<first + area.pages).contains { mapped[$0] != nil }
    // An area from get_vm_area that is not mapped yet has nothing to compare.
    let isBare = !isMapped && area.array == 0 && area.physical == 0
    if area.isLazilyFreed {
      expect(!isMapped, .strayMapping, "the area at \(hex(area.start)) was freed lazily and is still mapped")
    } else if !isBare {
      checkPages(area)
    }
    if isMapped && !area.isLazilyFreed { checkProtection(area) }
    for page in first..<first + area.pages { unclaimed.remove(page) }
    let guardPage = first + area.pages
    if unclaimed.remove(guardPage) != nil {
      report(
        .guardPage,
        "the guard page \(hex(guardPage << 12)) of the area at \(hex(area.start)) is mapped to frame "
          + "\(mapped[guardPage]?.frame ?? 0)")
    }
  }

  private func checkPages(_ area: Area) {
    if area.flags & Layout.ioremap != 0 { checkBusPages(area) } else { checkArrayPages(area) }
  }

  /// Every page's own entry must have the bits that were asked for.
  private func checkProtection(_ area: Area) {
    for index in 0..<area.pages {
      guard let mapping = mapped[area.start >> 12 + index],
        let entry = memory.doubleword(mapping.translation.leafAddress)
      else { continue }
      let differing = entry ^ area.protection
      let names = ProtectionBit.rights.filter { differing & $0.mask != 0 }.map(\.name)
      expect(
        names.isEmpty, .areaRights,
        "\(place(area, index)) is mapped by \(hex(entry)) and was asked for with \(hex(area.protection)): "
          + "they differ in \(names.joined(separator: ", "))")
      let isUncached = entry & ProtectionBit.cacheDisable.mask != 0
      expect(
        differing & ProtectionBit.cacheDisable.mask == 0, .cacheMode,
        "\(place(area, index)) is mapped \(isUncached ? "with" : "without") PCD, "
          + "and was asked for \(isUncached ? "without" : "with it")")
    }
  }

  private func place(_ area: Area, _ index: UInt32) -> String {
    "page \(index) of the area at \(hex(area.start))"
  }

  private func expectMapped(_ area: Area, _ index: UInt32) -> Mapping? {
    let mapping = mapped[area.start >> 12 + index]
    expect(mapping != nil, .areaMapping, "\(place(area, index)) is not mapped")
    return mapping
  }

  /// An area of vmalloc or vmap: the page array names its frames. One of vmalloc owns array and frames, and counts as their
  /// user; one of vmap shows its caller's.
  private func checkArrayPages(_ area: Area) {
    let isOwner = area.flags & Layout.alloc != 0
    expect(
      area.pageCount == area.pages, .areaPages,
      "the area at \(hex(area.start)) counts \(area.pageCount) pages and has room for \(area.pages)")
    expect(
      (area.flags & Layout.vpages != 0) == (isOwner && area.array >= vmallocStart), .areaPages,
      "the page array of the area at \(hex(area.start)) is at \(hex(area.array)), which VM_VPAGES contradicts"
    )
    for index in 0..<min(area.pageCount, area.pages) {
      guard let entry = arrayEntry(area.array, index), let frame = frame(ofDescriptorAt: entry) else {
        report(
          .areaPages, "entry \(index) of the page array of the area at \(hex(area.start)) names no page")
        continue
      }
      if isOwner { owners[frame, default: []].append(place(area, index)) }
      guard let mapping = expectMapped(area, index) else { continue }
      if !isOwner {
        views.append((UInt32(truncatingIfNeeded: min(mapping.frame, 0xFFFF_FFFF)), place(area, index)))
      }
      expect(
        mapping.frame == UInt64(frame), .areaMapping,
        "\(place(area, index)) is mapped to frame \(mapping.frame), but its page array names frame \(frame)")
    }
  }

  /// A word of a page array, which lies in the direct map or in the vmalloc range.
  private func arrayEntry(_ array: UInt32, _ index: UInt32) -> UInt32? {
    let linear = array &+ index &* 4
    if isDirectlyMapped(linear) { return memory.word(directlyMapped: linear) }
    return mapped[linear >> 12].flatMap { memory.word($0.frame << 12 + UInt64(linear & 0xFFF)) }
  }

  /// An area of ioremap: consecutive, and no RAM.
  private func checkBusPages(_ area: Area) {
    expect(
      area.physical % 4096 == 0, .busMapping,
      "the bus area at \(hex(area.start)) begins at \(hex(area.physical)), inside a page")
    for index in 0..<area.pages {
      guard let mapping = expectMapped(area, index) else { continue }
      expect(
        mapping.frame == area.physical >> 12 &+ UInt64(index), .busMapping,
        "\(place(area, index)) shows bus address \(hex(mapping.frame << 12)) instead of "
          + "\(hex(area.physical &+ UInt64(index) << 12))")
    }
    let bytes = UInt64(area.pages) << 12
    let ram = ranges(.memoryRanges, count: .memoryRangeCount, capacity: 32)
    expect(
      !ram.contains { $0.lowerBound < area.physical &+ bytes && area.physical < $0.upperBound }, .busMapping,
      "the bus area at \(hex(area.start)) shows ordinary RAM at \(hex(area.physical))")
  }
}
