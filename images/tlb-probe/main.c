/* Discovers the geometry and the latencies of TLBs and caches from inside, and compares them with what a P6 has. */

#include "console.h"
#include "multiboot.h"

#include "tlb-probe.h"

enum { NEEDED_KIB = (RAM_BASE + RAM_SIZE - (1 << 20)) >> 10 };

static void print_means(void) {
  print("TLBs and caches, found by measuring. Performance counters: ");
  print(has_counters() ? "yes" : "none");
  print("; RDTSC: ");
  print(can_measure(CYCLES) ? "exact" : "not the guest's own cycles");
  print(".\n");
  if (!can_measure(DTLB_MISSES))
    print(can_measure(CYCLES) ? "Misses are told from the cycles that walks take, where they take any.\n"
                              : "There is nothing to count misses by.\n");
}

int guest_main(uint32_t magic, const struct multiboot_info *info) {
  uint32_t features = cpuid(1).edx;
  if (magic != MULTIBOOT_BOOT_MAGIC || !(info->flags & MULTIBOOT_HAS_MEMORY) || info->mem_upper < NEEDED_KIB ||
      !(features & CPUID_PAE) || !(features & CPUID_PSE)) {
    print("tlb-probe: wants a Multiboot loader, 80 MB of RAM and a CPU with PAE and PSE\n");
    return 1;
  }
  enter_paging(PAE_PAGING);
  find_counters();
  print_means();

  check_counters();
  sweep_pages();
  walk_cold_pages();
  find_tlb_geometry();
  find_cache_geometry();
  climb_latencies();
  if (!has_cache_model() && can_measure(CYCLES))
    print("\nLoads take as long from DRAM as from L1: no caches are modelled here.\n");
  measure_walks();
  measure_instructions();
  return print_verdict() ? 0 : 1;
}
