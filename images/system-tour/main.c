/* Walks through the cases of segmentation, gates, tasks, debug registers and V86 mode, and prints a line for each. */

#include <string.h>

#include "console.h"
#include "tour.h"

struct outcome outcome;
extern volatile uint32_t fault_seen, other_flags;

enum { NAME_WIDTH = 34, MANUAL_WIDTH = 14, OUTCOME_WIDTH = 12 };

static const struct tour_case *current;

static uint32_t read_status(void) {
  uint32_t value;
  __asm__ volatile("mov %%dr6, %0" : "=r"(value));
  return value & 0xE00F;
}

static void clear_status(void) { __asm__ volatile("mov %0, %%dr6" : : "r"(0)); }

void handle_exception(struct exception_frame *frame) {
  uint32_t start = current->where == V86 ? 0 : (uint32_t)current->code;
  outcome = (struct outcome){frame->vector, frame->error_code, frame->eip - start, frame->eflags, frame->cs,
                             frame->eax,    frame->ebx,        frame->ecx,         frame->edx,    read_status()};
  /* #BP, #DB traps and INT say where the next instruction is. */
  frame->eip = (uint32_t)recover;
  frame->cs = KERNEL_CODE;
  frame->eflags = 2;
}

static void print_outcome(uint32_t vector, uint32_t error_code) {
  static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF",
                                      "CSO", "#TS", "#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC"};
  if (vector == VECTOR_DONE) {
    print_padded("no fault", OUTCOME_WIDTH);
    return;
  }
  print(vector < sizeof names / sizeof *names ? names[vector] : "???");
  bool has_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
  if (has_code) {
    print("(");
    print_hex(error_code, 4);
    print(")");
  }
  print_padded("", OUTCOME_WIDTH - (has_code ? 9 : 3));
}

static const char *judge(const struct tour_case *row) {
  if (outcome.vector != row->vector || outcome.error_code != row->error_code)
    return "another outcome";
  if (row->offset != ~0u && outcome.offset != row->offset)
    return "elsewhere";
  return row->check ? row->check() : NULL;
}

static bool visit(const struct tour_case *row) {
  static const char *const modes[] = {"ring 0", "ring 3", "V86"};
  current = row;
  print_padded(row->name, NAME_WIDTH);
  print_padded(row->manual, MANUAL_WIDTH);
  print_padded(modes[row->where], 8);
  print_outcome(row->vector, row->error_code);

  reset_tasks();
  fault_seen = other_flags = 0;
  clear_status();
  memset(&outcome, 0, sizeof outcome);
  switch (row->where) {
  case RING0: run_ring0(row->code); break;
  case RING3: run_ring3(row->code, row->eflags); break;
  case V86:
    memcpy((void *)(V86_SEGMENT << 4), (const void *)row->code, 64);
    run_v86(row->eflags);
    break;
  }
  if (fault_seen)
    outcome.vector = 8;

  const char *complaint = judge(row);
  print_outcome(outcome.vector, outcome.error_code);
  if (complaint) {
    print("FAIL: ");
    print(complaint);
    print(" (at ");
    print_hex(outcome.offset, 2);
    print(", EFLAGS ");
    print_hex(outcome.eflags, 8);
    print(", DR6 ");
    print_hex(outcome.status, 4);
    print(")");
  } else {
    print("ok");
  }
  print("\n");
  return !complaint;
}

int guest_main(uint32_t magic, const void *info) {
  (void)magic, (void)info;
  prepare_tables();
  write_cr0(read_cr0() | 0x40000 /* AM */);
  print_padded("case", NAME_WIDTH);
  print_padded("manual", MANUAL_WIDTH);
  print_padded("mode", 8);
  print_padded("expected", OUTCOME_WIDTH);
  print("came\n");
  unsigned cases = 0, failures = 0;
  for (const struct tour_case *row = tour_cases; row->name; row++, cases++)
    failures += !visit(row);
  print_decimal(cases);
  print(" cases, ");
  print_decimal(failures);
  print(failures ? " failures\nFAIL\n" : " failures\nPASS\n");
  return failures ? 1 : 0;
}
