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
  func forEachMapping(
    in range: Range<UInt64>, cr3: UInt32, onTable: (UInt64, UInt32, PageWalk.Level) -> Void = { _, _, _ in },
    _ body: (Mapping) -> Void
  ) {
    guard !range.isEmpty else { return }
    let addresses =
      UInt32(truncatingIfNeeded: range.lowerBound)...UInt32(truncatingIfNeeded: range.upperBound - 1)
    TableScan(machine, cr3: cr3).forEachPage(in: addresses, enters: { enters($0, onTable) }) {
      first, bytes, found in
      let start = max(UInt64(first), range.lowerBound)
      switch found {
      case .page(let translation):
        let end = min(UInt64(first) + bytes, range.upperBound)
        for page in start >> 12..<end >> 12 {
          let frame = translation.frame >> 12 + page & (bytes >> 12 - 1)
          body(Mapping(linear: UInt32(page << 12), frame: frame, translation: translation))
        }
      case .refused(let step):
        report(
          .tablePlace,
          "the entry \(hex(step.value)) on the way to \(hex(UInt32(start))) has reserved bits set")
      }
      return true
    }
  }

  /// Notes a table, or reports one outside RAM and passes over it.
  private func enters(
    _ table: TableScan.Table, _ onTable: (UInt64, UInt32, PageWalk.Level) -> Void
  ) -> Bool {
    onTable(table.address, table.linear, table.level)
    guard memory.page(table.address >> 12) == nil else { return true }
    let name = table.level == .pde ? "page directory" : "page table"
    report(.tablePlace, "the \(name) at physical \(hex(table.address)) does not lie in RAM")
    return false
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
