/* 64-bit division for a 32-bit CPU: the helpers that the compiler calls (names and meaning from libgcc's manual,
 * "Integer library routines"). Knuth's algorithm D in base 2^32, with the processor's 64-by-32 DIV as the digit
 * step (The Art of Computer Programming, vol. 2, 4.3.1). */

#include <stdint.h>

uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);

/* high:low / divisor, where high < divisor, so that the quotient fits. */
static inline uint32_t divide(uint32_t high, uint32_t low, uint32_t divisor, uint32_t *remainder) {
  uint32_t quotient;
  __asm__("divl %4" : "=a"(quotient), "=d"(*remainder) : "a"(low), "d"(high), "rm"(divisor) : "cc");
  return quotient;
}

uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder) {
  uint32_t high = (uint32_t)(dividend >> 32), low = (uint32_t)dividend;
  uint32_t divisor_high = (uint32_t)(divisor >> 32), rest;
  if (!divisor_high) { /* one digit: school division; a divisor of 0 raises #DE, as it should */
    uint32_t small = (uint32_t)divisor;
    uint32_t quotient_high = divide(0, high, small, &rest);
    uint32_t quotient_low = divide(rest, low, small, &rest);
    if (remainder)
      *remainder = rest;
    return (uint64_t)quotient_high << 32 | quotient_low;
  }

  /* Two digits: the quotient has one. Normalised so that the divisor's top bit is set, the estimate from the leading
   * digits is at most 2 too large; halving the dividend first keeps the DIV from overflowing. */
  unsigned shift = (unsigned)__builtin_clz(divisor_high);
  uint32_t leading = (uint32_t)(divisor << shift >> 32);
  uint64_t half = dividend >> 1;
  uint32_t estimate = divide((uint32_t)(half >> 32), (uint32_t)half, leading, &rest) >> (31 - shift);
  if (estimate)
    estimate--; /* now at most 1 too small, never too large */
  uint64_t left = dividend - estimate * divisor;
  if (left >= divisor) {
    left -= divisor;
    estimate++;
  }
  if (remainder)
    *remainder = left;
  return estimate;
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor) { return __udivmoddi4(dividend, divisor, 0); }

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor) {
  uint64_t remainder;
  __udivmoddi4(dividend, divisor, &remainder);
  return remainder;
}
