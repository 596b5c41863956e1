/* stale: which translation did the CPU use? Page tables are edited behind the processor's back, and a read shows
 * whether it went by what memory says now or by what it had kept: a TLB entry, or a PDPTE register.
 *
 * Whatever the CPU does is printed as it was seen, with a remark where the manual leaves the choice or wants it
 * otherwise (SDM vol. 3A, 4.4.1 and 4.10). The exit status is 0 as long as every read gave the data of one of the
 * two frames.
 *
 * For a debugger: `va` is the page looked at, and every step has a label, `step_...`, at the instruction it begins
 * with. `frame_old`, `frame_new`, `pdpt`, `directory_old`, `table_old` and so on are where their names say. */

#include <stdbool.h>

#include "console.h"
#include "machine.h"
#include "multiboot.h"
#include "paging.h"

#define VA 0x40000000u
__asm__(".globl va\n.set va, 0x40000000");
_Static_assert(VA == 0x40000000u, "va is spelled out above");

/* A label that a debugger can break at. Functions with steps are never inlined or cloned. */
#define STEP(name) __asm__ volatile(".globl step_" #name "\nstep_" #name ":" : : : "memory")
#define EXPERIMENT static __attribute__((noinline)) void

enum { OLD = 0x0DD0F4A3, NEW = 0x4E304E30, NAME_WIDTH = 38, USED_WIDTH = 24 };

/* Large frames: RAM outside the image. */
#define LARGE_OLD 0x00400000u
#define LARGE_NEW 0x00600000u

/* The first 8 MiB are mapped to themselves with large pages; VA has two sets of tables, one for each frame. */
_Alignas(32) pae_entry pdpt[4];
PAGE_ALIGNED pae_entry low_directory[512];
PAGE_ALIGNED pae_entry directory_old[512], table_old[512];
PAGE_ALIGNED pae_entry directory_new[512], table_new[512];
PAGE_ALIGNED uint32_t frame_old[1024], frame_new[1024];

static bool honest = true;

/* Starts an experiment with everything about VA as it was and nothing about it cached. */
static void reset_tables(void) {
  table_old[0] = physical(frame_old) | P | W;
  table_new[0] = physical(frame_new) | P | W;
  directory_old[0] = physical(table_old) | P | W;
  directory_new[0] = physical(table_new) | P | W;
  pdpt[1] = physical(directory_old) | P;
  invlpg((void *)VA);
  write_cr3(physical(pdpt));
}

enum manual { MUST_BE_OLD, MUST_BE_NEW, MAY_BE_EITHER };

/* Says which frame `value` came from. A read that memory's tables no longer explain is a stale one. */
static void report(const char *step, uint32_t value, bool edited, enum manual manual) {
  static const char *const rules[] = {"", "", "(the manual allows both)"};
  const char *used = value == NEW ? "new frame" : edited ? "old frame (stale)" : "old frame";
  if (value != OLD && value != NEW) {
    used = "neither frame";
    honest = false;
  }
  const char *rule = rules[manual];
  if (manual == MUST_BE_OLD && value != OLD)
    rule = "(the manual wants the old one)";
  if (manual == MUST_BE_NEW && value != NEW)
    rule = "(the manual wants the new one)";
  print("  ");
  print_padded(step, NAME_WIDTH);
  print("used: ");
  print_padded(used, *rule ? USED_WIDTH : 0);
  print(rule);
  print("\n");
}

static inline __attribute__((always_inline)) uint32_t look(void) { return *(volatile uint32_t *)VA; }

/* The experiments ------------------------------------------------------------------------------------------------ */

EXPERIMENT edit_pte(void) {
  print("1. A page-table entry, edited without INVLPG\n");
  reset_tables();
  STEP(pte_fill);
  report("read", look(), false, MUST_BE_OLD);
  STEP(pte_edit);
  *(volatile pae_entry *)&table_old[0] = physical(frame_new) | P | W;
  STEP(pte_look);
  report("PTE edited, read", look(), true, MAY_BE_EITHER);
  STEP(pte_invlpg);
  invlpg((void *)VA);
  STEP(pte_look_again);
  report("INVLPG, read", look(), true, MUST_BE_NEW);
}

