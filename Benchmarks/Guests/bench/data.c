/* Workloads over arrays: sorting, check sums, flags, text. */

#include "bench.h"

#include <string.h>

enum { SORTED = 65536, CHECKED = 1 << 20, SIEVED = 1 << 20, TEXT = 1 << 20 };

void prepare_random(void) {
  uint32_t *words = arena, seed = 0x2545F491;
  for (uint32_t i = 0; i < CHECKED / 4; i++)
    words[i] = next_random(&seed);
}

/* Quicksort with the middle element as pivot, the smaller part first; insertion sort for the rest. */
static void sort(int32_t *low, int32_t *high) {
  while (high - low > 12) {
    int32_t pivot = low[(high - low) / 2], *i = low, *j = high;
    while (i <= j) {
      while (*i < pivot)
        i++;
      while (*j > pivot)
        j--;
      if (i <= j) {
        int32_t t = *i;
        *i++ = *j;
        *j-- = t;
      }
    }
    if (j - low < high - i) {
      sort(low, j);
      low = i;
    } else {
      sort(i, high);
      high = j;
    }
  }
  for (int32_t *i = low + 1; i <= high; i++) {
    int32_t value = *i, *j = i;
    for (; j > low && j[-1] > value; j--)
      *j = j[-1];
    *j = value;
  }
}

uint32_t run_sort(uint32_t rounds) {
  int32_t *words = arena;
  uint32_t seed = 0x9E3779B9, sum = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    for (uint32_t i = 0; i < SORTED; i++)
      words[i] = (int32_t)next_random(&seed);
    sort(words, words + SORTED - 1);
    for (uint32_t i = 0; i < SORTED; i += 64)
      sum = sum * 31 + (uint32_t)words[i];
  }
  return sum;
}

/* CRC-32 (ISO 3309), a table look-up a byte. */
uint32_t run_crc(uint32_t rounds) {
  static uint32_t table[256];
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++)
      value = value >> 1 ^ (value & 1 ? 0xEDB88320 : 0);
    table[i] = value;
  }
  const uint8_t *bytes = arena;
  uint32_t crc = ~0u;
  for (uint32_t round = 0; round < rounds; round++)
    for (uint32_t i = 0; i < CHECKED; i++)
      crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xFF];
  return ~crc;
}

/* Eratosthenes with a byte a number. */
uint32_t run_sieve(uint32_t rounds) {
  uint8_t *composite = arena;
  uint32_t primes = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    memset(composite, 0, SIEVED);
    for (uint32_t i = 2; i < SIEVED; i++) {
      if (composite[i])
        continue;
      primes++;
      if (i < 1024)
        for (uint32_t j = i * i; j < SIEVED; j += i)
          composite[j] = 1;
    }
  }
  return primes;
}

/* Text that looks like a program: words, numbers, brackets, blanks. */
void prepare_text(void) {
  static const char alphabet[64] = "etaoinshrdlucmfw etaoin shrdlu 0123456789_ +-*/=(){};,\n\t etaoi";
  uint8_t *text = arena;
  uint32_t seed = 0xBADC0DE5;
  for (uint32_t i = 0; i < TEXT; i++)
    text[i] = (uint8_t)alphabet[next_random(&seed) >> 26];
  text[TEXT - 1] = '\n';
}

/* A scanner: unpredictable branches, byte by byte. */
uint32_t run_words(uint32_t rounds) {
  const uint8_t *text = arena;
  uint32_t sum = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    uint32_t words = 0, numbers = 0, signs = 0, lines = 0;
    for (uint32_t i = 0; i < TEXT;) {
      uint8_t c = text[i];
      if (c >= 'a' && c <= 'z') {
        uint32_t hash = 5381;
        while ((c = text[i]), (c >= 'a' && c <= 'z') || c == '_') {
          hash = hash * 33 + c;
          i++;
        }
        words += hash;
      } else if (c >= '0' && c <= '9') {
        uint32_t value = 0;
        while ((c = text[i]), c >= '0' && c <= '9') {
          value = value * 10 + (uint32_t)(c - '0');
          i++;
        }
        numbers += value;
      } else {
        i++;
        if (c == '\n')
          lines++;
        else if (c != ' ' && c != '\t')
          signs++;
      }
    }
    sum = sum * 31 + words + numbers + signs * 7 + lines;
  }
  return sum;
}
