/* paging-tour: what a stop of the tour is. The stops themselves, one case each, are in stops.c, what happens at each in main.c. */

#ifndef TOUR_H
#define TOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"
#include "paging.h"
#include "probe.h"

/* Where the pages under test are: the first in PDPTE 1 with PAE, in PDE 256 in 32-bit paging. The page after it is
 * there for accesses that cross from one to the next. */
#define VA 0x40000000u

/* How paging is set up at a stop: the mode, and switches to combine with it. */
enum {
  PAE = 1 << 0,    /* PAE paging; otherwise 32-bit */
  WP = 1 << 1,     /* CR0.WP: ring 0 respects read-only pages */
  PSE = 1 << 2,    /* CR4.PSE: large pages in 32-bit paging */
  PGE = 1 << 3,    /* CR4.PGE: global pages */
  NXE = 1 << 4,    /* EFER.NXE: no-execute pages */
  PSE36 = 1 << 5,  /* only on a CPU with PSE-36 */
  ABOVE4G = 1 << 6 /* only on a machine with RAM at 4 GiB */
};

/* A bit in a PAE entry that is replaced by the lowest one above the CPU's physical addresses. */
#define BEYOND (1ull << 61)

/* What is done at a stop. */
enum access { READ, WRITE, FETCH, USER_READ, USER_WRITE, USER_FETCH, LOAD_CR3 };

/* What the manual says comes of it: an exception and its error code, or none. */
struct expected {
  uint32_t vector, error_code;
};
#define NO_FAULT ((struct expected){VECTOR_DONE, 0})
#define PAGE_FAULT(bits) ((struct expected){VECTOR_PF, (bits)})
#define GP ((struct expected){VECTOR_GP, 0})

/* Bits of a page fault's error code (SDM vol. 3A, figure 4-12): protection violation rather than not present,
 * write, ring 3, reserved bit, instruction fetch. */
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_R = 8, PF_I = 16 };

/* What a stop's own check finds: right or wrong, and a remark for the line (may be empty). */
struct verdict {
  bool ok;
  const char *remark;
};

struct stop {
  const char *name;
  unsigned setup;
  uint64_t pdpte, pde, pte; /* flags of the entries on the way to VA; addresses are added */
  enum access access;
  uint32_t offset; /* from VA */
  struct expected expected;

  /* What only some stops have: */
  uint64_t next_pte;                 /* flags of the entry for the page after VA; 0 leaves it not present */
  uint32_t fault_offset;             /* CR2 - VA, when it isn't `offset` */
  void (*before)(void);              /* with paging on, just before the access */
  struct verdict (*after)(struct outcome); /* with paging on, after it; in place of the look at the data */
};

extern const struct stop stops[];
extern const unsigned stop_count;

/* tables.c: the page tables ---------------------------------------------------------------------------------- */

/* Both frames start with their mark; RET is at RET_OFFSET, so that they can be called; their last two bytes begin an
 * instruction that goes on in the next page. */
extern uint8_t frame_a[PAGE_SIZE], frame_b[PAGE_SIZE];
#define MARK_A 0xAAAA0001u
#define MARK_B 0xBBBB0002u
#define MARK_LARGE 0xCCCC0003u
#define MARK_HIGH 0xDDDD0004u
#define WRITTEN 0x12345678u
#define RET_OFFSET 16u
#define LAST_TWO (PAGE_SIZE - 2)
#define RET 0xC3
#define MOV_EAX 0xB8

/* RAM outside the image for large pages: at 4 MiB, and at 4 GiB where there is some. */
#define LARGE_FRAME 0x00400000u
#define HIGH_FRAME 0x100000000ull

/* The entries on the way to VA and to the page after it, in each mode. */
extern pae_entry pdpt[4], window_directory[512], window_table[512];
extern entry32 directory32[1024], window_table32[1024];

/* A second PDPT, equal to the first but that VA's entry leads to frame B and that entry 2 has a stop's flags. */
extern pae_entry other_pdpt[4];

/* The CPU's physical address width, from CPUID. */
unsigned physical_address_width(void);

/* Builds the tables of `stop` and turns paging on with it. Paging must be off. */
void enter_paging(const struct stop *stop);

/* Turns paging off, and every switch that a stop may have set. */
void leave_paging(void);

/* Writes MARK_HIGH to HIGH_FRAME through a PAE mapping. */
void mark_high_frame(void);

#endif