EXPERIMENT edit_pdpte(void) {
  print("2. A PDPTE, edited without a CR3 load\n");
  reset_tables();
  STEP(pdpte_fill);
  report("read", look(), false, MUST_BE_OLD);
  STEP(pdpte_edit);
  *(volatile pae_entry *)&pdpt[1] = physical(directory_new) | P;
  STEP(pdpte_look);
  report("PDPTE edited, read", look(), true, MUST_BE_OLD);
  STEP(pdpte_invlpg);
  invlpg((void *)VA);
  STEP(pdpte_look_again);
  uint32_t value = look();
  report("INVLPG, read", value, true, MUST_BE_OLD);
  if (value == OLD)
    print("    old PDPTE in force after INVLPG: the walk starts from a register\n");
  STEP(pdpte_load_cr3);
  write_cr3(read_cr3());
  STEP(pdpte_look_at_last);
  report("MOV CR3, read", look(), true, MUST_BE_NEW);
}

EXPERIMENT keep_global(void) {
  print("3. A global page over a CR3 load\n");
  if (!(cpuid(1).edx & CPUID_PGE)) {
    print("  skipped: this CPU has no global pages\n");
    return;
  }
  reset_tables();
  write_cr4(read_cr4() | CR4_PGE);
  table_old[0] |= G;
  STEP(global_fill);
  report("read", look(), false, MUST_BE_OLD);
  STEP(global_edit);
  *(volatile pae_entry *)&table_old[0] = physical(frame_new) | P | W | G;
  STEP(global_load_cr3);
  write_cr3(read_cr3());
  STEP(global_look);
  report("PTE edited, MOV CR3, read", look(), true, MAY_BE_EITHER);
  STEP(global_invlpg);
  invlpg((void *)VA);
  STEP(global_look_again);
  report("INVLPG, read", look(), true, MUST_BE_NEW);
  write_cr4(read_cr4() & ~CR4_PGE);
}

EXPERIMENT edit_large(void) {
  print("4. A 2 MiB page, edited without INVLPG\n");
  reset_tables();
  directory_old[0] = LARGE_OLD | P | W | PS;
  STEP(large_fill);
  report("read", look(), false, MUST_BE_OLD);
  STEP(large_edit);
  *(volatile pae_entry *)&directory_old[0] = LARGE_NEW | P | W | PS;
  STEP(large_look);
  report("PDE edited, read", look(), true, MAY_BE_EITHER);
  STEP(large_invlpg);
  invlpg((void *)(VA + 0x100000));
  STEP(large_look_again);
  report("INVLPG 1 MiB further on, read", look(), true, MUST_BE_NEW);
}

int guest_main(uint32_t magic, const struct multiboot_info *info) {
  (void)info;
  if (magic != MULTIBOOT_BOOT_MAGIC || !(cpuid(1).edx & CPUID_PAE)) {
    print("stale: wants a Multiboot loader and a CPU with PAE\n");
    return 1;
  }
  frame_old[0] = *(volatile uint32_t *)LARGE_OLD = OLD;
  frame_new[0] = *(volatile uint32_t *)LARGE_NEW = NEW;
  for (uint32_t i = 0; i < 4; i++)
    low_directory[i] = (pae_entry)i << 21 | P | W | PS;
  pdpt[0] = physical(low_directory) | P;
  pdpt[1] = physical(directory_old) | P;
  write_cr4(read_cr4() | CR4_PAE);
  write_cr3(physical(pdpt));
  write_cr0(read_cr0() | CR0_PG);

  print("Which translation does this CPU use? Page ");
  print_hex(VA, 8);
  print(", old frame ");
  print_hex(physical(frame_old), 8);
  print(", new frame ");
  print_hex(physical(frame_new), 8);
  print(".\n\n");
  edit_pte();
  edit_pdpte();
  keep_global();
  edit_large();
  print(honest ? "\nstale: every read came from one of the two frames\n" : "\nstale: FAILED\n");
  return honest ? 0 : 1;
}
