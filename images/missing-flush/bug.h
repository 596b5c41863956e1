/* What the guests with a missing flush share: tables, two sets of frames, and the use that shows which one the CPU went by.
 *
 * Each guest is one file with `bug_name` and `bug()`. Compiled with FIXED it has the flush that the kernel's author forgot.
 * For a debugger: `va` is the page looked at, `bad_store` the instruction that changes its entry, `stale_use` the access
 * that goes by the old translation. */

#ifndef BUG_H
#define BUG_H

#include <stdbool.h>

#include "console.h"
#include "exceptions.h"
#include "machine.h"
#include "paging.h"

#define VA 0x40000000u
#define PAGE(i) (VA + (i) * PAGE_SIZE)

enum { OLD = 0x0DD0F4A3, NEW = 0x4E304E30, PAGES = 4 };

/* Large frames: RAM outside the image. */
#define LARGE_OLD 0x00400000u
#define LARGE_NEW 0x00600000u

/* The first 8 MiB are mapped to themselves with large pages; VA has two sets of tables, one for each set of frames. */
extern pae_entry pdpt[4], other_pdpt[4], low_directory[512];
extern pae_entry directory_old[512], table_old[512], directory_new[512], table_new[512];
extern uint32_t frames_old[PAGES][1024], frames_new[PAGES][1024];

extern const char bug_name[];
void bug(void);

/* Code that only the corrected guest has. */
#ifdef FIXED
#define FIX(statement) statement
#else
#define FIX(statement) (void)0
#endif

/* The store that should have been followed by a flush. */
static inline __attribute__((always_inline)) void bad_store(pae_entry *entry, pae_entry value) {
  /* The low half last: the entry stays whole as long as the high half does not change. */
  ((volatile uint32_t *)entry)[1] = (uint32_t)(value >> 32);
  __asm__ volatile(".globl bad_store\nbad_store: movl %1, %0" : "=m"(*(uint32_t *)entry) : "r"((uint32_t)value) : "memory");
}

/* Reads and writes before the change, which bring the translation into the TLB. */
static inline uint32_t touch(uint32_t address) { return *(volatile uint32_t *)address; }
static inline void touch_write(uint32_t address) { *(volatile uint32_t *)address = OLD; }

/* For guests that expect other exceptions: whether this one was theirs. */
bool handles(struct exception_frame *frame);

/* The use. A page fault in it resumes behind it, with `faulted` set. */
extern volatile bool faulted;
uint32_t stale_read(uint32_t address);
void stale_write(uint32_t address, uint32_t value);

/* Says which translation was used: a value, or a fault where memory no longer allows the access. */
void report_value(uint32_t value);
void report_fault(bool has_faulted);

#endif
