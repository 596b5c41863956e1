/* Bits of paging-structure entries (SDM vol. 3A, tables 4-4 to 4-11). The low twelve are the same in 32-bit and
 * PAE paging; the type is the wider one. */

#ifndef PAGING_H
#define PAGING_H

#include <stdint.h>

#define PAGE_SIZE 4096u
#define PAGE_ALIGNED __attribute__((aligned(4096)))

enum {
  P = 1 << 0,  /* present */
  W = 1 << 1,  /* writable */
  U = 1 << 2,  /* ring 3 may use it */
  A = 1 << 5,  /* accessed: set by the processor */
  D = 1 << 6,  /* dirty: set by the processor, in the entry that maps the page */
  PS = 1 << 7, /* in a PDE: maps a large page */
  G = 1 << 8,  /* global: stays in the TLB over a MOV to CR3 */
};

#define NX (1ull << 63) /* no execute, when EFER.NXE is 1 */

typedef uint64_t pae_entry;
typedef uint32_t entry32;

/* The physical address of one of this image's objects: it is linked flat. */
static inline uint32_t physical(const volatile void *object) { return (uint32_t)(uintptr_t)object; }

#endif
