#include "exceptions.h"

#include "console.h"
#include "machine.h"

/* An interrupt gate (SDM vol. 3A, figure 6-2). */
struct gate {
  uint16_t offset_low, selector, type, offset_high;
};

enum { INTERRUPT_GATE = 0x8E00, RING3_MAY_CALL = 0x6000 };

static struct gate idt[VECTOR_DONE + 1];

extern const uint32_t exception_entries[32], done_entry;

static void set_gate(unsigned vector, uint32_t entry, uint16_t rights) {
  idt[vector] = (struct gate){(uint16_t)entry, KERNEL_CODE, INTERRUPT_GATE | rights, (uint16_t)(entry >> 16)};
}

/* Called once by start.S. */
void install_exceptions(void) {
  for (unsigned vector = 0; vector < 32; vector++)
    set_gate(vector, exception_entries[vector], 0);
  set_gate(VECTOR_DONE, done_entry, RING3_MAY_CALL);
  struct {
    uint16_t limit;
    uint32_t base;
  } __attribute__((packed)) pointer = {sizeof idt - 1, (uint32_t)idt};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

_Noreturn void die_of_exception(const struct exception_frame *frame) {
  print("\nunexpected exception ");
  print_decimal(frame->vector);
  print(", error code ");
  print_hex(frame->error_code, 4);
  print(", at ");
  print_hex(frame->cs, 4);
  print_char(':');
  print_hex(frame->eip, 8);
  print(", CR2 ");
  print_hex(read_cr2(), 8);
  print("\n");
  exit_guest((uint8_t)(32 + frame->vector));
}

__attribute__((weak)) void handle_exception(struct exception_frame *frame) { die_of_exception(frame); }
