// What the compiler calls behind our back on i686: block operations of C, and arithmetic of 64 bits. The toolchain has
// no run-time library for this target.
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict target, const void *restrict source, size_t size) {
  void *result = target;
  size_t words = size / 4, rest = size % 4;
  __asm__ volatile("rep movsl" : "+D"(target), "+S"(source), "+c"(words) : : "memory");
  __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(rest) : : "memory");
  return result;
}

void *memmove(void *target, const void *source, size_t size) {
  if ((uintptr_t)target - (uintptr_t)source >= size) return memcpy(target, source, size);
  // Overlapping upwards: from the end down.
  char *last_target = (char *)target + size - 1;
  const char *last_source = (const char *)source + size - 1;
  __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(last_target), "+S"(last_source), "+c"(size) : : "memory");
  return target;
}

void *memset(void *target, int value, size_t size) {
  void *result = target;
  __asm__ volatile("rep stosb" : "+D"(target), "+c"(size) : "a"(value) : "memory");
  return result;
}

int memcmp(const void *a, const void *b, size_t size) {
  const unsigned char *x = a, *y = b;
  for (size_t i = 0; i < size; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}

uint64_t __ashldi3(uint64_t value, int shift) {
  uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
  shift &= 63;
  if (shift == 0) return value;
  if (shift >= 32) return (uint64_t)(low << (shift - 32)) << 32;
  return (uint64_t)(high << shift | low >> (32 - shift)) << 32 | (uint32_t)(low << shift);
}

uint64_t __lshrdi3(uint64_t value, int shift) {
  uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
  shift &= 63;
  if (shift == 0) return value;
  if (shift >= 32) return high >> (shift - 32);
  return (uint64_t)(high >> shift) << 32 | (low >> shift | high << (32 - shift));
}

int64_t __ashrdi3(int64_t value, int shift) {
  uint32_t low = (uint32_t)value;
  int32_t high = (int32_t)(value >> 32);
  shift &= 63;
  if (shift == 0) return value;
  if (shift >= 32) return (int64_t)((uint64_t)(uint32_t)(high >> 31) << 32 | (uint32_t)(high >> (shift - 32)));
  return (int64_t)((uint64_t)(uint32_t)(high >> shift) << 32 | (low >> shift | (uint32_t)high << (32 - shift)));
}

// Schoolbook division of 64 by 32 bits where the divisor fits, bit by bit where it does not.
static uint64_t divide(uint64_t value, uint64_t divisor, uint64_t *rest) {
  uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value;
  if ((uint32_t)(divisor >> 32) == 0) {
    uint32_t d = (uint32_t)divisor, quotient_high = high / d, quotient_low, remainder = high % d;
    __asm__("divl %4" : "=a"(quotient_low), "=d"(remainder) : "0"(low), "1"(remainder), "r"(d));
    *rest = remainder;
    return (uint64_t)quotient_high << 32 | quotient_low;
  }
  uint64_t quotient = 0, remainder = high;
  for (int bit = 31; bit >= 0; bit--) {
    remainder = remainder << 1 | (low >> bit & 1);
    if (remainder >= divisor) {
      remainder -= divisor;
      quotient |= 1u << bit;
    }
  }
  *rest = remainder;
  return quotient;
}

uint64_t __udivdi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  return divide(a, b, &rest);
}

uint64_t __umoddi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  divide(a, b, &rest);
  return rest;
}

int64_t __divdi3(int64_t a, int64_t b) {
  uint64_t rest;
  uint64_t q = divide(a < 0 ? -(uint64_t)a : (uint64_t)a, b < 0 ? -(uint64_t)b : (uint64_t)b, &rest);
  return (int64_t)((a < 0) != (b < 0) ? -q : q);
}

int64_t __moddi3(int64_t a, int64_t b) {
  uint64_t rest;
  divide(a < 0 ? -(uint64_t)a : (uint64_t)a, b < 0 ? -(uint64_t)b : (uint64_t)b, &rest);
  return (int64_t)(a < 0 ? -rest : rest);
}
