// The layout of linear addresses on IA-32 with PAE, and of every structure the kernel keeps in memory.
//
// This file is the one table by which something outside the kernel (an auditor, a debugger) understands a memory
// image: symbols of the ELF file give the addresses of the variables, the constants below the offsets of fields.
// All fields are little-endian and naturally aligned; addresses are linear, 32 bits wide; 64-bit fields say so.

/// The kernel's part of the linear address space, from 3 GiB up. Linux 2.6.24: `include/asm-x86/page_32.h`,
/// `pgtable_32.h`, `fixmap_32.h`, `highmem.h`.
public enum AddressSpace {
  /// Where physical address 0 is mapped (`PAGE_OFFSET`).
  public static let pageOffset = KernelAddress(0xC000_0000)
  /// The most memory that is mapped directly (`MAXMEM`), in frames: 896 MiB.
  public static let maximumLowFrames: FrameNumber = 896 << 8
  /// The hole between the direct map and the vmalloc range (`VMALLOC_OFFSET`): 8 MiB, never mapped, so that
  /// something running over the end of lowmem faults.
  public static let vmallocOffset: UInt32 = 8 << 20
  /// The window in which `kmap` shows high pages (`PKMAP_BASE`): the 2 MiB of one page table.
  public static let kmapBase = KernelAddress(0xFFC0_0000)
  /// Pages in the kmap window (`LAST_PKMAP`).
  public static let kmapPages: UInt32 = 512
  /// The end of the vmalloc range (`VMALLOC_END`): two pages below the kmap window.
  public static let vmallocEnd = KernelAddress(0xFFBF_E000)
  /// The first address covered by the fixmap's page table.
  public static let fixmapTableBase = KernelAddress(0xFFE0_0000)
  /// Fixmap slot n is the page that starts n pages below this (`FIXADDR_TOP`). Slot 0 is a hole, so that the last
  /// page of the address space is never mapped and small negative numbers are never addresses.
  public static let fixmapTop = KernelAddress(0xFFFF_F000)
  /// What one page table maps (`PMD_SIZE`).
  public static let pageTableSpan: UInt32 = 2 << 20
}

