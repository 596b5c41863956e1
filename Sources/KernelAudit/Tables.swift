import Emulator
import IA32

/// One page as the machine's walker finds it.
struct Mapping {
  var linear: UInt32
  /// The physical address divided by 4096; beyond 32 bits for a processor with more than 44 address bits.
  var frame: UInt64
  var translation: Translation
}

extension AuditRun {
  // MARK: Walking

  /// Walks as the kernel would read.
  func walk(_ linear: UInt32, cr3: UInt32) -> WalkResult {
    machine.walk(LinearAddress(linear), PageAccess(.read, user: false), cr3: cr3)
  }

  /// Calls `body` with every mapped page of 4 KiB in `range`, in order; a large page counts as 512. Whatever the walker
  /// refuses other than by a clear P is reported. `onTable` gets each page directory and page table on the way, with the
  /// first address that it maps.
  ///
  /// The walker says where a table lies; entries of it whose P is clear are not worth a walk each.
  func forEachMapping(
    in range: Range<UInt64>, cr3: UInt32, onTable: (UInt64, UInt32, PageWalk.Level) -> Void = { _, _, _ in },
    _ body: (Mapping) -> Void
  ) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min((start | 0x3FFF_FFFF) + 1, range.upperBound)
      let linear = UInt32(truncatingIfNeeded: start)
      if let directory = walk(linear, cr3: cr3).steps.first(where: { $0.level == .pde })?.address {
        onTable(directory & ~0xFFF, linear & ~0x3FFF_FFFF, .pde)
        forEachDirectoryEntry(start..<end, directory & ~0xFFF, cr3, onTable, body)
      }
      start = end
    }
  }

  private func forEachDirectoryEntry(
    _ range: Range<UInt64>, _ directory: UInt64, _ cr3: UInt32,
    _ onTable: (UInt64, UInt32, PageWalk.Level) -> Void, _ body: (Mapping) -> Void
  ) {
    guard let entries = memory.page(directory >> 12) else {
      report(.tablePlace, "the page directory at physical \(hex(directory)) does not lie in RAM")
      return
    }
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min((start | 0x1F_FFFF) + 1, range.upperBound)
      if entries[Int(start >> 21 & 511) * 2] & 1 != 0 {
        let linear = UInt32(truncatingIfNeeded: start)
        let result = walk(linear, cr3: cr3)
        if let translation = result.translation, translation.isLarge {
          for page in start >> 12..<end >> 12 {
            let frame = translation.frame >> 12 + page & 511
            body(Mapping(linear: UInt32(page << 12), frame: frame, translation: translation))
          }
        } else if let table = result.steps.first(where: { $0.level == .pte })?.address {
          onTable(table & ~0xFFF, linear & ~0x1F_FFFF, .pte)
          forEachTableEntry(start..<end, table & ~0xFFF, cr3, body)
        } else {
          reportRefused(linear, result)
        }
      }
      start = end
    }
  }

  private func forEachTableEntry(
    _ range: Range<UInt64>, _ table: UInt64, _ cr3: UInt32, _ body: (Mapping) -> Void
  ) {
    guard let entries = memory.page(table >> 12) else {
      report(.tablePlace, "the page table at physical \(hex(table)) does not lie in RAM")
      return
    }
    for page in range.lowerBound >> 12..<range.upperBound >> 12 where entries[Int(page & 511) * 2] & 1 != 0 {
      let linear = UInt32(page << 12)
      let result = walk(linear, cr3: cr3)
      if let translation = result.translation {
        body(Mapping(linear: linear, frame: translation.frame >> 12, translation: translation))
      } else {
        reportRefused(linear, result)
      }
    }
  }

  private func reportRefused(_ linear: UInt32, _ result: WalkResult) {
    guard let step = result.steps.last else { return }
    report(
      .tablePlace, "the entry \(hex(step.value)) on the way to \(hex(linear)) has reserved bits set")
  }

  // MARK: The reference table

  /// The reference page table: three gigabytes of nothing, the direct map, the vmalloc range, the windows.
  func checkReferenceTable() {
    let pointers = symbols[.swapperPointerTable]
    let directory = UInt64(symbols[.swapperPageDirectory] - KernelLayout.pageOffset)
    for slot in 0..<UInt32(4) {
      let entry = memory.doubleword(UInt64(pointers - KernelLayout.pageOffset + slot * 8)) ?? 0
      let expected = slot == 3 ? directory | 1 : 0
      expect(
        entry & ~0x1E == expected, .referenceTable,
        "entry \(slot) of swapper_pg_dir is \(hex(entry)) instead of \(hex(expected))")
    }
    checkWindowTable(.kmapPageTable, KernelLayout.kmapBase)
    checkWindowTable(.fixmapPageTable, KernelLayout.fixmapTableBase)
    checkDirectMap()
    let start = (UInt64(highMemory) + 0x1F_FFFF) & ~0x1F_FFFF
    let end = UInt64(KernelLayout.kmapBase)
    forEachMapping(
      in: start..<end, cr3: referenceCR3,
      onTable: { [self] table, linear, level in
        if level == .pte { addTable(table, "the page table for \(hex(linear))") }
      }
    ) { mapping in
      expect(
        !mapping.translation.isUser, .kernelRights,
        "\(hex(mapping.linear)) is open to ring 3")
      if mapping.linear >= vmallocStart && mapping.linear < KernelLayout.vmallocEnd {
        mapped[mapping.linear >> 12] = mapping
      } else {
        report(
          .strayMapping,
          "\(hex(mapping.linear)) is mapped to frame \(mapping.frame), but lies outside every range")
      }
    }
  }

  private func checkWindowTable(_ symbol: KernelSymbol, _ window: UInt32) {
    let found = walk(window, cr3: referenceCR3).steps.first { $0.level == .pde }?.value ?? 0
    expect(
      found & 1 != 0 && found & 0x000F_FFFF_FFFF_F000 == UInt64(symbols[symbol] - KernelLayout.pageOffset),
      .referenceTable,
      "the directory entry for \(hex(window)) is \(hex(found)) and does not name \(symbol.rawValue)")
  }

  private func checkDirectMap() {
    var linear = UInt64(KernelLayout.pageOffset)
    while linear < UInt64(highMemory) {
      let translation = walk(UInt32(linear), cr3: referenceCR3).translation
      let physical = linear - UInt64(KernelLayout.pageOffset)
      expect(
        translation.map { $0.isLarge && $0.frame == physical && $0.isWritable && !$0.isUser } ?? false,
        .directMap,
        "\(hex(UInt32(linear))) in the direct map does not show physical \(hex(physical)) by a large page")
      linear += 2 << 20
    }
  }

  // MARK: Tables as pages

  /// Notes that a page is a table or directory.
  func addTable(_ physical: UInt64, _ name: String) {
    guard physical >> 12 < UInt64(maxLowFrame) else {
      report(.tablePlace, "\(name) is at physical \(hex(physical)), which is not in lowmem")
      return
    }
    let frame = UInt32(physical >> 12)
    if let other = tables.updateValue(name, forKey: frame) {
      report(.tablePlace, "frame \(frame) is \(name) and \(other)")
    }
  }

  /// Each table must be a page in use as one, and each page in use as a table must be one.
  func checkTables() {
    for (frame, name) in tables.sorted(by: { $0.key < $1.key }) {
      let page = descriptor(frame)
      expect(
        page.flags == KernelLayout.Page.table && page.count == 1 && !freeFrames.contains(frame), .tablePlace,
        "frame \(frame) is \(name), but its descriptor says \(page.meaning)")
    }
    for frame in descriptors.tables where tables[frame] == nil {
      report(.tableCount, "frame \(frame) says it is a page table, but no directory or process names it")
    }
    let counted = variable(.pageTablePages)
    expect(
      Int(counted) == tables.count, .tableCount,
      "nr_page_table_pages is \(counted), but there are \(tables.count) page tables and directories")
  }
}
