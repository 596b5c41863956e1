/* The machine as a bare guest sees it: segment selectors, ports, control registers, and the instructions that
 * C has no words for. Used from assembly (the constants) and C. */

#ifndef MACHINE_H
#define MACHINE_H

/* Selectors of the flat GDT in start.S. */
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE (0x18 | 3)
#define USER_DATA (0x20 | 3)
#define TASK_STATE 0x28

/* Ports. */
#define COM1 0x3F8      /* 16550 UART: data register */
#define COM1_LCR 0x3FB  /* its line control register */
#define LCR_8N1 0x03    /* eight data bits, no parity, one stop bit */
#define COM1_LSR 0x3FD  /* its line status register */
#define LSR_THRE 0x20   /* transmitter can take a byte */
#define EXIT_PORT 0xF4  /* the byte written ends the run and is its exit status */

/* CR0, CR4 and EFER (SDM vol. 3A, 2.5 and 2.2.1). */
#define CR0_MP 0x00000002
#define CR0_EM 0x00000004
#define CR0_TS 0x00000008
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_NW 0x20000000
#define CR0_CD 0x40000000
#define CR0_PG 0x80000000
#define CR4_PSE 0x00000010
#define CR4_PAE 0x00000020
#define CR4_PGE 0x00000080
#define MSR_EFER 0xC0000080
#define EFER_NXE 0x00000800

/* Vectors (SDM vol. 3A, table 6-1), and the one this code calls itself with. */
#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_DONE 0x80

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

#define DEFINE_CONTROL_REGISTER(name)                                       \
  static inline uint32_t read_##name(void) {                                \
    uint32_t value;                                                         \
    __asm__ volatile("mov %%" #name ", %0" : "=r"(value) : : "memory");     \
    return value;                                                           \
  }                                                                         \
  static inline void write_##name(uint32_t value) {                         \
    __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");         \
  }
DEFINE_CONTROL_REGISTER(cr0)
DEFINE_CONTROL_REGISTER(cr2)
DEFINE_CONTROL_REGISTER(cr3)
DEFINE_CONTROL_REGISTER(cr4)
#undef DEFINE_CONTROL_REGISTER

static inline uint64_t read_msr(uint32_t index) {
  uint64_t value;
  __asm__ volatile("rdmsr" : "=A"(value) : "c"(index));
  return value;
}

static inline void write_msr(uint32_t index, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(index), "A"(value) : "memory");
}

static inline uint64_t read_tsc(void) {
  uint64_t value;
  __asm__ volatile("rdtsc" : "=A"(value) : : "memory");
  return value;
}

/* Drops the TLB's translations of the page that holds `address`. */
static inline void invlpg(const volatile void *address) {
  __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

struct cpuid {
  uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf) {
  struct cpuid r;
  __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
  return r;
}

/* CPUID leaf 1, EDX. */
#define CPUID_PSE (1u << 3)
#define CPUID_PAE (1u << 6)
#define CPUID_PGE (1u << 13)
#define CPUID_PSE36 (1u << 17)
#define CPUID_SSE2 (1u << 26)
/* CPUID leaf 80000001h, EDX. */
#define CPUID_NX (1u << 20)

/* EDX of an extended leaf, 0 when the CPU hasn't got that leaf. */
static inline uint32_t cpuid_extended_edx(uint32_t leaf) {
  return cpuid(0x80000000).eax >= leaf ? cpuid(leaf).edx : 0;
}

/* Ends the run. `status` is what the emulator's process exits with; 0 is success. */
_Noreturn void exit_guest(uint8_t status);

#endif
#endif
