// The mini-kernel's structures as seen from outside: all that the auditor knows of the kernel. docs/kernel-layout.md
// is the same table for people; a test holds both against the kernel's own constants.

/// The kernel's variables by their symbols in the image. The raw value is the symbol's name.
public enum KernelSymbol: String, CaseIterable, Sendable {
  case swapperPageDirectory = "swapper_pmd"
  case kmapPageTable = "pkmap_page_table"
  case fixmapPageTable = "fixmap_page_table"
  case swapperPointerTable = "swapper_pg_dir"
  case memMap = "mem_map"
  case maxFrame = "max_pfn"
  case maxLowFrame = "max_low_pfn"
  case highMemory = "high_memory"
  case vmlist
  case vmallocStart = "vmalloc_start"
  case currentProcess = "current_process"
  case processList = "process_list"
  case pageTablePages = "nr_page_table_pages"
  case tlbFlushPolicy = "tlb_flush_policy"
  case memoryRangeCount = "nr_memory_ranges"
  case reservedRangeCount = "nr_reserved_ranges"
  case lazyPages = "vmap_lazy_nr"
  case areaSearch = "vmap_area_search"
  case areaRoot = "vmap_area_root"
  case updateDepth = "vm_update_depth"
  case zoneTable = "zone_table"
  case kmallocCaches = "kmalloc_caches"
  case kmapCounts = "pkmap_count"
  case memoryRanges = "memory_ranges"
  case reservedRanges = "reserved_ranges"
}

/// Constant addresses, offsets of fields in bytes, and bits.
enum KernelLayout {
  /// Physical address 0 in the kernel's linear addresses: `PAGE_OFFSET`.
  static let pageOffset: UInt32 = 0xC000_0000
  /// Where the direct map may be: 896 MiB at most.
  static let largestDirectMap: Range<UInt32> = 0xC000_0000..<0xF800_0000
  /// `VMALLOC_END`, two pages below the kmap window.
  static let vmallocEnd: UInt32 = 0xFFBF_E000
  static let kmapBase: UInt32 = 0xFFC0_0000
  static let kmapPages: UInt32 = 512
  static let fixmapTableBase: UInt32 = 0xFFE0_0000
  /// Fixmap slot n is the page that starts n pages below.
  static let fixmapTop: UInt32 = 0xFFFF_F000
  /// Slots 1 to 5 may be mapped: one for a device, four for `kmap_atomic`.
  static let fixmapSlots: ClosedRange<UInt32> = 1...5
  static let kmapAtomicSlots: ClosedRange<UInt32> = 2...5
  /// Orders of free blocks: 0 to 10.
  static let orders: UInt32 = 11
  static let dmaEnd: UInt32 = 16 << 8

  /// `struct page`.
  enum Page {
    static let word: UInt32 = 0
    static let virtual: UInt32 = 4
    static let links: UInt32 = 8
    static let size: UInt32 = 16
    static let reserved: UInt32 = 1 << 0
    static let buddy: UInt32 = 1 << 1
    static let slab: UInt32 = 1 << 2
    static let compound: UInt32 = 1 << 3
    static let table: UInt32 = 1 << 4
  }

  /// `struct zone`.
  enum Zone {
    static let names = ["DMA", "Normal", "HighMem"]
    static let startFrame: UInt32 = 8
    static let spannedPages: UInt32 = 12
    static let presentPages: UInt32 = 16
    static let freePages: UInt32 = 20
    static let watermarks: UInt32 = 24
    static let lowmemReserve: UInt32 = 36
    static let freeAreas: UInt32 = 64
    static let freeAreaSize: UInt32 = 12
    static let freeAreaCount: UInt32 = 8
    static let size: UInt32 = 256
  }

  /// `struct vm_struct`.
  enum Area {
    static let next: UInt32 = 0
    static let address: UInt32 = 4
    static let size: UInt32 = 8
    static let flags: UInt32 = 12
    static let pages: UInt32 = 16
    static let pageCount: UInt32 = 20
    static let physicalAddress: UInt32 = 24
    static let left: UInt32 = 32
    static let right: UInt32 = 36
    static let gap: UInt32 = 40
    static let largestGap: UInt32 = 44
    static let protection: UInt32 = 48
    static let ioremap: UInt32 = 0x01
    static let alloc: UInt32 = 0x02
    static let map: UInt32 = 0x04
    static let vpages: UInt32 = 0x10
    static let lazyFree: UInt32 = 0x40
  }

  /// `struct kmem_cache`.
  enum Cache {
    static let count: UInt32 = 8
    static let objectSize: UInt32 = 0
    static let slabCount: UInt32 = 4
    static let activeObjects: UInt32 = 8
    static let partial: UInt32 = 12
    static let size: UInt32 = 32
  }

  /// A process.
  enum Process {
    static let next: UInt32 = 0
    static let pid: UInt32 = 4
    static let pointerTable: UInt32 = 8
    static let userPages: UInt32 = 12
  }

  /// Values of `tlb_flush_policy`.
  enum FlushPolicy {
    static let lazy: UInt32 = 2
  }

  /// Values of `vmap_area_search`.
  enum AreaSearch {
    static let tree: UInt32 = 1
  }
}
