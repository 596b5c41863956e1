/* What the caches hold, and how long loads take. All data is in large pages, whose translations stay in the TLB. */

#include "tlb-probe.h"

/* Geometry ------------------------------------------------------------------------------------------------------- */

struct cache {
  const char *name;
  enum structure structure;
  enum event event;
  kernel *kernel;
  void (*build)(const struct ring *ring);
  uint32_t smallest_line, beyond; /* the smallest step that makes sense; bytes that are certainly too many */
};

static const struct cache caches[] = {
  /* Steps of code are ten bytes. */
  {"L1I", L1_CODE, FETCH_MISSES, kernel_code, build_code, 16, 1 << 17},
  {"L1D", L1_DATA, DATA_LINES_IN, kernel_chase, build_chain, 4, 1 << 17},
  {"L2", L2, L2_LINES_IN, kernel_chase, build_chain, 8, 1 << 22},
};

enum { ROUNDS = 2, MOST_WAYS = 16 };

static uint32_t misses(const struct cache *cache, uint32_t step, uint32_t count) {
  struct ring ring = {LARGE_PAGES, step, count, false};
  cache->build(&ring);
  return measure_steady(cache->event, cache->kernel, ring.base, count, ROUNDS);
}

struct search {
  const struct cache *cache;
  uint32_t step;
};

static bool holds(const void *context, uint32_t count) {
  const struct search *search = context;
  return misses(search->cache, search->step, count) == 0;
}

static bool misses_always(const struct cache *cache, uint32_t step) {
  uint32_t count = cache->beyond / step;
  return misses(cache, step, count) >= count * ROUNDS;
}

/* Steps of a line, and no shorter ones, miss each time in what is too large; as many lines as fit are the size; as many
 * as fit that are so far apart, the ways of one set. */
static struct geometry find_geometry(const struct cache *cache) {
  struct geometry found = {NONE, NONE, NONE};
  if (!can_measure(cache->event))
    return found;
  found.line = cache->smallest_line;
  while (found.line < PAGE_SIZE && !misses_always(cache, found.line))
    found.line *= 2;
  uint32_t lines = largest(holds, &(struct search){cache, found.line}, cache->beyond / found.line);
  if (!lines || found.line == PAGE_SIZE)
    return (struct geometry){NONE, NONE, NONE};
  found.size = lines * found.line;
  uint32_t room = RAM_SIZE / found.size;
  found.ways = largest(holds, &(struct search){cache, found.size}, room < MOST_WAYS ? room : MOST_WAYS);
  return found;
}

void find_cache_geometry(void) {
  begin_table("Cache geometry", "cache", "bytes");
  for (unsigned i = 0; i < sizeof caches / sizeof caches[0]; i++) {
    print_label(caches[i].name);
    judge_geometry(find_geometry(&caches[i]), described_geometry(caches[i].structure));
  }
}

/* Latency ---------------------------------------------------------------------------------------------------------- */

/* Working sets that any P6 has in L1D, in L2, and in neither. */
enum { IN_L1 = 4 << 10, IN_L2 = 64 << 10, IN_DRAM = 4 << 20 };

static bool cache_model;

bool has_cache_model(void) { return cache_model; }

static uint32_t load_use(uint32_t bytes) {
  if (!can_measure(CYCLES))
    return NONE;
  struct ring ring = {LARGE_PAGES, LINE, bytes / LINE, false};
  build_shuffled_chain(&ring);
  return chase_cycles(&ring);
}

/* A clock of 166.67 MHz ticks every 6.00 ns. */
enum { NS_A_CYCLE = 6 };

/* Within one clock of so many nanoseconds. Cycles in hundredths. */
static void judge_level(const char *name, uint32_t cycles, uint32_t ns) {
  enum { CLOCK = 100 };
  print_label(name);
  uint32_t published = ratio(ns, CLOCK, NS_A_CYCLE);
  judge(cycles, 2, published - CLOCK, published + CLOCK, cache_model);
}

/* Every working set, with nothing to compare it with. */
static void print_ladder(void) {
  begin_columns("Load-use latency, pointer chase, a load a line, random order", "working set", "cycles",
                "ns at 166.67 MHz");
  for (uint32_t bytes = IN_L1; bytes <= IN_DRAM; bytes *= 2) {
    uint32_t cycles = load_use(bytes);
    print_label_number(bytes >> 10, " KB");
    print_values(cycles, 2, cycles == NONE ? NONE : ratio(cycles, NS_A_CYCLE, 10), 1, cache_model);
  }
}

void climb_latencies(void) {
  uint32_t l1 = load_use(IN_L1), dram = load_use(IN_DRAM);
  cache_model = l1 != NONE && dram > l1;

  print_ladder();
  begin_table("The levels, within one clock of lmbench's 14, 34 and 196 ns (DRAM is a fitted parameter)", "level",
              "cycles");
  judge_level("L1", l1, 14);
  judge_level("L2", load_use(IN_L2), 34);
  judge_level("DRAM", dram, 196);
}
