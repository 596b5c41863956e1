/* Cycles of pointers and of jumps, and searches on them. */

#include "tlb-probe.h"

uint32_t place(const struct ring *ring, uint32_t index) {
  uint32_t at = ring->base + index * ring->step;
  return ring->varied ? at + index * LINE % PAGE_SIZE : at;
}

static volatile uint32_t *word(uint32_t address) { return (volatile uint32_t *)address; }

void build_chain(const struct ring *ring) {
  for (uint32_t i = 0; i < ring->count; i++)
    *word(place(ring, i)) = place(ring, i + 1 == ring->count ? 0 : i + 1);
}

/* xorshift32 (Marsaglia 2003). */
static uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* Sattolo's shuffle of the identity makes a permutation of one cycle; here it is done on the pointers themselves. */
void build_shuffled_chain(const struct ring *ring) {
  uint32_t seed = 0x9E3779B9;
  for (uint32_t i = 0; i < ring->count; i++)
    *word(place(ring, i)) = place(ring, i);
  for (uint32_t i = ring->count - 1; i > 0; i--) {
    volatile uint32_t *one = word(place(ring, i)), *other = word(place(ring, next_random(&seed) % i));
    uint32_t kept = *one;
    *one = *other;
    *other = kept;
  }
}

void build_code(const struct ring *ring) {
  for (uint32_t i = 0; i < ring->count; i++) {
    uint32_t at = place(ring, i), next = place(ring, i + 1 == ring->count ? 0 : i + 1);
    uint32_t end = at + 10, distance = next - end;
    *word(at) = 0xFF027549;                             /* dec %ecx; jnz 1f; jmp *%esi (its first byte) */
    *word(at + 4) = 0xE9E6 | distance << 16;            /* (its second); 1: jmp next */
    *(volatile uint16_t *)(at + 8) = distance >> 16;
  }
}

uint32_t ratio(uint32_t numerator, uint32_t scale, uint32_t denominator) {
  return (uint32_t)(((uint64_t)numerator * scale + denominator / 2) / denominator);
}

uint32_t chase_cycles(const struct ring *ring) {
  uint32_t rounds = ring->count < 1024 ? 1024 / ring->count + 1 : 2;
  uint32_t all = measure_steady(CYCLES, kernel_chase, ring->base, ring->count, rounds);
  uint32_t loop = measure_steady(CYCLES, kernel_empty, 0, ring->count, rounds);
  return all > loop ? ratio(all - loop, 100, ring->count * rounds) : 0;
}

uint32_t largest(bool (*fits)(const void *context, uint32_t count), const void *context, uint32_t limit) {
  uint32_t good = 0, bad = 1;
  while (bad <= limit && fits(context, bad)) {
    good = bad;
    bad *= 2;
  }
  if (bad > limit)
    bad = limit + 1;
  while (bad - good > 1) {
    uint32_t middle = good + (bad - good) / 2;
    if (fits(context, middle))
      good = middle;
    else
      bad = middle;
  }
  return good;
}
