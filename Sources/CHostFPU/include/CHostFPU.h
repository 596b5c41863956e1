#ifndef CHOSTFPU_H
#define CHOSTFPU_H

#include <stdint.h>

/// The host's own floating-point units, for the emulated ones. Only an x86-64 host has them.
///
/// All that is here runs with every exception masked, and leaves the host's control words as it found them: those that
/// every program starts with. The host's status flags are sticky and are not cleared before each instruction, which takes
/// longer than the instruction. A caller says which flags its guest has set already: when the host shows no others,
/// nothing new can have happened. When it does, the flags are cleared and the caller finds out by itself.
#if defined(__x86_64__)

#define HOSTFPU_IS_AVAILABLE 1

/// What an x87 instruction returns instead of the status word when flags were raised that the guest did not have. The
/// destination is as it was then. (The busy bit is never set while everything is masked.)
enum { hostfpu_raised = 0x8000 };

/// The control word that programs start with.
enum { hostfpu_default_control = 0x37f };

typedef struct { uint8_t bytes[10]; } HostFPUExtended;

// `control` has every mask set. The operands load, the result lies in ST(0), and the status word is read before the control
// word comes back.
#define HOSTFPU_EXECUTE(load, source_operand)                                                              \
  if (control == hostfpu_default_control) {                                                                \
    __asm__ volatile("fldt %[destination]\n\t" load "\n\tfnstsw %[status]"                                 \
                     : "=&t"(result), [status] "=&a"(status)                                               \
                     : [destination] "m"(*(const HostFPUExtended *)destination), [source] "m"(source_operand) \
                     : "st(1)");                                                                           \
  } else {                                                                                                 \
    uint16_t usual = hostfpu_default_control;                                                              \
    __asm__ volatile("fldcw %[control]\n\tfldt %[destination]\n\t" load                                    \
                     "\n\tfnstsw %[status]\n\tfldcw %[usual]"                                              \
                     : "=&t"(result), [status] "=&a"(status)                                               \
                     : [destination] "m"(*(const HostFPUExtended *)destination), [source] "m"(source_operand), \
                       [control] "m"(control), [usual] "m"(usual)                                          \
                     : "st(1)");                                                                           \
  }

/// The end of each function: keeps the result unless something new was raised.
static inline __attribute__((always_inline)) uint16_t hostfpu_finish(
    long double result, uint16_t status, uint16_t guest_flags, void *destination) {
  if (__builtin_expect((status & 0x3f & ~guest_flags) != 0, 0)) {
    __asm__ volatile("fnclex");
    return hostfpu_raised;
  }
  __asm__ volatile("fstpt %0" : "=m"(*(HostFPUExtended *)destination) : "t"(result) : "st");
  return status;
}

// By the digit of the opcodes D8 /0 to /7, of which /2 and /3 are comparisons.
#define HOSTFPU_ARITHMETIC(name, type, add, multiply, subtract, subtract_reversed, divide, divide_reversed) \
  static inline uint16_t name(                                                                             \
      uint8_t digit, void *destination, const void *source, uint16_t control, uint16_t guest_flags) {      \
    long double result;                                                                                    \
    uint16_t status;                                                                                       \
    switch (digit) {                                                                                       \
      case 0: HOSTFPU_EXECUTE(add, *(const type *)source) break;                                           \
      case 1: HOSTFPU_EXECUTE(multiply, *(const type *)source) break;                                      \
      case 4: HOSTFPU_EXECUTE(subtract, *(const type *)source) break;                                      \
      case 5: HOSTFPU_EXECUTE(subtract_reversed, *(const type *)source) break;                             \
      case 6: HOSTFPU_EXECUTE(divide, *(const type *)source) break;                                        \
      default: HOSTFPU_EXECUTE(divide_reversed, *(const type *)source) break;                              \
    }                                                                                                      \
    return hostfpu_finish(result, status, guest_flags, destination);                                       \
  }

