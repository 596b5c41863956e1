/* Whether the counters count what kernels are known to do. */

#include "tlb-probe.h"

enum { STEPS = 2048, ROUNDS = 2, TOTAL = STEPS * ROUNDS };

/* A line a step: more than L1 holds and less than L2. */
static const struct ring lines = {LARGE_PAGES, LINE, STEPS, false};

static void judge_count(const char *name, enum event event, kernel *kernel, uint32_t wanted) {
  uint32_t count = can_measure(event) ? measure_steady(event, kernel, lines.base, STEPS, ROUNDS) : NONE;
  print_label(name);
  judge(count, 0, wanted, wanted, true);
}

void check_counters(void) {
  begin_table("Counters, 4096 steps of a pointer chase over 64 KB, and of jumps", "event", "count");
  build_chain(&lines);
  judge_count("C0h instructions retired", INSTRUCTIONS, kernel_chase, 3 * TOTAL); /* load, DEC, JNZ */
  judge_count("C4h branches retired", BRANCHES, kernel_chase, TOTAL);
  judge_count("43h data references", DATA_REFERENCES, kernel_chase, TOTAL);
  judge_count("45h L1D lines in", DATA_LINES_IN, kernel_chase, TOTAL);
  judge_count("29h L2 loads", L2_LOADS, kernel_chase, TOTAL);
  uint32_t cycles = can_measure(CYCLES) ? measure_steady(CYCLES, kernel_chase, lines.base, STEPS, ROUNDS) : NONE;
  judge_count("79h clocks, against RDTSC", CLOCKS, kernel_chase, cycles);
  build_code(&lines);
  judge_count("81h instruction fetch misses", FETCH_MISSES, kernel_code, TOTAL);
  judge_count("28h L2 instruction fetches", L2_FETCHES, kernel_code, TOTAL);
}
