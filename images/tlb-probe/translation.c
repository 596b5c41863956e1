/* What the TLBs hold, and what walks read. */

#include "tlb-probe.h"

enum { ROUNDS = 8, TOUCHED = RAM_SIZE / PAGE_SIZE };

/* One of the TLB's arrays, and how to fill it: a kernel that goes around pages of its size. */
struct array {
  const char *name;
  enum structure structure;
  enum event event;
  kernel *kernel;
  void (*build)(const struct ring *ring);
  uint32_t base;
  /* Where there is no counter, but a clock that walks add to, with nothing else different between steps: cycles of a
   * step that hits, and what a miss adds. 0 where that isn't so either. */
  uint32_t hit_cycles, miss_cycles;
};

static struct array data_small = {"DTLB 4K", DTLB_SMALL, DTLB_MISSES, kernel_chase, build_chain, SMALL_PAGES, 0, 0};
static struct array data_large = {"DTLB large", DTLB_LARGE, DTLB_MISSES, kernel_chase, build_chain, LARGE_PAGES, 0, 0};
static struct array code_small = {"ITLB 4K", ITLB_SMALL, ITLB_MISSES, kernel_code, build_code, SMALL_PAGES, 0, 0};
static struct array code_large = {"ITLB large", ITLB_LARGE, ITLB_MISSES, kernel_code, build_code, LARGE_PAGES, 0, 0};

static bool is_large(const struct array *array) { return array->base == LARGE_PAGES; }

static struct ring pages(const struct array *array, uint32_t stride, uint32_t count) {
  uint32_t size = is_large(array) ? large_page_size() : PAGE_SIZE;
  return (struct ring){array->base, stride * size, count, true};
}

static uint32_t cycles_around(const struct array *array, uint32_t stride, uint32_t count, uint32_t rounds) {
  struct ring ring = pages(array, stride, count);
  array->build(&ring);
  return measure_steady(CYCLES, array->kernel, ring.base, count, rounds);
}

/* Learns what a hit and a miss cost, from one page and from more pages of one set than an array has ways. */
static void calibrate(struct array *array) {
  array->miss_cycles = 0;
  if (can_measure(array->event) || !can_measure(CYCLES))
    return;
  enum { MANY = 32 };
  uint32_t hits = cycles_around(array, 1, 1, MANY * ROUNDS);
  uint32_t misses = cycles_around(array, is_large(array) ? 8 : 64, MANY, ROUNDS);
  uint32_t steps = MANY * ROUNDS;
  if (hits % steps || misses % steps || misses <= hits)
    return;
  array->hit_cycles = hits / steps;
  array->miss_cycles = misses / steps - array->hit_cycles;
}

/* Misses in ROUNDS rounds over `count` pages, every `stride`-th one. */
static uint32_t misses(const struct array *array, uint32_t stride, uint32_t count) {
  if (can_measure(array->event)) {
    struct ring ring = pages(array, stride, count);
    array->build(&ring);
    return measure_steady(array->event, array->kernel, ring.base, count, ROUNDS);
  }
  if (!array->miss_cycles)
    return NONE;
  uint32_t cycles = cycles_around(array, stride, count, ROUNDS);
  return ratio(cycles - count * ROUNDS * array->hit_cycles, 1, array->miss_cycles);
}

/* What is wanted is for the P6's array; for another shape nothing is known. */
static void judge_misses(uint32_t stride, uint32_t count, uint32_t wanted) {
  uint32_t missed = misses(&data_small, stride, count);
  uint32_t percent = missed == NONE ? NONE : ratio(missed, 10000, count * ROUNDS);
  struct geometry shape = described_geometry(DTLB_SMALL);
  if (shape.size != 64 || shape.ways != 4)
    wanted = NONE;
  judge(percent, 2, wanted, wanted, true);
}

void sweep_pages(void) {
  /* Misses in hundredths of a percent, of a 64-entry 4-way array with true LRU. */
  static const struct {
    uint32_t pages, missed;
  } sweep[] = {{64, 0}, {65, 769}, {66, 1515}, {68, 2941}, {72, 5556}, {76, 7895}, {80, 10000}};
  static const struct {
    const char *label;
    uint32_t stride, pages, missed;
  } strided[] = {
    {" at stride 2", 2, 33, 1515},   {" at stride 2", 2, 64, 10000}, {" at stride 4", 4, 32, 10000},
    {" at stride 8", 8, 16, 10000}, {" at stride 16", 16, 4, 0},    {" at stride 16", 16, 5, 10000},
  };

  calibrate(&data_small);
  begin_table("DTLB, cyclic sweep, one load a page", "pages", "misses, %");
  for (unsigned i = 0; i < sizeof sweep / sizeof sweep[0]; i++) {
    print_label_number(sweep[i].pages, "");
    judge_misses(1, sweep[i].pages, sweep[i].missed);
  }
  begin_table("DTLB, cyclic sweep, every second to sixteenth page", "pages", "misses, %");
  for (unsigned i = 0; i < sizeof strided / sizeof strided[0]; i++) {
    print_label_number(strided[i].pages, strided[i].label);
    judge_misses(strided[i].stride, strided[i].pages, strided[i].missed);
  }
}