// In bytes, because AT&T's mnemonics of the register forms have FSUB and FSUBR the wrong way round.
#define HOSTFPU_WITH_REGISTER(second_byte) "fldt %[source]\n\t.byte 0xde, " second_byte
#define HOSTFPU_WITH_MEMORY(mnemonic) mnemonic " %[source]"
#define HOSTFPU_MEMORY_ARITHMETIC(name, type, prefix, suffix)                                              \
  HOSTFPU_ARITHMETIC(                                                                                      \
      name, type, HOSTFPU_WITH_MEMORY(prefix "add" suffix), HOSTFPU_WITH_MEMORY(prefix "mul" suffix),      \
      HOSTFPU_WITH_MEMORY(prefix "sub" suffix), HOSTFPU_WITH_MEMORY(prefix "subr" suffix),                 \
      HOSTFPU_WITH_MEMORY(prefix "div" suffix), HOSTFPU_WITH_MEMORY(prefix "divr" suffix))

/// Arithmetic of two numbers of 80 bits: the digit of the opcode, the destination, which is the left operand, the source,
/// the guest's control word with all masks set, and the flags that the guest has set.
HOSTFPU_ARITHMETIC(
    hostfpu_arithmetic_extended, HostFPUExtended, HOSTFPU_WITH_REGISTER("0xc1"), HOSTFPU_WITH_REGISTER("0xc9"),
    HOSTFPU_WITH_REGISTER("0xe9"), HOSTFPU_WITH_REGISTER("0xe1"), HOSTFPU_WITH_REGISTER("0xf9"),
    HOSTFPU_WITH_REGISTER("0xf1"))
/// The same with a source of 32 or 64 bits, or an integer.
HOSTFPU_MEMORY_ARITHMETIC(hostfpu_arithmetic_single, float, "f", "s")
HOSTFPU_MEMORY_ARITHMETIC(hostfpu_arithmetic_double, double, "f", "l")
HOSTFPU_MEMORY_ARITHMETIC(hostfpu_arithmetic_int16, int16_t, "fi", "s")
HOSTFPU_MEMORY_ARITHMETIC(hostfpu_arithmetic_int32, int32_t, "fi", "l")

/// The square root of the destination.
static inline uint16_t hostfpu_square_root(void *destination, uint16_t control, uint16_t guest_flags) {
  long double result;
  uint16_t status;
  HOSTFPU_EXECUTE("fsqrt", *(const HostFPUExtended *)destination)
  return hostfpu_finish(result, status, guest_flags, destination);
}

/// The destination rounded to an integer: FRNDINT.
static inline uint16_t hostfpu_round_to_integer(void *destination, uint16_t control, uint16_t guest_flags) {
  long double result;
  uint16_t status;
  HOSTFPU_EXECUTE("frndint", *(const HostFPUExtended *)destination)
  return hostfpu_finish(result, status, guest_flags, destination);
}

// A store to memory of another format: the same, with a result that is no register's.
#define HOSTFPU_STORE(name, type, store)                                                                   \
  static inline uint16_t name(                                                                             \
      const void *source, type *destination, uint16_t control, uint16_t guest_flags) {                     \
    uint16_t status, usual = hostfpu_default_control;                                                      \
    type result;                                                                                           \
    if (control == hostfpu_default_control) {                                                              \
      __asm__ volatile("fldt %[source]\n\t" store " %[result]\n\tfnstsw %[status]"                         \
                       : [result] "=m"(result), [status] "=a"(status)                                      \
                       : [source] "m"(*(const HostFPUExtended *)source)                                    \
                       : "st");                                                                            \
    } else {                                                                                               \
      __asm__ volatile("fldcw %[control]\n\tfldt %[source]\n\t" store                                      \
                       " %[result]\n\tfnstsw %[status]\n\tfldcw %[usual]"                                  \
                       : [result] "=m"(result), [status] "=a"(status)                                      \
                       : [source] "m"(*(const HostFPUExtended *)source), [control] "m"(control),           \
                         [usual] "m"(usual)                                                                \
                       : "st");                                                                            \
    }                                                                                                      \
    if (__builtin_expect((status & 0x3f & ~guest_flags) != 0, 0)) {                                        \
      __asm__ volatile("fnclex");                                                                          \
      return hostfpu_raised;                                                                               \
    }                                                                                                      \
    *destination = result;                                                                                 \
    return status;                                                                                         \
  }

HOSTFPU_STORE(hostfpu_store_single, uint32_t, "fstps")
HOSTFPU_STORE(hostfpu_store_double, uint64_t, "fstpl")
HOSTFPU_STORE(hostfpu_store_int16, int16_t, "fistps")
HOSTFPU_STORE(hostfpu_store_int32, int32_t, "fistpl")
HOSTFPU_STORE(hostfpu_store_int64, int64_t, "fistpll")

