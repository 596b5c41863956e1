import Foundation
import MiniKernel
import Testing

@testable import KernelAudit

@Suite("The auditor's layout of the kernel")
struct KernelLayoutTests {
  /// Every constant of the auditor's table beside the kernel's own, which it must not import.
  private static let pairs: [(String, UInt32, UInt32)] = [
    ("PAGE_OFFSET", KernelLayout.pageOffset, AddressSpace.pageOffset.rawValue),
    ("VMALLOC_END", KernelLayout.vmallocEnd, AddressSpace.vmallocEnd.rawValue),
    ("PKMAP_BASE", KernelLayout.kmapBase, AddressSpace.kmapBase.rawValue),
    ("LAST_PKMAP", KernelLayout.kmapPages, AddressSpace.kmapPages),
    ("the fixmap's first address", KernelLayout.fixmapTableBase, AddressSpace.fixmapTableBase.rawValue),
    ("FIXADDR_TOP", KernelLayout.fixmapTop, AddressSpace.fixmapTop.rawValue),
    ("FIX_KMAP_BEGIN", KernelLayout.kmapAtomicSlots.lowerBound, FixmapSlot.kmapBegin.rawValue),
    (
      "the last kmap_atomic slot", KernelLayout.kmapAtomicSlots.upperBound,
      FixmapSlot.kmapBegin.rawValue + KmapType.irq0.rawValue
    ),
    ("the first fixmap slot", KernelLayout.fixmapSlots.lowerBound, FixmapSlot.device.rawValue),
    ("MAX_ORDER", KernelLayout.orders, maxOrder),
    ("page.flags", KernelLayout.Page.word, PageLayout.flags),
    ("page.virtual", KernelLayout.Page.virtual, PageLayout.virtual),
    ("page.lru", KernelLayout.Page.links, PageLayout.links),
    ("sizeof page", KernelLayout.Page.size, PageLayout.size),
    ("PG_reserved", KernelLayout.Page.reserved, PageFlags.reserved.rawValue),
    ("PG_buddy", KernelLayout.Page.buddy, PageFlags.buddy.rawValue),
    ("PG_slab", KernelLayout.Page.slab, PageFlags.slab.rawValue),
    ("PG_compound", KernelLayout.Page.compound, PageFlags.compound.rawValue),
    ("PG_table", KernelLayout.Page.table, PageFlags.table.rawValue),
    ("zone.zone_start_pfn", KernelLayout.Zone.startFrame, ZoneLayout.startFrame),
    ("zone.spanned_pages", KernelLayout.Zone.spannedPages, ZoneLayout.spannedPages),
    ("zone.present_pages", KernelLayout.Zone.presentPages, ZoneLayout.presentPages),
    ("zone.free_pages", KernelLayout.Zone.freePages, ZoneLayout.freePages),
    ("zone.pages_min", KernelLayout.Zone.watermarks, ZoneLayout.watermarks),
    ("zone.lowmem_reserve", KernelLayout.Zone.lowmemReserve, ZoneLayout.lowmemReserve),
    ("zone.free_area", KernelLayout.Zone.freeAreas, ZoneLayout.freeAreas),
    ("sizeof free_area", KernelLayout.Zone.freeAreaSize, ZoneLayout.freeAreaSize),
    ("free_area.nr_free", KernelLayout.Zone.freeAreaCount, ZoneLayout.freeAreaCount),
    ("sizeof zone", KernelLayout.Zone.size, ZoneLayout.size),
    ("vm_struct.next", KernelLayout.Area.next, VMAreaLayout.next),
    ("vm_struct.addr", KernelLayout.Area.address, VMAreaLayout.address),
    ("vm_struct.size", KernelLayout.Area.size, VMAreaLayout.size),
    ("vm_struct.flags", KernelLayout.Area.flags, VMAreaLayout.flags),
    ("vm_struct.pages", KernelLayout.Area.pages, VMAreaLayout.pages),
    ("vm_struct.nr_pages", KernelLayout.Area.pageCount, VMAreaLayout.pageCount),
    ("vm_struct.phys_addr", KernelLayout.Area.physicalAddress, VMAreaLayout.physicalAddress),
    ("vm_struct.left", KernelLayout.Area.left, VMAreaLayout.left),
    ("vm_struct.right", KernelLayout.Area.right, VMAreaLayout.right),
    ("vm_struct.gap", KernelLayout.Area.gap, VMAreaLayout.gap),
    ("vm_struct.largest_gap", KernelLayout.Area.largestGap, VMAreaLayout.largestGap),
    ("vm_struct.prot", KernelLayout.Area.protection, VMAreaLayout.protection),
    ("VM_IOREMAP", KernelLayout.Area.ioremap, VMAreaFlags.ioremap.rawValue),
    ("VM_ALLOC", KernelLayout.Area.alloc, VMAreaFlags.alloc.rawValue),
    ("VM_MAP", KernelLayout.Area.map, VMAreaFlags.map.rawValue),
    ("VM_VPAGES", KernelLayout.Area.vpages, VMAreaFlags.vpages.rawValue),
    ("VM_LAZY_FREE", KernelLayout.Area.lazyFree, VMAreaFlags.lazyFree.rawValue),
    ("kmem_cache.objsize", KernelLayout.Cache.objectSize, CacheLayout.objectSize),
    ("kmem_cache.slabs", KernelLayout.Cache.slabCount, CacheLayout.slabCount),
    ("kmem_cache.active", KernelLayout.Cache.activeObjects, CacheLayout.activeObjects),
    ("kmem_cache.partial", KernelLayout.Cache.partial, CacheLayout.partial),
    ("sizeof kmem_cache", KernelLayout.Cache.size, CacheLayout.size),
    ("process.next", KernelLayout.Process.next, ProcessLayout.next),
    ("process.pid", KernelLayout.Process.pid, ProcessLayout.pid),
    ("process.pgd", KernelLayout.Process.pointerTable, ProcessLayout.pointerTable),
    ("process.user_pages", KernelLayout.Process.userPages, ProcessLayout.userPages),
    ("the lazy policy", KernelLayout.FlushPolicy.lazy, TLBFlushPolicy.lazy.rawValue),
    ("the tree search", KernelLayout.AreaSearch.tree, VMAreaSearch.tree.rawValue),
  ]