/* Geometry ------------------------------------------------------------------------------------------------------- */

struct search {
  const struct array *array;
  uint32_t stride;
};

static bool holds(const void *context, uint32_t count) {
  const struct search *search = context;
  return misses(search->array, search->stride, count) == 0;
}

/* As many neighbours as fit are the entries; as many pages as fit that are so far apart, the ways of one set. */
static struct geometry find_geometry(struct array *array) {
  struct geometry found = {NONE, NONE, NONE};
  calibrate(array);
  if (misses(array, 1, 1) == NONE)
    return found;
  uint32_t limit = is_large(array) ? LARGE_PAGES_SIZE / large_page_size() / 4 : TOUCHED / 16;
  found.size = largest(holds, &(struct search){array, 1}, limit);
  if (!found.size || found.size == limit)
    return (struct geometry){NONE, NONE, NONE};
  uint32_t room = (is_large(array) ? LARGE_PAGES_SIZE / large_page_size() : TOUCHED) / found.size;
  found.ways = largest(holds, &(struct search){array, found.size}, room < found.size ? room : found.size);
  return found;
}

void find_tlb_geometry(void) {
  struct array *arrays[] = {&code_small, &code_large, &data_small, &data_large};
  begin_table("TLB geometry", "array", "entries");
  for (unsigned i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
    print_label(arrays[i]->name);
    judge_geometry(find_geometry(arrays[i]), described_geometry(arrays[i]->structure));
  }
}

/* Walks ---------------------------------------------------------------------------------------------------------- */

/* Words that are in no cache set of the PDEs used, which begin directories or are a quarter or half way through one: so
 * those stay in L1D while they are needed. */
enum { TOUCHED_OFFSET = PAGE_SIZE / 4 * 3 };

struct cold {
  const char *name;
  enum paging_mode mode;
  struct array *array;
  uint32_t walks, references, l1_misses; /* the last two in ten-thousandths, an access and a walk */
};

/* Walks begin with nothing in L1D. */
static uint32_t count_cold(enum event event, uint32_t base) {
  measure(event, kernel_sweep_lines, LARGE_PAGES, (1 << 20) / LINE);
  return measure(event, kernel_sweep_pages, base + TOUCHED_OFFSET, TOUCHED);
}

/* Cycles of all walks. Staying on one page takes as long but for the walks, and has one. */
static uint32_t cold_walk_cycles(const struct array *array) {
  uint32_t start = array->base + TOUCHED_OFFSET;
  uint32_t stay = measure(CYCLES, kernel_sweep_nothing, start, TOUCHED);
  return measure(CYCLES, kernel_sweep_pages, start, TOUCHED) - stay + array->miss_cycles;
}

static void judge_cold(const struct cold *cold) {
  uint32_t walks = NONE, references = NONE, l1_misses = NONE;
  if (can_measure(WALKS))
    walks = count_cold(WALKS, cold->array->base);
  if (can_measure(WALK_REFERENCES))
    references = count_cold(WALK_REFERENCES, cold->array->base);
  if (can_measure(WALK_L1_MISSES))
    l1_misses = count_cold(WALK_L1_MISSES, cold->array->base);
  /* A walk to a 4K page reads one entry more than one to a large page. */
  if (walks == NONE && data_small.miss_cycles > data_large.miss_cycles && data_large.miss_cycles) {
    uint32_t cycles = cold_walk_cycles(cold->array);
    walks = ratio(cycles, 1, cold->array->miss_cycles);
    references = ratio(cycles, 1, data_small.miss_cycles - data_large.miss_cycles);
  }

  print_labels(cold->name, "walks");
  judge(walks, 0, cold->walks, cold->walks, true);
  print_labels("", "references an access");
  judge(references == NONE ? NONE : ratio(references, 10000, TOUCHED), 4, cold->references, cold->references, true);
  print_labels("", "L1 misses a walk");
  bool known = l1_misses != NONE && walks != NONE && walks;
  judge(known ? ratio(l1_misses, 10000, walks) : NONE, 4, cold->l1_misses, cold->l1_misses, true);
}

void walk_cold_pages(void) {
  static const struct cold table[] = {
    {"PAE, 4K", PAE_PAGING, &data_small, 16384, 20000, 2505},
    {"PAE, 2M", PAE_PAGING, &data_large, 32, 20, 2500},
    {"32-bit, 4K", PAGING_32, &data_small, 16384, 20000, 1251},
    {"32-bit, 4M", PAGING_32, &data_large, 16, 10, 1250},
  };
  begin_table("64 MB, one word every 4 KB, cold", "paging", "measured");
  for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
    enter_paging(table[i].mode);
    calibrate(&data_small);
    calibrate(&data_large);
    judge_cold(&table[i]);
  }
  enter_paging(PAE_PAGING);
}