/// Offsets of the kernel's variables from the symbol `kernel_variables`. Each has the symbol named in its comment.
public enum KernelVariable {
  /// `swapper_pmd`: the page directory of the kernel's gigabyte in the reference table. 512 entries of 64 bits.
  public static let swapperPageDirectory: UInt32 = 0x0000
  /// `pkmap_page_table`: the page table of the kmap window. 512 entries of 64 bits.
  public static let kmapPageTable: UInt32 = 0x1000
  /// `fixmap_page_table`: the page table of the fixmap. 512 entries of 64 bits.
  public static let fixmapPageTable: UInt32 = 0x2000
  /// `swapper_pg_dir`: the reference page-directory-pointer table. 4 entries of 64 bits, 32-byte aligned.
  public static let swapperPointerTable: UInt32 = 0x3000
  /// `mem_map`: the address of the array of `struct page`, indexed by frame number.
  public static let memMap: UInt32 = 0x3020
  /// `max_pfn`: the first frame number after all memory the kernel uses.
  public static let maxFrame: UInt32 = 0x3024
  /// `max_low_pfn`: the first frame number that is not mapped directly.
  public static let maxLowFrame: UInt32 = 0x3028
  /// `high_memory`: the first address after the direct map.
  public static let highMemory: UInt32 = 0x302C
  /// `num_physpages`: frames of RAM in use.
  public static let physicalPages: UInt32 = 0x3030
  /// `vmlist`: the area with the lowest address, or 0.
  public static let vmlist: UInt32 = 0x3034
  /// `vmalloc_start`: `VMALLOC_START`, which depends on the size of lowmem.
  public static let vmallocStart: UInt32 = 0x3038
  /// `cpu_features`: bits of `CPUFeatures`.
  public static let cpuFeatures: UInt32 = 0x303C
  /// `phys_addr_bits`: the width of a physical address (CPUID.80000008H, else 36).
  public static let physicalAddressBits: UInt32 = 0x3040
  /// `current_process`: the process whose tables CR3 names.
  public static let currentProcess: UInt32 = 0x3044
  /// `process_list`: the newest process, or 0. Process 0, which runs on the reference table, is not in it.
  public static let processList: UInt32 = 0x3048
  /// `last_pid`: the number given to the newest process.
  public static let lastPID: UInt32 = 0x304C
  /// `nr_page_table_pages`: pages in use as page tables and directories.
  public static let pageTablePages: UInt32 = 0x3050
  /// `last_pkmap_nr`: where the search for a free kmap slot goes on.
  public static let lastKmapSlot: UInt32 = 0x3054
  /// `fail_page_alloc`: n > 0 makes the n-th page allocation from now fail; 0 none (Linux: `fail_page_alloc`).
  public static let failPageAllocation: UInt32 = 0x3058
  /// `nr_warnings`: how many bad calls and bugs were reported.
  public static let warnings: UInt32 = 0x305C
  /// `tlb_flush_policy`: a `TLBFlushPolicy`.
  public static let tlbFlushPolicy: UInt32 = 0x3060
  /// `nr_tlb_flush_all`: whole-TLB flushes so far.
  public static let wholeFlushes: UInt32 = 0x3064
  /// `nr_tlb_flush_one`: pages invalidated one by one so far.
  public static let pageFlushes: UInt32 = 0x3068
  /// `nr_vmalloc_faults`: directory entries copied from the reference table by the fault handler.
  public static let vmallocFaults: UInt32 = 0x306C
  /// `nr_memory_ranges`: entries in `memoryRanges`.
  public static let memoryRangeCount: UInt32 = 0x3070
  /// `nr_reserved_ranges`: entries in `reservedRanges`.
  public static let reservedRangeCount: UInt32 = 0x3074
  /// `console_flags`: bit 0: colour; bit 1: output is thrown away.
  public static let consoleFlags: UInt32 = 0x3078
  /// `vmap_lazy_nr`: pages of areas that are unmapped but not yet flushed from the TLB.
  public static let lazyPages: UInt32 = 0x307C
  /// `vmap_area_search`: a `VMAreaSearch`.
  public static let areaSearch: UInt32 = 0x3080
  /// `vmap_area_root`: the root of the tree of areas, or 0; meaningful while the search is the tree's.
  public static let areaRoot: UInt32 = 0x3084
  /// `vmap_allow_huge`: 1 when large areas may be mapped by 2 MiB pages.
  public static let allowHuge: UInt32 = 0x3088
  /// `nr_vmap_purges`: how often lazily freed areas were purged.
  public static let purges: UInt32 = 0x308C
  /// `nr_vmap_search_steps`: areas looked at in searches for a gap.
  public static let searchSteps: UInt32 = 0x3090
  /// `vm_update_depth`: how many changes of the structures below the kernel is in the middle of; see `beginUpdate`.
  public static let updateDepth: UInt32 = 0x3094
  /// `zone_table`: three zones of `ZoneLayout`.
  public static let zoneTable: UInt32 = 0x3100
  /// `kmalloc_caches`: eight caches of `CacheLayout`.
  public static let kmallocCaches: UInt32 = 0x3400
  /// `pkmap_count`: 512 16-bit counts: 0 free, 1 unused but not yet flushed from the TLB, n + 1: n users.
  public static let kmapCounts: UInt32 = 0x3600
  /// `memory_ranges`: 32 entries of first and end physical address, 64 bits each: RAM, sorted, disjoint.
  public static let memoryRanges: UInt32 = 0x3A00
  /// `reserved_ranges`: 16 entries of the same form: what of it was in use before the allocator started.
  public static let reservedRanges: UInt32 = 0x3C00
  /// `saved_command_line`: 256 bytes, NUL-terminated.
  public static let commandLine: UInt32 = 0x3D00
  /// The size of the block.
  public static let size: UInt32 = 0x4000
}

