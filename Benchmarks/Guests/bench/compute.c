/* Workloads that live in registers and on the stack. */

#include "bench.h"

/* Arithmetic and logic with a short dependency chain; no memory but the stack. */
uint32_t run_integer(uint32_t rounds) {
  uint32_t a = 1, b = 0x9E3779B9, c = 0;
  for (uint32_t i = 0; i < rounds; i++) {
    a = a * 1664525 + 1013904223;
    b ^= a >> 7;
    b = b << 5 | b >> 27;
    c += a & b;
    if (c & 0x100)
      c ^= i;
  }
  return a ^ b ^ c;
}

/* Calls and returns: Fibonacci's numbers the wrong way. */
static __attribute__((noinline)) uint32_t fibonacci(uint32_t n) {
  if (n < 2)
    return n;
  uint32_t before = fibonacci(n - 2);
  __asm__ volatile("" : "+r"(before)); /* keeps the second call from becoming a loop */
  return before + fibonacci(n - 1);
}

uint32_t run_calls(uint32_t rounds) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < rounds; i++)
    sum = sum * 31 + fibonacci(20 + (i & 1));
  return sum;
}

/* 64-bit multiplication inline, division through the compiler's helpers. */
uint32_t run_wide(uint32_t rounds) {
  uint64_t x = 0x123456789ABCDEFull, sum = 0;
  for (uint32_t i = 1; i <= rounds; i++) {
    x = x * 6364136223846793005ull + 1442695040888963407ull;
    uint64_t divisor = i & 1 ? (x >> 41) | 1 : (x << 7 | i);
    sum += x / divisor + (x ^ sum) % (divisor + 2);
  }
  return (uint32_t)(sum ^ sum >> 32);
}

/* A byte-code interpreter: one indirect jump an operation. */
enum op { ADD, SUB, XOR, SHIFT, SWAP, LOAD, STORE, SKIP, OPS };

uint32_t run_dispatch(uint32_t rounds) {
  static uint8_t program[1024];
  static uint32_t cells[64];
  uint32_t seed = 0xC0FFEE11, a = 1, b = 2;
  for (uint32_t i = 0; i < sizeof program; i++)
    program[i] = (uint8_t)next_random(&seed);
  for (uint32_t i = 0; i < 64; i++)
    cells[i] = i;
  for (uint32_t i = 0; i < rounds; i++) {
    for (uint32_t at = 0; at < sizeof program; at++) {
      uint32_t operand = program[at] >> 3;
      switch ((enum op)(program[at] % OPS)) {
      case ADD: a += b + operand; break;
      case SUB: b -= a ^ operand; break;
      case XOR: a ^= b << 3; break;
      case SHIFT: b = b >> 5 | b << 27; break;
      case SWAP: { uint32_t t = a; a = b; b = t; break; }
      case LOAD: a += cells[operand]; break;
      case STORE: cells[operand] = a; break;
      case SKIP: at += a & 1; break;
      case OPS: break;
      }
    }
  }
  return a ^ b;
}
