// The kernel's variables, one block with a symbol for each: the offsets are those of KernelVariable in
// Sources/MiniKernel/Layout.swift, and MiniKernelTests compares the two. What looks into a kernel from outside finds
// its data by these symbols.

  .macro variable name, offset, size
  .globl \name
  .type \name, @object
  .set \name, kernel_variables + \offset
  .size \name, \size
  .endm

  .section .bss.kernel_variables, "aw", @nobits
  .balign 4096
  .globl kernel_variables
  .type kernel_variables, @object
kernel_variables:
  .skip 0x4000
  .size kernel_variables, 0x4000

  variable swapper_pmd, 0x0000, 4096
  variable pkmap_page_table, 0x1000, 4096
  variable fixmap_page_table, 0x2000, 4096
  variable swapper_pg_dir, 0x3000, 32
  variable mem_map, 0x3020, 4
  variable max_pfn, 0x3024, 4
  variable max_low_pfn, 0x3028, 4
  variable high_memory, 0x302C, 4
  variable num_physpages, 0x3030, 4
  variable vmlist, 0x3034, 4
  variable vmalloc_start, 0x3038, 4
  variable cpu_features, 0x303C, 4
  variable phys_addr_bits, 0x3040, 4
  variable current_process, 0x3044, 4
  variable process_list, 0x3048, 4
  variable last_pid, 0x304C, 4
  variable nr_page_table_pages, 0x3050, 4
  variable last_pkmap_nr, 0x3054, 4
  variable fail_page_alloc, 0x3058, 4
  variable nr_warnings, 0x305C, 4
  variable tlb_flush_policy, 0x3060, 4
  variable nr_tlb_flush_all, 0x3064, 4
  variable nr_tlb_flush_one, 0x3068, 4
  variable nr_vmalloc_faults, 0x306C, 4
  variable nr_memory_ranges, 0x3070, 4
  variable nr_reserved_ranges, 0x3074, 4
  variable console_flags, 0x3078, 4
  variable vmap_lazy_nr, 0x307C, 4
  variable vmap_area_search, 0x3080, 4
  variable vmap_area_root, 0x3084, 4
  variable vmap_allow_huge, 0x3088, 4
  variable nr_vmap_purges, 0x308C, 4
  variable nr_vmap_search_steps, 0x3090, 4
  variable vm_update_depth, 0x3094, 4
  variable zone_table, 0x3100, 768
  variable kmalloc_caches, 0x3400, 256
  variable pkmap_count, 0x3600, 1024
  variable memory_ranges, 0x3A00, 512
  variable reserved_ranges, 0x3C00, 256
  variable saved_command_line, 0x3D00, 256