/// The MXCSR that programs start with.
enum { hostfpu_default_mxcsr = 0x1f80 };

typedef struct { uint8_t bytes[16]; } HostFPUVector;

// `control` has every mask set, and no flag.
#define HOSTFPU_VECTOR_EXECUTE(instruction)                                                                \
  if (control == hostfpu_default_mxcsr) {                                                                  \
    __asm__ volatile("movups %[destination], %%xmm0\n\tmovups %[source], %%xmm1\n\t" instruction          \
                     " %%xmm1, %%xmm0\n\tmovups %%xmm0, %[result]\n\tstmxcsr %[status]"                    \
                     : [result] "=m"(result), [status] "=m"(status)                                        \
                     : [destination] "m"(*(const HostFPUVector *)destination),                             \
                       [source] "m"(*(const HostFPUVector *)source)                                        \
                     : "xmm0", "xmm1");                                                                    \
  } else {                                                                                                 \
    uint32_t usual = hostfpu_default_mxcsr;                                                                \
    __asm__ volatile("movups %[destination], %%xmm0\n\tmovups %[source], %%xmm1\n\tldmxcsr %[control]\n\t"  \
                     instruction " %%xmm1, %%xmm0\n\tstmxcsr %[status]\n\tldmxcsr %[usual]\n\t"             \
                     "movups %%xmm0, %[result]"                                                            \
                     : [result] "=m"(result), [status] "=m"(status)                                        \
                     : [destination] "m"(*(const HostFPUVector *)destination),                             \
                       [source] "m"(*(const HostFPUVector *)source), [control] "m"(control),               \
                       [usual] "m"(usual)                                                                  \
                     : "xmm0", "xmm1");                                                                    \
  }

// By the last digit of the opcodes 0F 51 and 0F 58 to 0F 5F.
#define HOSTFPU_VECTOR_ARITHMETIC(name, suffix)                                                            \
  static inline uint32_t name(                                                                             \
      uint8_t digit, void *destination, const void *source, uint32_t control, uint32_t guest_flags) {      \
    HostFPUVector result;                                                                                  \
    uint32_t status;                                                                                       \
    switch (digit) {                                                                                       \
      case 0x1: HOSTFPU_VECTOR_EXECUTE("sqrt" suffix) break;                                               \
      case 0x8: HOSTFPU_VECTOR_EXECUTE("add" suffix) break;                                                \
      case 0x9: HOSTFPU_VECTOR_EXECUTE("mul" suffix) break;                                                \
      case 0xc: HOSTFPU_VECTOR_EXECUTE("sub" suffix) break;                                                \
      case 0xd: HOSTFPU_VECTOR_EXECUTE("min" suffix) break;                                                \
      case 0xe: HOSTFPU_VECTOR_EXECUTE("div" suffix) break;                                                \
      default: HOSTFPU_VECTOR_EXECUTE("max" suffix) break;                                                 \
    }                                                                                                      \
    if (__builtin_expect((status & 0x3f & ~guest_flags) != 0, 0)) {                                        \
      uint32_t usual = hostfpu_default_mxcsr;                                                              \
      __asm__ volatile("ldmxcsr %0" : : "m"(usual));                                                       \
      return hostfpu_raised;                                                                               \
    }                                                                                                      \
    *(HostFPUVector *)destination = result;                                                                \
    return 0;                                                                                              \
  }

/// Arithmetic of SSE and SSE2 in its four forms: the last digit of the opcode, the destination, the source, the guest's
/// MXCSR with all masks and no flag set, and the flags that the guest has set. Returns 0, or `hostfpu_raised` as above.
HOSTFPU_VECTOR_ARITHMETIC(hostfpu_packed_single, "ps")
HOSTFPU_VECTOR_ARITHMETIC(hostfpu_packed_double, "pd")
HOSTFPU_VECTOR_ARITHMETIC(hostfpu_scalar_single, "ss")
HOSTFPU_VECTOR_ARITHMETIC(hostfpu_scalar_double, "sd")

#else

#define HOSTFPU_IS_AVAILABLE 0

#endif
#endif