/// `struct page`: 16 bytes a frame. All zero: not managed, or inside a block whose head says what it is.
public enum PageLayout {
  /// Bits 0-7: `PageFlags`; 8-15: the block's order, in its head; 16-31: users, or a slab's objects in use.
  public static let flags: UInt32 = 0
  /// A slab's first free object; a high page's address in the kmap window, or 0 (`freelist`, `virtual`).
  public static let virtual: UInt32 = 4
  /// Links of the list the page is in: a zone's free list, a cache's partial slabs (`lru.next`, `lru.prev`).
  /// They hold addresses of links, not of pages.
  public static let links: UInt32 = 8
  /// Bytes of a `struct page`.
  public static let size: UInt32 = 16
}

/// `struct zone`.
public enum ZoneLayout {
  /// Eight characters, NUL-padded.
  public static let name: UInt32 = 0
  /// `zone_start_pfn`.
  public static let startFrame: UInt32 = 8
  /// `spanned_pages`: frames from first to last, holes included.
  public static let spannedPages: UInt32 = 12
  /// `present_pages`: frames of RAM.
  public static let presentPages: UInt32 = 16
  /// `free_pages`.
  public static let freePages: UInt32 = 20
  /// `pages_min`, `pages_low`, `pages_high`: the watermarks.
  public static let watermarks: UInt32 = 24
  /// `lowmem_reserve`: for each zone a request could have had, what it must leave here.
  public static let lowmemReserve: UInt32 = 36
  /// `free_area`: eleven of a list head (next, prev) and `nr_free`, 12 bytes each.
  public static let freeAreas: UInt32 = 64
  /// Bytes of one entry of `free_area`.
  public static let freeAreaSize: UInt32 = 12
  /// The offset of `nr_free` in an entry of `free_area`.
  public static let freeAreaCount: UInt32 = 8
  /// Bytes of a `struct zone`.
  public static let size: UInt32 = 256
}

/// `struct vm_struct`: one linear area of the vmalloc range.
public enum VMAreaLayout {
  /// The next descriptor, or 0.
  public static let next: UInt32 = 0
  /// The first linear address (`addr`).
  public static let address: UInt32 = 4
  /// In bytes, the guard page included.
  public static let size: UInt32 = 8
  /// `VMAreaFlags`.
  public static let flags: UInt32 = 12
  /// The array of addresses of `struct page`, or 0.
  /// Its own pages, or for `VM_MAP` the caller's.
  public static let pages: UInt32 = 16
  /// The number of entries in the array (`nr_pages`).
  public static let pageCount: UInt32 = 20
  /// 64 bits: the physical address of an ioremap area, else 0.
  public static let physicalAddress: UInt32 = 24
  /// The area at the root of the subtree with lower addresses, or 0.
  public static let left: UInt32 = 32
  /// The area at the root of the subtree with higher addresses, or 0.
  public static let right: UInt32 = 36
  /// Bytes between the area before this one (or `VMALLOC_START`) and this one.
  public static let gap: UInt32 = 40
  /// The largest `gap` in the subtree that begins here.
  public static let largestGap: UInt32 = 44
  /// 64 bits: the protection asked for, as the flags of a page-table entry; 0 until the area is mapped.
  public static let protection: UInt32 = 48
  /// Bytes of a `struct vm_struct`.
  public static let byteCount: UInt32 = 56
}

/// `struct kmem_cache`: one size of kmalloc objects, slabs of one page.
public enum CacheLayout {
  /// Bytes of an object.
  public static let objectSize: UInt32 = 0
  /// Slabs in use.
  public static let slabCount: UInt32 = 4
  /// Objects in use.
  public static let activeObjects: UInt32 = 8
  /// A list head: slabs with a free object.
  public static let partial: UInt32 = 12
  /// Bytes of a `struct kmem_cache`.
  public static let size: UInt32 = 32
}

/// A process: an address space and a number.
public enum ProcessLayout {
  /// The next older process, or 0.
  public static let next: UInt32 = 0
  /// The number of the process.
  public static let pid: UInt32 = 4
  /// The linear address of its page-directory-pointer table.
  public static let pointerTable: UInt32 = 8
  /// User pages mapped.
  public static let userPages: UInt32 = 12
  /// Bytes of a descriptor.
  public static let byteCount: UInt32 = 32
}
