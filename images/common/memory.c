/* The four functions that a compiler may call on its own, freestanding or not (GCC manual, "Language Standards
 * Supported by GCC"; clang keeps to the same list). String instructions do the work. */

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  return result;
}

void *memmove(void *to, const void *from, size_t count) {
  if ((size_t)to - (size_t)from >= count)
    return memcpy(to, from, count);
  char *last_to = (char *)to + count - 1;
  const char *last_from = (const char *)from + count - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(count) : : "memory");
  return to;
}

void *memset(void *to, int value, size_t count) {
  void *result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
  return result;
}

int memcmp(const void *left, const void *right, size_t count) {
  const unsigned char *l = left, *r = right;
  for (; count; l++, r++, count--)
    if (*l != *r)
      return *l - *r;
  return 0;
}
