#include "HostOracle.h"

#if defined(__x86_64__)

enum { arithmetic_flags = 0x8d5, always_one = 0x2 };

bool host_oracle_is_available(void) { return true; }

/// Whether DIV or IDIV would raise #DE, reckoned in 128 bits so that nothing here can overflow.
static bool raises_divide_error(bool is_signed, uint32_t width, const HostOperands *operands) {
  uint64_t mask = (UINT64_C(1) << width) - 1;
  uint64_t dividend_bits = (operands->d & mask) << width | (operands->a & mask);
  unsigned unused = 64 - 2 * width;
  if (is_signed) {
    __int128 dividend = (int64_t)(dividend_bits << unused) >> unused;
    __int128 divisor = (int64_t)((uint64_t)operands->c << (64 - width)) >> (64 - width);
    if (divisor == 0) return true;
    __int128 quotient = dividend / divisor;
    __int128 limit = (__int128)1 << (width - 1);
    return quotient < -limit || quotient >= limit;
  }
  unsigned __int128 divisor = operands->c & mask;
  return divisor == 0 || (unsigned __int128)dividend_bits / divisor > mask;
}

// The stack pointer steps over the red zone first, in which the compiler may keep its own values.
#define EXECUTE(text)                                                                                  \
  __asm__ volatile(                                                                                    \
      "lea -128(%%rsp), %%rsp\n\tpush %[flags]\n\tpopfq\n\t" text                                      \
      "\n\tpushfq\n\tpop %[flags]\n\tlea 128(%%rsp), %%rsp"                                            \
      : "+a"(a), "+d"(d), "+c"(c), [flags] "+r"(flags)                                                 \
      :                                                                                                \
      : "cc", "memory")

#define ROW(name, text8, text16, text32)                                                               \
  case HostInstruction##name:                                                                          \
    if (width == 8) { EXECUTE(text8); } else if (width == 16) { EXECUTE(text16); } else { EXECUTE(text32); } \
    break;
#define BINARY(name, mnemonic)                                                                         \
  ROW(name, mnemonic "b %%dl, %%al", mnemonic "w %%dx, %%ax", mnemonic "l %%edx, %%eax")
#define UNARY(name, mnemonic) ROW(name, mnemonic "b %%al", mnemonic "w %%ax", mnemonic "l %%eax")
#define SHIFT(name, mnemonic)                                                                          \
  ROW(name, mnemonic "b %%cl, %%al", mnemonic "w %%cl, %%ax", mnemonic "l %%cl, %%eax")
#define PRODUCT(name, mnemonic) ROW(name, mnemonic "b %%dl", mnemonic "w %%dx", mnemonic "l %%edx")
#define QUOTIENT(name, mnemonic) ROW(name, mnemonic "b %%cl", mnemonic "w %%cx", mnemonic "l %%ecx")

#define WIDE_ROW(name, text16, text32)                                                                 \
  case HostInstruction##name:                                                                          \
    if (width == 8) return HostOutcomeNoSuchInstruction;                                               \
    if (width == 16) { EXECUTE(text16); } else { EXECUTE(text32); }                                    \
    break;
#define WIDE_BINARY(name, mnemonic) WIDE_ROW(name, mnemonic "w %%dx, %%ax", mnemonic "l %%edx, %%eax")
#define DOUBLE_SHIFT(name, mnemonic)                                                                   \
  WIDE_ROW(name, mnemonic "w %%cl, %%dx, %%ax", mnemonic "l %%cl, %%edx, %%eax")

HostOutcome host_oracle_execute(HostInstruction instruction, uint32_t width, HostOperands *operands) {
  bool is_division = instruction == HostInstructionDiv || instruction == HostInstructionIdiv;
  bool is_product = instruction == HostInstructionMul || instruction == HostInstructionImul;
  if (is_division && raises_divide_error(instruction == HostInstructionIdiv, width, operands))
    return HostOutcomeDivideError;

  uint64_t a = operands->a, d = operands->d, c = operands->c;
  uint64_t flags = (operands->flags & arithmetic_flags) | always_one;
  if (is_division && width == 8) a = (d & 0xff) << 8 | (a & 0xff);

  switch (instruction) {
    BINARY(Add, "add")
    BINARY(Adc, "adc")
    BINARY(Sub, "sub")
    BINARY(Sbb, "sbb")
    BINARY(And, "and")
    BINARY(Or, "or")
    BINARY(Xor, "xor")
    BINARY(Cmp, "cmp")
    BINARY(Test, "test")
    UNARY(Inc, "inc")
    UNARY(Dec, "dec")
    UNARY(Neg, "neg")
    SHIFT(Shl, "shl")
    SHIFT(Shr, "shr")
    SHIFT(Sar, "sar")
    SHIFT(Rol, "rol")
    SHIFT(Ror, "ror")
    SHIFT(Rcl, "rcl")
    SHIFT(Rcr, "rcr")
    DOUBLE_SHIFT(Shld, "shld")
    DOUBLE_SHIFT(Shrd, "shrd")
    PRODUCT(Mul, "mul")
    PRODUCT(Imul, "imul")
    WIDE_BINARY(ImulTruncating, "imul")
    QUOTIENT(Div, "div")
    QUOTIENT(Idiv, "idiv")
    WIDE_BINARY(Bsf, "bsf")
    WIDE_BINARY(Bsr, "bsr")
    WIDE_BINARY(Bt, "bt")
    WIDE_BINARY(Bts, "bts")
    WIDE_BINARY(Btr, "btr")
    WIDE_BINARY(Btc, "btc")
    WIDE_ROW(Cwd, "cwtd", "cltd")
    case HostInstructionBswap:
      if (width != 32) return HostOutcomeNoSuchInstruction;
      EXECUTE("bswap %%eax");
      break;
  }

  uint64_t mask = (UINT64_C(1) << width) - 1;
  if ((is_division || is_product) && width == 8) d = a >> 8;
  operands->a = (uint32_t)(a & mask);
  operands->d = (uint32_t)(d & mask);
  operands->c = (uint32_t)c;
  operands->flags = (uint32_t)flags & arithmetic_flags;
  return HostOutcomeExecuted;
}

#else

bool host_oracle_is_available(void) { return false; }

HostOutcome host_oracle_execute(HostInstruction instruction, uint32_t width, HostOperands *operands) {
  (void)instruction, (void)width, (void)operands;
  return HostOutcomeNoSuchInstruction;
}

#endif
