// What Swift can't say: single instructions, as inline functions that vanish into their callers, and the symbols that
// the linker script and the assembly define. i686, 32-bit protected mode, flat segments.
#pragma once
#include <stdint.h>

#define GUEST_INLINE static inline __attribute__((always_inline))

// Memory. Volatile, because page tables, device registers and the data of traps change behind the compiler's back.

GUEST_INLINE uint8_t guest_load8(uint32_t a) { return *(volatile uint8_t *)a; }
GUEST_INLINE uint16_t guest_load16(uint32_t a) { return *(volatile uint16_t *)a; }
GUEST_INLINE uint32_t guest_load32(uint32_t a) { return *(volatile uint32_t *)a; }
GUEST_INLINE void guest_store8(uint32_t a, uint8_t v) { *(volatile uint8_t *)a = v; }
GUEST_INLINE void guest_store16(uint32_t a, uint16_t v) { *(volatile uint16_t *)a = v; }
GUEST_INLINE void guest_store32(uint32_t a, uint32_t v) { *(volatile uint32_t *)a = v; }

GUEST_INLINE void guest_fill32(uint32_t a, uint32_t count, uint32_t v) {
  __asm__ volatile("rep stosl" : "+D"(a), "+c"(count) : "a"(v) : "memory");
}

// Loads and stores that may fault, with an entry each in the exception table (trap.S). The upper half is 1 when it
// went well, the lower half what was loaded.
uint64_t guest_probe_load32(uint32_t a);
uint32_t guest_probe_store32(uint32_t a, uint32_t v);

// WRMSR and RDPMC on processors that may not have the register, likewise. Bit 63 of the counter is set when there is one.
uint32_t guest_try_write_msr(uint32_t index, uint32_t low, uint32_t high);
uint64_t guest_try_read_counter(uint32_t index);

// Paging.

GUEST_INLINE void guest_invlpg(uint32_t a) { __asm__ volatile("invlpg (%0)" : : "r"(a) : "memory"); }

#define GUEST_CONTROL_REGISTER(n)                                                                                      \
  GUEST_INLINE uint32_t guest_read_cr##n(void) {                                                                       \
    uint32_t v;                                                                                                        \
    __asm__ volatile("movl %%cr" #n ", %0" : "=r"(v) : : "memory");                                                    \
    return v;                                                                                                          \
  }                                                                                                                    \
  GUEST_INLINE void guest_write_cr##n(uint32_t v) { __asm__ volatile("movl %0, %%cr" #n : : "r"(v) : "memory"); }

GUEST_CONTROL_REGISTER(0)
GUEST_CONTROL_REGISTER(2)
GUEST_CONTROL_REGISTER(3)
GUEST_CONTROL_REGISTER(4)

// Ports, interrupts, time.

GUEST_INLINE uint8_t guest_in8(uint16_t port) {
  uint8_t v;
  __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
  return v;
}
GUEST_INLINE void guest_out8(uint16_t port, uint8_t v) {
  __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
// EFLAGS before; IF is bit 9.
GUEST_INLINE uint32_t guest_save_flags_cli(void) {
  uint32_t v;
  __asm__ volatile("pushfl\n\tpopl %0\n\tcli" : "=r"(v) : : "memory");
  return v;
}
GUEST_INLINE void guest_sti(void) { __asm__ volatile("sti" : : : "memory"); }
// STI takes effect after the next instruction: no interrupt is lost between the two.
GUEST_INLINE void guest_sti_hlt(void) { __asm__ volatile("sti\n\thlt" : : : "memory"); }
GUEST_INLINE void guest_cli_hlt(void) { __asm__ volatile("cli\n\thlt" : : : "memory"); }
GUEST_INLINE uint64_t guest_rdtsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}
GUEST_INLINE uint32_t guest_frame_pointer(void) { return (uint32_t)__builtin_frame_address(0); }

// Ring 3 (trap.S). Runs the program at `eip` on the stack `esp` and returns what guest_leave_user was given by the
// trap handler that ended it.
uint32_t guest_enter_user(uint32_t eip, uint32_t esp);
_Noreturn void guest_leave_user(uint32_t result);

// Traps (trap.S): what the stubs push, lowest address first. The last two are there only when the trap came from
// ring 3.
struct trap_frame {
  uint32_t es, ds;
  uint32_t edi, esi, ebp, esp_ignored, ebx, edx, ecx, eax;
  uint32_t vector, error_code;
  uint32_t eip, cs, eflags;
  uint32_t user_esp, user_ss;
};

// Symbols of the linker script and of variables.S, as addresses.

#define GUEST_SYMBOL(name)                                                                                             \
  extern char name[];                                                                                                  \
  GUEST_INLINE uint32_t guest_address_of_##name(void) { return (uint32_t)name; }

GUEST_SYMBOL(kernel_variables)
GUEST_SYMBOL(_image)
GUEST_SYMBOL(_end)
GUEST_SYMBOL(__start_ex_table)
GUEST_SYMBOL(__stop_ex_table)
