/* The P6's two performance counters, of which one is enough, and the time-stamp counter. SDM vol. 3B, 18.17. */

#include "exceptions.h"

#include "tlb-probe.h"

enum {
  PERF_CTR0 = 0xC1,
  PERF_EVT_SEL0 = 0x186,
  IN_USER = 1 << 16,
  IN_OS = 1 << 17,
  ENABLE = 1 << 22,
};

bool try_write_msr(uint32_t index, uint32_t low);
bool try_read_counter(void);
extern const uint8_t msr_attempt[], counter_attempt[], try_failed[];

/* A machine without the registers or without RDPMC says so by an exception, and try_... by false. */
void handle_exception(struct exception_frame *frame) {
  if (frame->eip != physical(msr_attempt) && frame->eip != physical(counter_attempt))
    die_of_exception(frame);
  frame->eip = physical(try_failed);
}

static bool counters, exact_clock;

bool has_counters(void) { return counters; }

__attribute__((noinline)) uint32_t measure(enum event event, kernel *kernel, uint32_t start, uint32_t count) {
  if (event == CYCLES) {
    flush_tlb();
    return timed(kernel, start, count);
  }
  write_msr(PERF_EVT_SEL0, (uint32_t)event | IN_USER | IN_OS | ENABLE);
  write_msr(PERF_CTR0, 0);
  flush_tlb();
  uint32_t value = counted(kernel, start, count);
  write_msr(PERF_EVT_SEL0, 0);
  return value;
}

uint32_t measure_steady(enum event event, kernel *kernel, uint32_t start, uint32_t period, uint32_t rounds) {
  /* The runs before the two that count go through the very same code, so that those find the same caches, this code's
   * own lines included, and begin with the same misses. */
  enum { WARM_UP = 2, RUNS = 4 };
  uint32_t few = WARM_UP * period, counts[RUNS] = {few, few, few, few + rounds * period}, values[RUNS];
#pragma clang loop unroll(disable)
  for (unsigned i = 0; i < RUNS; i++)
    values[i] = measure(event, kernel, start, counts[i]);
  return values[RUNS - 1] - values[RUNS - 2];
}

/* Something that makes every event happen often: many places in as many pages and lines, far more than P6 arrays hold,
 * and an unpredictable branch. */
static bool counts(enum event event) {
  enum { MANY = 4096 };
  if (event == BRANCHES_MISPREDICTED)
    return measure(event, kernel_branch_random, 1, MANY) > 0;
  if (event == L2_LINES_IN)
    return measure(event, kernel_sweep_lines, LARGE_PAGES, RAM_SIZE / 8 / LINE) > 0;
  struct ring ring = {SMALL_PAGES, PAGE_SIZE, MANY, true};
  if (event == ITLB_MISSES || event == FETCH_MISSES || event == L2_FETCHES) {
    build_code(&ring);
    return measure(event, kernel_code, ring.base, MANY) > 0;
  }
  return measure(event, kernel_sweep_pages, SMALL_PAGES, MANY) > 0;
}

static const enum event events[] = {
  L2_LINES_IN, L2_FETCHES, L2_LOADS, DATA_REFERENCES, DATA_LINES_IN, CLOCKS, FETCH_MISSES, ITLB_MISSES, INSTRUCTIONS,
  BRANCHES, BRANCHES_MISPREDICTED, DTLB_MISSES, WALKS, WALK_CYCLES, WALK_REFERENCES, WALK_L1_MISSES,
};
enum { EVENTS = sizeof events / sizeof events[0] };
static bool present[EVENTS];

/* An emulator that lets RDTSC follow the host's clock gives no two equal answers. */
static bool find_exact_clock(void) {
  enum { TRIES = 8, STEPS = 1000 };
  uint32_t first = measure_steady(CYCLES, kernel_empty, 0, STEPS, 1);
  for (unsigned i = 1; i < TRIES; i++)
    if (measure_steady(CYCLES, kernel_empty, 0, STEPS, 1) != first)
      return false;
  return first > 0;
}

void find_counters(void) {
  exact_clock = find_exact_clock();
  if (!try_write_msr(PERF_EVT_SEL0, 0) || !try_write_msr(PERF_CTR0, 0) || !try_read_counter())
    return;
  /* Registers that are there and never count are as good as none. */
  for (unsigned i = 0; i < EVENTS; i++)
    counters |= present[i] = counts(events[i]);
}

bool can_measure(enum event event) {
  if (event == CYCLES)
    return exact_clock;
  for (unsigned i = 0; i < EVENTS; i++)
    if (events[i] == event)
      return present[i];
  return false;
}
