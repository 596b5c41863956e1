/* Runs the cases of cases.S, compares what the unit holds with what the manual says, and prints a line for each. */

#include <string.h>

#include "console.h"
#include "machine.h"
#include "multiboot.h"

#include "tour.h"

enum { NAME_WIDTH = 54, CPUID_FPU = 1 };

unsigned report(const char *name, const char *complaint) {
  print("  ");
  print_padded(name, NAME_WIDTH);
  print(complaint ? "FAIL: " : "ok");
  if (complaint)
    print(complaint);
  print("\n");
  return complaint != 0;
}

static struct state run(const struct check *check) {
  struct state state;
  __asm__ volatile(
      "fninit\n\tfldcw %[control]\n\tcall *%[code]\n\tfnsave %[state]"
      : [state] "=m"(state)
      : [control] "m"(check->control), [code] "r"(check->code)
      : "eax", "cc", "memory");
  return state;
}

static uint32_t distance(uint64_t a, uint64_t b) {
  uint64_t difference = a > b ? a - b : b - a;
  return difference > 1000 ? 1000 : (uint32_t)difference;
}

static const char *complaint_about(const struct check *check, const struct state *state) {
  unsigned top = state->status >> 11 & 7;
  bool is_empty = (state->tags >> 2 * top & 3) == 3;
  if (((state->status ^ check->wanted) & check->mask) != 0)
    return "status word";
  if (check->exponent == ANY)
    return NULL;
  if (is_empty != (check->exponent == EMPTY))
    return is_empty ? "ST(0) is empty" : "ST(0) is not empty";
  if (is_empty)
    return NULL;
  if (state->stack[0].exponent != check->exponent ||
      distance(state->stack[0].significand, check->significand) > check->ulps)
    return "ST(0)";
  return NULL;
}

static void print_state(uint16_t status, uint16_t mask, uint16_t exponent, uint64_t significand) {
  print("status ");
  print_hex(status & mask, 4);
  print(", ST(0) ");
  print_hex(exponent, 4);
  print_char('_');
  print_hex(significand, 16);
}

static unsigned visit(const struct check *check) {
  struct state state = run(check);
  const char *complaint = complaint_about(check, &state);
  unsigned failed = report(check->name, complaint);
  if (failed) {
    print("    wanted ");
    print_state(check->wanted, check->mask, check->exponent, check->significand);
    print("\n    came   ");
    print_state(state.status, check->mask, state.stack[0].exponent, state.stack[0].significand);
    print("\n");
  }
  return failed;
}

static unsigned check_start(void) {
  uint16_t control, status;
  __asm__ volatile("fninit\n\tfnstcw %0\n\tfnstsw %1" : "=m"(control), "=m"(status));
  print("The unit\n");
  return report("CPUID tells of it", cpuid(1).edx & CPUID_FPU ? NULL : "FPU is clear") +
         report("FNINIT: control 037F, status 0000", control == NEAREST && status == 0 ? NULL : "other values");
}

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length])
    length++;
  return length;
}

/* Whether the command line has this word at its end. */
static bool has_word(const struct multiboot_info *info, const char *word) {
  const char *end = "";
  if (info->flags & MULTIBOOT_HAS_CMDLINE)
    end = (const char *)info->cmdline;
  size_t length = length_of(end), wanted = length_of(word);
  return length >= wanted && memcmp(end + length - wanted, word, wanted) == 0;
}

int guest_main(uint32_t magic, const struct multiboot_info *info) {
  (void)magic;
  /* Multiboot leaves open what CR0 says of the unit: EM and TS off, MP and NE on. */
  write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
  unsigned failed = check_start(), count = 2;
  for (const struct check *check = cases; check->name; check++) {
    if (!check->code) {
      print(check->name);
      print("\n");
      continue;
    }
    failed += visit(check);
    count++;
  }
  failed += check_traps(&count, has_word(info, "no-irq13"));
  print_decimal(count - failed);
  print(" of ");
  print_decimal(count);
  print(failed ? " as the manual says: FAIL\n" : " as the manual says: PASS\n");
  return failed != 0;
}
