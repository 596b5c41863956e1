/* Runs the workloads one by one. Each says when it begins and, when it ends, how far the time-stamp counter went and
 * what its checksum is:
 *
 *   integer begin
 *   integer end tsc=0000000005f5e100 checksum=1badb002
 *
 * The command line takes scale=N: N percent of the work, 100 when it isn't given, and only=NAME. A workload that needs what the
 * processor lacks is left out. */

#include "bench.h"

#include <stdbool.h>
#include <string.h>

#include "console.h"
#include "machine.h"
#include "multiboot.h"

static const struct workload workloads[] = {
  {"integer", NULL, run_integer, 12000000},
  {"calls", NULL, run_calls, 520},
  {"sort", NULL, run_sort, 20},
  {"crc32", prepare_random, run_crc, 24},
  {"sieve", NULL, run_sieve, 8},
  {"words", prepare_text, run_words, 8},
  {"dispatch", NULL, run_dispatch, 13000},
  {"wide", NULL, run_wide, 1400000},
  {"chase", prepare_chase, run_chase, 5000000},
  {"stream", prepare_stream, run_stream, 8},
  {"string", NULL, run_string, 64},
  {"invlpg", NULL, run_invlpg, 8000000},
  {"mandelbrot", prepare_x87, run_mandelbrot, 512},
  {"n-body", prepare_sse, run_nbody, 120000, CPUID_SSE2},
};

/* The value of `key` (which ends in '=') on the command line, or NULL. */
static const char *option(const char *line, const char *key) {
  for (const char *at = line; *at; at++) {
    const char *k = key, *l = at;
    while (*k && *k == *l)
      k++, l++;
    if (!*k && (at == line || at[-1] == ' '))
      return l;
  }
  return NULL;
}

static uint32_t decimal(const char *digits) {
  uint32_t value = 0;
  for (; *digits >= '0' && *digits <= '9'; digits++)
    value = value * 10 + (uint32_t)(*digits - '0');
  return value;
}

/* Whether the option's value, which ends at a blank or the line's end, is `name`. */
static bool is_named(const char *value, const char *name) {
  while (*name && *name == *value)
    name++, value++;
  return !*name && (!*value || *value == ' ');
}

static void measure(const struct workload *workload, uint32_t scale) {
  uint32_t rounds = (uint32_t)((uint64_t)workload->rounds * scale / 100);
  if (workload->prepare)
    workload->prepare();
  print(workload->name);
  print(" begin\n");
  uint64_t start = read_tsc();
  uint32_t checksum = workload->run(rounds ? rounds : 1);
  uint64_t ticks = read_tsc() - start;
  print(workload->name);
  print(" end tsc=");
  print_hex(ticks, 16);
  print(" checksum=");
  print_hex(checksum, 8);
  print("\n");
}

int guest_main(uint32_t magic, const struct multiboot_info *info) {
  enum { NEEDED_KIB = 48 << 10 };
  if (magic != MULTIBOOT_BOOT_MAGIC || !(info->flags & MULTIBOOT_HAS_MEMORY) || info->mem_upper < NEEDED_KIB ||
      !(cpuid(1).edx & CPUID_PAE)) {
    print("bench: wants a Multiboot loader, 64 MiB of RAM and a CPU with PAE\n");
    return 1;
  }
  const char *line = info->flags & MULTIBOOT_HAS_CMDLINE ? (const char *)info->cmdline : "";
  const char *scale_text = option(line, "scale="), *only = option(line, "only=");
  uint32_t scale = scale_text ? decimal(scale_text) : 100;

  enter_paging();
  for (unsigned i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
    if ((!only || is_named(only, workloads[i].name)) && !(workloads[i].needs & ~cpuid(1).edx))
      measure(&workloads[i], scale);
  print("bench end\n");
  return 0;
}
