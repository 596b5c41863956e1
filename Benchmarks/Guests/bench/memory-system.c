/* Workloads that work the MMU: translations that miss, long streams, string instructions, page-table edits. */

#include "bench.h"

#include "paging.h"

enum { CHASED = 16 << 20, LINE = 64, NODES = CHASED / LINE, STREAMED = 16 << 20, COPIED = 1 << 20 };

/* A ring through all nodes, one a 64-byte line, in random order (Sattolo's shuffle): 4096 pages, and hardly ever the
 * same page twice in a row. */
void prepare_chase(void) {
  uint32_t *order = (uint32_t *)(ARENA + CHASED), seed = 0x1B873593;
  for (uint32_t i = 0; i < NODES; i++)
    order[i] = i;
  for (uint32_t i = NODES - 1; i > 0; i--) {
    uint32_t j = next_random(&seed) % i, t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  for (uint32_t i = 0; i < NODES; i++)
    *(uint32_t *)(ARENA + order[i] * LINE) = ARENA + order[(i + 1) % NODES] * LINE;
}

uint32_t run_chase(uint32_t rounds) {
  const uint32_t *at = arena;
  for (uint32_t i = 0; i < rounds; i++) {
    at = (const uint32_t *)*at; /* four steps a round: little else is executed */
    at = (const uint32_t *)*at;
    at = (const uint32_t *)*at;
    at = (const uint32_t *)*at;
  }
  return (uint32_t)at;
}

void prepare_stream(void) {
  uint32_t *words = arena, seed = 0x7FEB352D;
  for (uint32_t i = 0; i < STREAMED / 4; i++)
    words[i] = next_random(&seed);
}

/* Reads 16 MiB from end to end. */
uint32_t run_stream(uint32_t rounds) {
  const uint32_t *words = arena;
  uint32_t sum = 0;
  for (uint32_t round = 0; round < rounds; round++)
    for (uint32_t i = 0; i < STREAMED / 4; i++)
      sum += words[i] ^ round;
  return sum;
}

/* REP STOSD, then REP MOVSD and an unaligned REP MOVSB of the same size. */
uint32_t run_string(uint32_t rounds) {
  uint32_t sum = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    void *to = arena;
    const void *from = arena;
    uint32_t count = COPIED / 4;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(round * 0x01010101u) : "memory");
    count = COPIED / 4;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    count = COPIED / 4;
    to = (uint8_t *)to + 1;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    sum = sum * 31 + *(uint32_t *)(ARENA + COPIED + 4) + ((uint8_t *)to)[-1];
  }
  return sum;
}

/* Maps one page to another frame, drops the translation, looks. */
uint32_t run_invlpg(uint32_t rounds) {
  for (uint32_t i = 0; i < 4096; i++)
    *(uint32_t *)(ARENA + i * PAGE_SIZE) = i * 2654435761u;
  uint32_t sum = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    map_edited_page(round & 4095);
    sum = (sum << 1 | sum >> 31) + *(volatile uint32_t *)EDITED_PAGE;
  }
  return sum;
}