  @Test("every constant is the kernel's")
  func constantsAgree() {
    for (name, auditor, kernel) in Self.pairs { #expect(auditor == kernel, "\(name)") }
  }

  private static func source(_ path: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  @Test("every symbol is in the kernel's variables and in the document")
  func symbolsExist() throws {
    let variables = try Self.source("firmware/guest/variables.S")
    let document = try Self.source("docs/kernel-layout.md")
    for symbol in KernelSymbol.allCases {
      #expect(variables.contains("variable \(symbol.rawValue),"), "\(symbol.rawValue) in variables.S")
      #expect(document.contains("`\(symbol.rawValue)`"), "\(symbol.rawValue) in kernel-layout.md")
    }
  }

  @Test("every check is in the document")
  func checksAreDocumented() throws {
    let document = try Self.source("docs/kernel-layout.md")
    for check in AuditCheck.allCases {
      #expect(document.contains("`\(check.rawValue)`"), "\(check.rawValue)")
    }
  }

  @Test("an image without the symbols is refused by name")
  func missingSymbols() {
    #expect {
      try KernelSymbols(file: "other.elf") { $0 == "vmlist" ? 0xC010_0000 : nil }
    } throws: { error in
      "\(error)".hasPrefix(
        "other.elf: cannot be audited: it lacks the mini-kernel's symbols swapper_pmd")
    }
    // A symbol at a physical address is not a variable of the higher half.
    #expect(throws: KernelAuditError.self) { try KernelSymbols(file: "flat.elf") { _ in 0x10_0000 } }
  }
}
