/* tlb-probe: the parts of the guest and how they fit.
 *
 * kernels.S is what is measured, counters.c what it is measured with, space.c the page tables, rings.c the data and
 * code that are walked over, descriptors.c what CPUID says. events.c, translation.c, caches.c and costs.c are the
 * experiments; report.c prints and keeps the score. */

#ifndef TLB_PROBE_H
#define TLB_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"
#include "paging.h"

/* Stands for a number that this machine doesn't have. */
#define NONE UINT32_MAX

enum { LINE = 32 };

/* kernels.S ---------------------------------------------------------------------------------------------------- */

typedef void kernel(void);
kernel kernel_empty, kernel_chase, kernel_code, kernel_sweep_pages, kernel_sweep_nothing, kernel_sweep_lines,
    kernel_load_cr3, kernel_load_cr2, kernel_invlpg, kernel_branch_random, kernel_branch_never;

uint32_t timed(kernel *kernel, uint32_t start, uint32_t count);
uint32_t counted(kernel *kernel, uint32_t start, uint32_t count);

/* space.c: linear addresses --------------------------------------------------------------------------------------- */

/* Below LOW_END, in large global pages: code, stack, globals. They never take a place in the arrays for 4 KiB pages.
 * Then the same 64 MiB of RAM twice, in 4 KiB pages and in large ones; the latter go on to 1 GiB of linear addresses by
 * repeating the frames. All entries have A and D set, so that walks only read. */
#define LOW_END 0x01000000u
#define RAM_BASE LOW_END
#define RAM_SIZE 0x04000000u
#define SMALL_PAGES 0x40000000u
#define LARGE_PAGES 0x80000000u
#define LARGE_PAGES_SIZE 0x40000000u

enum paging_mode { PAE_PAGING, PAGING_32 };

/* Turns paging on, or over to another mode. */
void enter_paging(enum paging_mode mode);

/* Bytes of a large page in the mode that is on. */
uint32_t large_page_size(void);

/* Where in memory are the PDE and the PTE that map `linear`, an address from SMALL_PAGES on. PAE only. */
uint32_t address_of_pde(uint32_t linear);
uint32_t address_of_pte(uint32_t linear);

/* The linear address, in large pages, of a physical address in the 64 MiB. */
static inline uint32_t in_large_pages(uint32_t physical) { return physical - RAM_BASE + LARGE_PAGES; }

static inline void flush_tlb(void) { write_cr3(read_cr3()); }

/* counters.c: events ------------------------------------------------------------------------------------------- */

/* Event select and unit mask as in PerfEvtSel: SDM vol. 3B, table 19-37, and for 08h the machine's own extension. */
enum event {
  L2_LINES_IN = 0x24,
  L2_FETCHES = 0x28,
  L2_LOADS = 0x29,
  DATA_REFERENCES = 0x43,
  DATA_LINES_IN = 0x45,
  CLOCKS = 0x79,
  FETCH_MISSES = 0x81,
  ITLB_MISSES = 0x85,
  INSTRUCTIONS = 0xC0,
  BRANCHES = 0xC4,
  BRANCHES_MISPREDICTED = 0xC5,
  DTLB_MISSES = 0x0108,
  WALKS = 0x0208,
  WALK_CYCLES = 0x0408,
  WALK_REFERENCES = 0x0808,
  WALK_L1_MISSES = 0x1008,
  CYCLES = -1, /* the time-stamp counter, which every machine has */
};

/* Whether `event` can be measured: CYCLES where RDTSC says the same each time, the others where the counters are there
 * and something that causes the event was seen to count. Set up by find_counters, after paging is on. */
bool can_measure(enum event event);
void find_counters(void);

/* Whether the machine has counters that count anything. */
bool has_counters(void);

/* What `event` comes to in `count` steps of a kernel, on an empty TLB. */
uint32_t measure(enum event event, kernel *kernel, uint32_t start, uint32_t count);

/* What it comes to in `rounds` times `period` steps, once things are as they will stay: the difference of a long and a
 * short run, after some that don't count. */
uint32_t measure_steady(enum event event, kernel *kernel, uint32_t start, uint32_t period, uint32_t rounds);

/* rings.c: what kernels go around -------------------------------------------------------------------------------- */

/* `count` places, each `step` bytes after the one before, and a line further within its page where `varied` is set, so
 * that neighbours don't meet in the same set of a cache. */
struct ring {
  uint32_t base, step, count;
  bool varied;
};

uint32_t place(const struct ring *ring, uint32_t index);

/* Makes the places a cycle of pointers for kernel_chase, in order or in a random one, the same on every run. */
void build_chain(const struct ring *ring);
void build_shuffled_chain(const struct ring *ring);

/* Makes the places a cycle of jumps for kernel_code: each takes the count down by one. */
void build_code(const struct ring *ring);

/* Cycles of a step of kernel_chase beyond the loop's own, in hundredths. */
uint32_t chase_cycles(const struct ring *ring);

/* (numerator * scale) / denominator, rounded to the nearest. */
uint32_t ratio(uint32_t numerator, uint32_t scale, uint32_t denominator);

/* The largest count up to `limit` for which `fits` holds, when it holds for all below. */
uint32_t largest(bool (*fits)(const void *context, uint32_t count), const void *context, uint32_t limit);

/* descriptors.c: CPUID leaf 2 ---------------------------------------------------------------------------------- */

enum structure { ITLB_SMALL, ITLB_LARGE, DTLB_SMALL, DTLB_LARGE, L1_CODE, L1_DATA, L2, STRUCTURES };

/* TLBs: entries and ways. Caches: bytes, ways and bytes of a line. NONE where not known. */
struct geometry {
  uint32_t size, ways, line;
};

/* What leaf 2 says of a structure; .size is NONE where no descriptor byte tells. */
struct geometry described_geometry(enum structure structure);

/* events.c, translation.c, caches.c, costs.c: the experiments ---------------------------------------------------- */

void check_counters(void);

void sweep_pages(void);
void walk_cold_pages(void);
void find_tlb_geometry(void);

void find_cache_geometry(void);
void climb_latencies(void);

/* Whether loads from L1 and from DRAM differ, found by climb_latencies. */
bool has_cache_model(void);

void measure_walks(void);
void measure_instructions(void);

/* report.c ------------------------------------------------------------------------------------------------------- */

/* Begins a table: its title, then what its rows are named by and what was measured; beside it comes what is expected,
 * or a second column of its own. */
void begin_table(const char *title, const char *rows, const char *measured);
void begin_columns(const char *title, const char *rows, const char *first, const char *second);

/* A row's first column, in one part or two, or with a number in front. */
void print_label(const char *label);
void print_labels(const char *first, const char *second);
void print_label_number(uint32_t number, const char *after);

/* The rest of a row: what was measured beside what it must be, and the verdict. Values have `decimals` digits after the
 * point. NONE as measured value, or `modelled` false, means that the machine doesn't model it; NONE as low bound that
 * nothing is known to compare with. Neither is scored. */
void judge(uint32_t measured, unsigned decimals, uint32_t low, uint32_t high, bool modelled);

/* The rest of a row of two values that nothing is known to compare with. */
void print_values(uint32_t first, unsigned first_decimals, uint32_t second, unsigned second_decimals, bool modelled);

/* As judge, for a structure. */
void judge_geometry(struct geometry found, struct geometry wanted);

/* Prints the score; whether nothing was off. */
bool print_verdict(void);

#endif
