/* The benchmark guest: what a workload is, and the memory it may use. */

#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/* 32 MiB of RAM from 16 MiB up, mapped to itself in 4 KiB pages: an access to each page needs its own translation. */
#define ARENA 0x01000000u
#define ARENA_SIZE 0x02000000u

#define arena ((void *)ARENA)

/* One 4 KiB page of linear addresses past the arena, whose entry the paging workload edits. */
#define EDITED_PAGE (ARENA + ARENA_SIZE)

struct workload {
  const char *name;
  void (*prepare)(void);             /* not measured; may be NULL */
  uint32_t (*run)(uint32_t rounds);  /* measured; returns a checksum of everything it computed */
  uint32_t rounds;                   /* at scale=100: about a second or two of an interpreter's time */
  uint32_t needs;                    /* bits of CPUID.1:EDX */
};

/* compute.c */
uint32_t run_integer(uint32_t rounds);
uint32_t run_calls(uint32_t rounds);
uint32_t run_wide(uint32_t rounds);
uint32_t run_dispatch(uint32_t rounds);

/* data.c */
void prepare_random(void);
uint32_t run_sort(uint32_t rounds);
uint32_t run_crc(uint32_t rounds);
uint32_t run_sieve(uint32_t rounds);
void prepare_text(void);
uint32_t run_words(uint32_t rounds);

/* memory-system.c */
void prepare_chase(void);
uint32_t run_chase(uint32_t rounds);
void prepare_stream(void);
uint32_t run_stream(uint32_t rounds);
uint32_t run_string(uint32_t rounds);
uint32_t run_invlpg(uint32_t rounds);

/* x87.c */
void prepare_x87(void);
uint32_t run_mandelbrot(uint32_t rounds);

/* sse2.c */
void prepare_sse(void);
uint32_t run_nbody(uint32_t rounds);

/* Turns PAE paging on: everything below the arena in 2 MiB pages, the arena in 4 KiB pages. */
void enter_paging(void);

/* Lets EDITED_PAGE lead to the arena's page `index`, and drops the old translation. */
void map_edited_page(uint32_t index);

/* xorshift32 (Marsaglia 2003): the same numbers on every run. */
static inline uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

#endif
