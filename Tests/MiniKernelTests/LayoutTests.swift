import Foundation
import Testing

@testable import MiniKernel

@Suite("Layout of the kernel's variables")
struct LayoutTests {
  /// The symbols that `variables.S` defines, with offset and size.
  private static func symbols() throws -> [String: (offset: UInt32, size: UInt32)] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "firmware/guest/variables.S"), encoding: .utf8)
    var symbols: [String: (offset: UInt32, size: UInt32)] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { " ,".contains($0) })
      guard words.first == "variable", words.count == 4 else { continue }
      symbols[String(words[1])] = (number(words[2]), number(words[3]))
    }
    return symbols
  }

  private static func number(_ text: Substring) -> UInt32 {
    text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16)! : UInt32(text)!
  }

  private static let expected: [(String, UInt32, UInt32)] = [
    ("swapper_pmd", KernelVariable.swapperPageDirectory, 4096),
    ("pkmap_page_table", KernelVariable.kmapPageTable, 4096),
    ("fixmap_page_table", KernelVariable.fixmapPageTable, 4096),
    ("swapper_pg_dir", KernelVariable.swapperPointerTable, 32),
    ("mem_map", KernelVariable.memMap, 4),
    ("max_pfn", KernelVariable.maxFrame, 4),
    ("max_low_pfn", KernelVariable.maxLowFrame, 4),
    ("high_memory", KernelVariable.highMemory, 4),
    ("num_physpages", KernelVariable.physicalPages, 4),
    ("vmlist", KernelVariable.vmlist, 4),
    ("vmalloc_start", KernelVariable.vmallocStart, 4),
    ("cpu_features", KernelVariable.cpuFeatures, 4),
    ("phys_addr_bits", KernelVariable.physicalAddressBits, 4),
    ("current_process", KernelVariable.currentProcess, 4),
    ("process_list", KernelVariable.processList, 4),
    ("last_pid", KernelVariable.lastPID, 4),
    ("nr_page_table_pages", KernelVariable.pageTablePages, 4),
    ("last_pkmap_nr", KernelVariable.lastKmapSlot, 4),
    ("fail_page_alloc", KernelVariable.failPageAllocation, 4),
    ("nr_warnings", KernelVariable.warnings, 4),
    ("tlb_flush_policy", KernelVariable.tlbFlushPolicy, 4),
    ("nr_tlb_flush_all", KernelVariable.wholeFlushes, 4),
    ("nr_tlb_flush_one", KernelVariable.pageFlushes, 4),
    ("nr_vmalloc_faults", KernelVariable.vmallocFaults, 4),
    ("nr_memory_ranges", KernelVariable.memoryRangeCount, 4),
    ("nr_reserved_ranges", KernelVariable.reservedRangeCount, 4),
    ("console_flags", KernelVariable.consoleFlags, 4),
    ("vmap_lazy_nr", KernelVariable.lazyPages, 4),
    ("vmap_area_search", KernelVariable.areaSearch, 4),
    ("vmap_area_root", KernelVariable.areaRoot, 4),
    ("vmap_allow_huge", KernelVariable.allowHuge, 4),
    ("nr_vmap_purges", KernelVariable.purges, 4),
    ("nr_vmap_search_steps", KernelVariable.searchSteps, 4),
    ("vm_update_depth", KernelVariable.updateDepth, 4),
    ("zone_table", KernelVariable.zoneTable, 3 * ZoneLayout.size),
    ("kmalloc_caches", KernelVariable.kmallocCaches, 8 * CacheLayout.size),
    ("pkmap_count", KernelVariable.kmapCounts, 1024),
    ("memory_ranges", KernelVariable.memoryRanges, 32 * 16),
    ("reserved_ranges", KernelVariable.reservedRanges, 16 * 16),
    ("saved_command_line", KernelVariable.commandLine, 256),
  ]

  @Test("the assembly's symbols stand where the Swift constants say")
  func symbolsMatchConstants() throws {
    let symbols = try Self.symbols()
    for (name, offset, size) in Self.expected {
      #expect(symbols[name]?.offset == offset, "offset of \(name)")
      #expect(symbols[name]?.size == size, "size of \(name)")
    }
    #expect(Set(symbols.keys) == Set(Self.expected.map(\.0)))
  }

  @Test("no two variables overlap, and all lie in the block")
  func variablesAreDisjoint() {
    let sorted = Self.expected.sorted { $0.1 < $1.1 }
    for (a, b) in zip(sorted, sorted.dropFirst()) { #expect(a.1 + a.2 <= b.1, "\(a.0) and \(b.0)") }
    #expect(sorted.last!.1 + sorted.last!.2 <= KernelVariable.size)
  }
}
