/* The page tables. */

#include "tlb-probe.h"

enum {
  LARGE_PAE = 1 << 21,
  LARGE_32 = 1 << 22,
  TABLES_PAE = RAM_SIZE / LARGE_PAE,
  TABLES_32 = RAM_SIZE / LARGE_32,
  USED = P | W | A | D, /* as a page stands after its first write: walks have nothing to set */
};

_Alignas(32) static pae_entry pdpt[4];
PAGE_ALIGNED static pae_entry directories[3][512]; /* low, small, large: one for each GiB */
PAGE_ALIGNED static pae_entry tables[TABLES_PAE][512];
PAGE_ALIGNED static entry32 directory32[1024], tables32[TABLES_32][1024];

static enum paging_mode current;

static void build_pae(void) {
  for (uint32_t i = 0; i < LOW_END / LARGE_PAE; i++)
    directories[0][i] = i * LARGE_PAE | USED | PS | G;
  for (uint32_t i = 0; i < TABLES_PAE; i++) {
    directories[1][i] = physical(tables[i]) | P | W | A;
    for (uint32_t j = 0; j < 512; j++)
      tables[i][j] = (RAM_BASE + i * LARGE_PAE + j * PAGE_SIZE) | USED;
  }
  for (uint32_t i = 0; i < LARGE_PAGES_SIZE / LARGE_PAE; i++)
    directories[2][i] = (RAM_BASE + i % TABLES_PAE * LARGE_PAE) | USED | PS;
  for (unsigned i = 0; i < 3; i++)
    pdpt[i] = physical(directories[i]) | P;
}

static void build_32(void) {
  for (uint32_t i = 0; i < LOW_END / LARGE_32; i++)
    directory32[i] = i * LARGE_32 | USED | PS | G;
  for (uint32_t i = 0; i < TABLES_32; i++) {
    directory32[(SMALL_PAGES >> 22) + i] = physical(tables32[i]) | P | W | A;
    for (uint32_t j = 0; j < 1024; j++)
      tables32[i][j] = (RAM_BASE + i * LARGE_32 + j * PAGE_SIZE) | USED;
  }
  for (uint32_t i = 0; i < LARGE_PAGES_SIZE / LARGE_32; i++)
    directory32[(LARGE_PAGES >> 22) + i] = (RAM_BASE + i % TABLES_32 * LARGE_32) | USED | PS;
}

void enter_paging(enum paging_mode mode) {
  bool pae = mode == PAE_PAGING;
  if (pae)
    build_pae();
  else
    build_32();
  current = mode;

  /* Code is mapped to itself in both modes, so paging may go off in between. */
  write_cr0(read_cr0() & ~(CR0_PG | CR0_CD | CR0_NW));
  uint32_t pge = cpuid(1).edx & CPUID_PGE ? CR4_PGE : 0;
  write_cr4(CR4_PSE | (pae ? CR4_PAE : 0) | pge);
  write_cr3(pae ? physical(pdpt) : physical(directory32));
  write_cr0(read_cr0() | CR0_PG);
}

uint32_t large_page_size(void) { return current == PAE_PAGING ? LARGE_PAE : LARGE_32; }

uint32_t address_of_pde(uint32_t linear) { return physical(&directories[linear >> 30][linear >> 21 & 511]); }

uint32_t address_of_pte(uint32_t linear) {
  return physical(&tables[(linear - SMALL_PAGES) >> 21][linear >> 12 & 511]);
}
