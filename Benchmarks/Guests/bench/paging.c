#include "bench.h"

#include "machine.h"
#include "paging.h"

enum { LOW_PAGES = ARENA >> 21, ARENA_TABLES = ARENA_SIZE >> 21 };

_Alignas(32) static pae_entry pdpt[4];
PAGE_ALIGNED static pae_entry directory[512];
PAGE_ALIGNED static pae_entry arena_tables[ARENA_TABLES][512];
PAGE_ALIGNED static pae_entry edited_table[512];

void enter_paging(void) {
  for (uint32_t i = 0; i < LOW_PAGES; i++)
    directory[i] = (pae_entry)i << 21 | P | W | PS;
  for (uint32_t i = 0; i < ARENA_TABLES; i++) {
    directory[LOW_PAGES + i] = physical(arena_tables[i]) | P | W;
    for (uint32_t j = 0; j < 512; j++)
      arena_tables[i][j] = (ARENA + (i << 21) + (j << 12)) | P | W;
  }
  directory[EDITED_PAGE >> 21] = physical(edited_table) | P | W;
  pdpt[0] = physical(directory) | P;
  write_cr4(read_cr4() | CR4_PAE);
  write_cr3(physical(pdpt));
  write_cr0(read_cr0() | CR0_PG | CR0_WP);
}

void map_edited_page(uint32_t index) {
  *(volatile pae_entry *)&edited_table[0] = (ARENA + index * PAGE_SIZE) | P | W;
  invlpg((void *)EDITED_PAGE);
}
