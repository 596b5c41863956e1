/* What walks, MOV CR3, INVLPG and wrong guesses cost. */

#include "tlb-probe.h"

/* Walks ---------------------------------------------------------------------------------------------------------- */

/* Pages of one set of the DTLB: FEW stay in it, MANY never do. */
enum { FEW = 4, MANY = 8, PAGE_STRIDE = 64, ROUNDS = 64 };

/* All pages have one PDE, in the first set of L1D. Their PTEs are in the third set, the nineteenth and so on, and their
 * data in the set after: so nothing of this meets in a set. */
enum { FIRST_PAGE = 8, DATA_OFFSET = 3 * LINE, DATA_STEP = PAGE_STRIDE * sizeof(pae_entry) };

/* Loads from so many lines push any other line out of their set; they keep pushing each other out too, so that it makes
 * no difference to them whether there was one. */
enum { PUSHERS = 9 };

/* Steps between lines of one L1D set that are in different sets of L2, and between lines of one L2 set. */
enum { L1_STEP = PAGE_SIZE, L2_STEP = 512 << 10 };

static volatile uint32_t *chain_end;

static void append(uint32_t address) {
  *chain_end = address;
  chain_end = (volatile uint32_t *)address;
}

/* Loads that push the line of `entry` out, `step` apart; the word within the line is for this page alone. */
static uint32_t append_pushers(uint32_t entry, uint32_t step, uint32_t page) {
  uint32_t in_step = entry & (step - 1) & ~(LINE - 1u);
  for (uint32_t i = 0; i < PUSHERS; i++)
    append(in_large_pages(RAM_BASE + i * step + in_step + page % (LINE / 4) * 4));
  return PUSHERS;
}

static uint32_t page_address(uint32_t page) {
  return SMALL_PAGES + (FIRST_PAGE + page * PAGE_STRIDE) * PAGE_SIZE + DATA_OFFSET + page * DATA_STEP;
}

/* Builds a chain over `pages` pages, their paging entries pushed out of L1D (or L2) after each by loads `push_step`
 * apart; 0 leaves them. Returns its length. */
static uint32_t build_walks(uint32_t pages, uint32_t push_step) {
  volatile uint32_t start;
  uint32_t length = 0;
  chain_end = &start;
  for (uint32_t page = 0; page < pages; page++) {
    uint32_t at = page_address(page);
    append(at);
    length++;
    if (push_step) {
      length += append_pushers(address_of_pde(at), push_step, page);
      length += append_pushers(address_of_pte(at), push_step, page);
    }
  }
  append(page_address(0));
  return length;
}

static uint32_t around(enum event event, uint32_t pages, uint32_t push_step) {
  uint32_t length = build_walks(pages, push_step);
  return measure_steady(event, kernel_chase, page_address(0), length, ROUNDS);
}

/* With MANY pages each visit walks, with FEW none does, and all else is the same. In hundredths of a cycle. */
static uint32_t walk_cycles(uint32_t push_step) {
  if (!can_measure(CYCLES))
    return NONE;
  uint32_t walking = ratio(around(CYCLES, MANY, push_step), 100, MANY * ROUNDS);
  uint32_t still = ratio(around(CYCLES, FEW, push_step), 100, FEW * ROUNDS);
  return walking > still ? walking - still : 0;
}

static uint32_t counted_walk_cycles(uint32_t push_step) {
  if (!can_measure(WALK_CYCLES))
    return NONE;
  return ratio(around(WALK_CYCLES, MANY, push_step), 100, MANY * ROUNDS);
}

void measure_walks(void) {
  /* 2 cycles and two loads of 3, of 6 to 7, of 30 to 33. */
  static const struct {
    const char *name;
    uint32_t push_step, low, high;
  } levels[] = {
    {"L1", 0, 800, 800},
    {"L2", L1_STEP, 1400, 1600},
    {"DRAM", L2_STEP, 6200, 6800},
  };
  begin_table("A page walk to a 4K page, PAE", "where its entries are", "cycles");
  for (unsigned i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    print_labels(levels[i].name, "by RDTSC");
    judge(walk_cycles(levels[i].push_step), 2, levels[i].low, levels[i].high, has_cache_model());
    print_labels("", "by event 08h/04h");
    judge(counted_walk_cycles(levels[i].push_step), 2, levels[i].low, levels[i].high, has_cache_model());
  }
}

/* Instructions ----------------------------------------------------------------------------------------------------- */

enum { STEPS = 1024 };

/* Hundredths of a cycle beyond the loop's own. */
static uint32_t cost(kernel *kernel) {
  if (!can_measure(CYCLES))
    return NONE;
  uint32_t all = measure_steady(CYCLES, kernel, SMALL_PAGES, STEPS, 1);
  uint32_t loop = measure_steady(CYCLES, kernel_empty, SMALL_PAGES, STEPS, 1);
  return all > loop ? ratio(all - loop, 100, STEPS) : 0;
}

/* Wrong guesses cost what random directions take longer than as many taken and not taken branches that always go the
 * same way, divided by their number. */
static uint32_t mispredict_cycles(void) {
  if (!can_measure(CYCLES) || !can_measure(BRANCHES_MISPREDICTED))
    return NONE;
  enum { SEED = 0x2545F491, BRANCHES = 1 << 15 };
  uint32_t taken = 0, state = SEED;
  for (uint32_t i = 0; i < BRANCHES; i++) { /* as the kernel does */
    uint32_t bit = state & 1;
    taken += !bit;
    state = state >> 1 ^ (bit ? 0x80200003u : 0);
  }
  uint32_t random = measure(CYCLES, kernel_branch_random, SEED, BRANCHES);
  uint32_t wrong = measure(BRANCHES_MISPREDICTED, kernel_branch_random, SEED, BRANCHES);
  uint32_t straight = measure_steady(CYCLES, kernel_branch_random, 0, taken, 1) +
                      measure_steady(CYCLES, kernel_branch_never, UINT32_MAX, BRANCHES - taken, 1);
  return wrong && random > straight ? ratio(random - straight, 100, wrong) : 0;
}

void measure_instructions(void) {
  begin_table("Instructions and wrong guesses", "beyond the loop around them", "cycles");
  uint32_t load_cr3 = cost(kernel_load_cr3), load_cr2 = cost(kernel_load_cr2);
  print_label("MOV CR2");
  judge(load_cr2, 2, NONE, NONE, has_cache_model());
  print_label("MOV CR3, PAE");
  judge(load_cr3, 2, NONE, NONE, has_cache_model());
  /* Four uncached reads of 30 to 33; "100 to 130" with the reads overlapping. */
  print_label("  its four PDPTEs: beyond MOV CR2");
  judge(load_cr3 == NONE ? NONE : load_cr3 - load_cr2, 2, 10000, 13200, has_cache_model());
  print_label("INVLPG");
  judge(cost(kernel_invlpg), 2, NONE, NONE, has_cache_model());
  /* 15 typical, 26 at most, in place of at most 1. */
  print_label("mispredicted branch, beyond a right guess");
  judge(mispredict_cycles(), 2, 1400, 2600, has_cache_model());
}
