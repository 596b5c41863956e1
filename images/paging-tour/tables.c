/* The page tables of a stop, by hand, and the switches that put them in force. */

#include <string.h>

#include "tour.h"

/* The low 4 MiB are mapped to themselves in 4 KiB pages, supervisor but for the user pages: the code that makes the
 * accesses lives there. VA has tables of its own. */
_Alignas(32) pae_entry pdpt[4], other_pdpt[4];
PAGE_ALIGNED static pae_entry low_directory[512], low_tables[2][512];
PAGE_ALIGNED pae_entry window_directory[512], window_table[512];
PAGE_ALIGNED static pae_entry other_directory[512], other_table[512];

PAGE_ALIGNED entry32 directory32[1024], window_table32[1024];
PAGE_ALIGNED static entry32 low_table32[1024];

PAGE_ALIGNED uint8_t frame_a[PAGE_SIZE], frame_b[PAGE_SIZE];

extern uint8_t user_start[], user_end[];

enum { LOW_PAGES = 1024 };

/* For a debugger: `va` is the page under test. */
__asm__(".globl va\n.set va, 0x40000000");
_Static_assert(VA == 0x40000000u, "va is spelled out above");

unsigned physical_address_width(void) {
  return cpuid(0x80000000).eax >= 0x80000008 ? cpuid(0x80000008).eax & 0xFF : 36;
}

static uint32_t low_flags(uint32_t address) {
  return address >= physical(user_start) && address < physical(user_end) ? P | W | U : P | W;
}

static pae_entry real_flags(uint64_t flags) {
  return flags & BEYOND ? (flags & ~BEYOND) | 1ull << physical_address_width() : flags;
}

static void build_pae(const struct stop *stop) {
  for (uint32_t page = 0; page < LOW_PAGES; page++)
    low_tables[page / 512][page % 512] = page * PAGE_SIZE | low_flags(page * PAGE_SIZE);
  low_directory[0] = physical(low_tables[0]) | P | W | U;
  low_directory[1] = physical(low_tables[1]) | P | W | U;

  uint64_t target = stop->pde & PS ? LARGE_FRAME : physical(window_table);
  window_directory[0] = target | real_flags(stop->pde);
  window_table[0] = physical(frame_a) | real_flags(stop->pte);
  window_table[1] = physical(frame_b) | real_flags(stop->next_pte);
  other_directory[0] = physical(other_table) | P | W | U;
  other_table[0] = physical(frame_b) | P | W | U;

  bool loads_cr3 = stop->access == LOAD_CR3;
  pdpt[0] = other_pdpt[0] = physical(low_directory) | P;
  pdpt[1] = physical(window_directory) | (loads_cr3 ? (pae_entry)P : real_flags(stop->pdpte));
  other_pdpt[1] = physical(other_directory) | P;
  other_pdpt[2] = real_flags(stop->pdpte);
}

static void build_32(const struct stop *stop) {
  for (uint32_t page = 0; page < LOW_PAGES; page++)
    low_table32[page] = page * PAGE_SIZE | low_flags(page * PAGE_SIZE);
  directory32[0] = physical(low_table32) | P | W | U;

  /* With PSE off, PS means nothing and the entry leads to a table. */
  bool large = (stop->pde & PS) && (stop->setup & PSE);
  uint32_t target = !large ? physical(window_table32)
                    : stop->setup & ABOVE4G ? (uint32_t)(HIGH_FRAME >> 32) << 13 /* PSE-36: bits 32-39 */
                                            : LARGE_FRAME;
  directory32[VA >> 22] = target | (uint32_t)stop->pde;
  window_table32[0] = physical(frame_a) | (uint32_t)stop->pte;
  window_table32[1] = physical(frame_b) | (uint32_t)stop->next_pte;
}

static void fill_frame(uint8_t *frame, uint32_t mark) {
  memset(frame, 0, PAGE_SIZE);
  memcpy(frame, &mark, sizeof mark);
  frame[RET_OFFSET] = RET;
  frame[LAST_TWO] = MOV_EAX;
}

void enter_paging(const struct stop *stop) {
  fill_frame(frame_a, MARK_A);
  fill_frame(frame_b, MARK_B);
  uint32_t mark = MARK_LARGE;
  memcpy((void *)LARGE_FRAME, &mark, sizeof mark);
  *(uint8_t *)(LARGE_FRAME + RET_OFFSET) = RET;

  if (stop->setup & PAE)
    build_pae(stop);
  else
    build_32(stop);
  if (stop->setup & NXE)
    write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NXE);
  write_cr4((stop->setup & PAE ? CR4_PAE : 0) | (stop->setup & PSE ? CR4_PSE : 0) |
            (stop->setup & PGE ? CR4_PGE : 0));
  write_cr3(stop->setup & PAE ? physical(pdpt) : physical(directory32));
  write_cr0(read_cr0() | CR0_PG | (stop->setup & WP ? CR0_WP : 0));
}

void leave_paging(void) {
  write_cr0(read_cr0() & ~(CR0_PG | CR0_WP));
  if (read_cr4())
    write_cr4(0);
  if (cpuid_extended_edx(0x80000001) & CPUID_NX)
    write_msr(MSR_EFER, read_msr(MSR_EFER) & ~(uint64_t)EFER_NXE);
}

void mark_high_frame(void) {
  static const struct stop plain = {.setup = PAE, .pdpte = P, .pde = P | W, .pte = P | W};
  enter_paging(&plain);
  window_table[0] = HIGH_FRAME | P | W;
  *(volatile uint32_t *)VA = MARK_HIGH;
  leave_paging();
}
