/* What the cases and their runner share: bits of the control and the status word. SDM vol. 1, 8.1. */

#ifndef TOUR_H
#define TOUR_H

/* Exceptions: flags in the status word, masks in the control word. */
#define INVALID 0x0001
#define DENORMAL 0x0002
#define ZERO_DIVIDE 0x0004
#define OVERFLOW 0x0008
#define UNDERFLOW 0x0010
#define PRECISION 0x0020
#define EXCEPTIONS 0x003F

/* The rest of the status word. */
#define STACK_FAULT 0x0040
#define PENDING 0x0080
#define C0 0x0100
#define C1 0x0200
#define C2 0x0400
#define C3 0x4000
#define CODES (C0 | C2 | C3)
#define ALL_CODES (CODES | C1)
/* What an instruction of arithmetic says. */
#define FLAGS (EXCEPTIONS | STACK_FAULT | PENDING | C1)

/* Control words with everything masked. */
#define NEAREST 0x037F
#define DOWN 0x077F
#define UP 0x0B7F
#define CHOP 0x0F7F
#define DOUBLE 0x027F
#define SINGLE 0x007F

/* In place of an exponent: ST(0) must be empty, or doesn't matter. No number has these with such a significand. */
#define EMPTY 0x7FFD
#define ANY 0x7FFC

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct check {
  const char *name;
  void (*code)(void);
  uint16_t control, wanted, mask, exponent;
  uint64_t significand;
  uint32_t ulps;
} __attribute__((packed, aligned(4)));

extern const struct check cases[];

/* The 108 bytes of FNSAVE in 32-bit protected mode. */
struct state {
  uint16_t control, reserved1, status, reserved2, tags, reserved3;
  uint32_t instruction_offset;
  uint16_t instruction_selector, opcode;
  uint32_t operand_offset;
  uint16_t operand_selector, reserved4;
  struct {
    uint64_t significand;
    uint16_t exponent;
  } __attribute__((packed)) stack[8];
} __attribute__((packed));

/* How many of the checks about traps failed, and how many there are; traps.c. */
unsigned check_traps(unsigned *count, bool without_irq13);

/* One line; returns whether it failed. */
unsigned report(const char *name, const char *complaint);
#endif
#endif
