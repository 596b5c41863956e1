/* The cases: what runs where, and what must come of it. A new case is a new row, and its code in cases.S. */

#include "tour.h"

#define CODES(X)                                                                                              \
  X(null_read) X(beyond_table) X(absent_load) X(absent_stack) X(null_stack) X(code_into_stack)                \
  X(execute_only_load) X(local_load) X(read_only_write) X(code_write) X(short_inside) X(short_across)         \
  X(expand_down_inside) X(expand_down_below) X(selector_checks) X(unreadable_selector) X(ring3_reaches)       \
  X(ring3_cli) X(ring3_kernel_data) X(ring3_int) X(ring3_ports) X(ring3_open_port) X(ring3_far_kernel)        \
  X(call_gate) X(conforming) X(ring3_jump_gate) X(misaligned) X(task_jump) X(task_call) X(task_gate_call)     \
  X(task_interrupt) X(task_call16) X(task_busy) X(task_trap) X(task_bad_data)               \
  X(double_fault) X(debug_instruction) X(debug_write) X(debug_read) X(debug_port) X(debug_general)            \
  X(debug_step) X(debug_step_stack) X(debug_icebp) X(v86_segments) X(v86_cli) X(v86_pushf) X(v86_int)         \
  X(v86_iret) X(v86_port) X(v86_open_port) X(v86_hlt) X(v86_lar) X(v86_limit) X(v86_far) X(v86_wrap)
#define DECLARE(name) extern void name(void);
CODES(DECLARE)

extern volatile uint32_t fault_seen, other_flags;

enum { DE, DB, NMI, BP, OF, BR, UD, NM, DF, CSO, TS, NP, SS, GP, PF, MF = 16, AC, DONE = VECTOR_DONE };
enum { NT = 0x4000, RF = 0x10000, VM = 0x20000, IOPL3 = 0x3000, ALIGN = 0x40000 };

static const char *require(bool ok, const char *complaint) { return ok ? 0 : complaint; }

/* Checks ----------------------------------------------------------------------------------------------------- */

static const char *selectors(void) {
  return require(outcome.ebx == 0xFFFFFFFF && (outcome.ecx & 0xF0FF00) == 0xC09B00 && outcome.edx == 0, "LSL, LAR or VERW");
}
static const char *ring3(void) { return require(outcome.eax == USER_CODE && outcome.ebx == USER_DATA && (outcome.cs & 3) == 3, "not ring 3"); }
static const char *parameters(void) {
  return require(outcome.ebx == KERNEL_CODE && outcome.ecx == 0x1111 && outcome.edx == 0x2222 && (outcome.cs & 3) == 3, "parameters or rings");
}
static const char *conforms(void) { return require(outcome.ebx == (CONFORMING | 3), "not in ring 3"); }

static const char *jumped(void) {
  return require(type_of(MAIN_TASK) == 9 && type_of(OTHER_TASK) == 11 && !(outcome.eflags & NT) &&
                     outcome.ebx == 0x0B0B0B0B && (read_cr0() & 8),
                 "busy bits, NT, TS or registers");
}
static const char *called(void) {
  return require(type_of(MAIN_TASK) == 11 && type_of(OTHER_TASK) == 9 && !(outcome.eflags & NT) &&
                     (other_flags & NT) && (other_task.link & 0xFFFF) == MAIN_TASK && !(other_task.eflags & NT),
                 "busy bits, NT or link");
}
static const char *called16(void) {
  return require(outcome.eax == 0x12345678 && other_task16[0] == MAIN_TASK && *(volatile uint16_t *)0x8F00 == 0x1616 &&
                     type_of(OTHER_TASK16) == 1,
                 "link, register or busy bit");
}
static const char *in_main(void) {
  return require(type_of(MAIN_TASK) == 11 && type_of(OTHER_TASK) == 9, "the task was switched");
}
static const char *in_other(void) {
  return require(type_of(MAIN_TASK) == 9 && type_of(OTHER_TASK) == 11, "the task was not switched");
}
static const char *trapped_in_task(void) { return outcome.status == 0x8000 ? in_other() : "DR6"; }
static const char *double_faulted(void) {
  return require(fault_seen && outcome.eax == 0 && (outcome.ebx & 0xFFFF) == MAIN_TASK && outcome.ecx == (uint32_t)double_fault + 16,
                 "error code, link or EIP");
}

static const char *hit0(void) { return require(outcome.status == 1 && !(outcome.eflags & RF), "DR6 or RF"); }
static const char *general(void) { return require(outcome.status == 0x2000 && (outcome.eflags & RF), "DR6 or RF"); }
static const char *stepped(void) { return require(outcome.status == 0x4000, "DR6"); }
static const char *quiet(void) { return require(outcome.status == 0, "DR6"); }

static const char *in_v86(void) {
  return require((outcome.eflags & VM) && (outcome.cs & 0xFFFF) == V86_SEGMENT, "not from V86 mode");
}
static const char *v86_selectors(void) {
  bool ok = (outcome.eax & 0xFFFF) == V86_SEGMENT && (outcome.ebx & 0xFFFF) == 0x2000 &&
            (outcome.ecx & 0xFFFF) == 0x1000 && (outcome.edx & 0xFFFF) == V86_SEGMENT;
  return ok ? in_v86() : "selectors";
}
static const char *v86_flags(void) { return (outcome.eax & IOPL3) == IOPL3 ? in_v86() : "IOPL"; }
static const char *v86_return(void) { return (outcome.eax & 0xFFFF) == V86_SEGMENT ? in_v86() : "CS on the stack"; }
static const char *v86_wrapped(void) { return (outcome.ebx & 0xFFFF) == 0xFFFE ? in_v86() : "SP"; }

/* The cases ---------------------------------------------------------------------------------------------------- */

const struct tour_case tour_cases[] = {
    {"read through a null selector", "3A 5.4.1", null_read, RING0, 0, GP, 0, 7, 0},
    {"selector beyond the GDT", "3A 3.5.1", beyond_table, RING0, 0, GP, 0x7F8, 5, 0},
    {"segment not present", "3A 6.15", absent_load, RING0, 0, NP, ABSENT, 5, 0},
    {"stack segment not present", "3A 6.15", absent_stack, RING0, 0, SS, ABSENT, 5, 0},
    {"null selector into SS", "3A 5.7", null_stack, RING0, 0, GP, 0, 2, 0},
    {"code segment into SS", "3A 5.7", code_into_stack, RING0, 0, GP, KERNEL_CODE, 5, 0},
    {"execute-only segment into FS", "3A 5.5", execute_only_load, RING0, 0, GP, EXECUTE_ONLY, 5, 0},
    {"segment of the LDT", "3A 3.5.1", local_load, RING0, 0, DONE, 0, 15, 0},
    {"write to a read-only segment", "3A 5.5", read_only_write, RING0, 0, GP, 0, 7, 0},
    {"write to a code segment", "3A 5.5", code_write, RING0, 0, GP, 0, 0, 0},
    {"last doubleword of a segment", "3A 5.3", short_inside, RING0, 0, DONE, 0, 15, 0},
    {"doubleword across a limit", "3A 5.3", short_across, RING0, 0, GP, 0, 7, 0},
    {"expand-down, above its limit", "3A 5.3", expand_down_inside, RING0, 0, DONE, 0, 15, 0},
    {"expand-down, at its limit", "3A 5.3", expand_down_below, RING0, 0, GP, 0, 7, 0},
    {"LSL, LAR, VERW", "3A 5.10", selector_checks, RING0, 0, DONE, 0, 33, selectors},
    {"ring 3 code into FS", "3A 5.6", unreadable_selector, RING0, 0, DONE, 0, 15, 0},

    {"IRET to ring 3", "3A 5.8.6", ring3_reaches, RING3, 0, DONE, 0, 6, ring3},
    {"CLI in ring 3", "1 18.5", ring3_cli, RING3, 0, GP, 0, 0, 0},
    {"ring 0 data in ring 3", "3A 5.6", ring3_kernel_data, RING3, 0, GP, KERNEL_DATA, 5, 0},
    {"INT to a gate of ring 0", "3A 6.12.1.2", ring3_int, RING3, 0, GP, 0x102, 0, 0},
    {"port without permission", "1 18.5.2", ring3_ports, RING3, 0, GP, 0, 0, 0},
    {"port with permission", "1 18.5.2", ring3_open_port, RING3, 0, DONE, 0, 4, 0},
    {"far CALL to ring 0 code", "3A 5.8.1", ring3_far_kernel, RING3, 0, GP, KERNEL_CODE, 0, 0},
    {"call gate with parameters", "3A 5.8.5", call_gate, RING3, 0, DONE, 0, 19, parameters},
    {"conforming code from ring 3", "3A 5.8.1", conforming, RING3, 0, DONE, 0, 9, conforms},
    {"JMP through a gate to ring 0", "3A 5.8.4", ring3_jump_gate, RING3, 0, GP, KERNEL_CODE, 0, 0},
    {"misaligned read with AC", "3A 6.15", misaligned, RING3, ALIGN, AC, 0, 0, 0},

    {"JMP to a TSS", "3A 7.3", task_jump, RING0, 0, DONE, 0, ~0u, jumped},
    {"CALL to a TSS and IRET", "3A 7.4", task_call, RING0, 0, DONE, 0, 19, called},
    {"CALL through a task gate", "3A 7.2.5", task_gate_call, RING0, 0, DONE, 0, 9, called},
    {"INT through a task gate", "3A 6.12.2", task_interrupt, RING0, 0, DONE, 0, 4, called},
    {"a 16-bit TSS", "3A 7.6", task_call16, RING0, 0, DONE, 0, 14, called16},
    {"JMP to a busy task", "3A 7.3", task_busy, RING0, 0, GP, MAIN_TASK, 0, in_main},
    {"T in the TSS", "3B 17.3.1.5", task_trap, RING0, 0, DB, 0, ~0u, trapped_in_task},
    {"absent segment as the task's DS", "3A table 7-1", task_bad_data, RING0, 0, NP, ABSENT, ~0u, in_other},
    {"double fault through a task gate", "3A 6.15", double_fault, RING0, 0, DF, 0, ~0u, double_faulted},

    {"breakpoint on an instruction", "3B 17.3.1.1", debug_instruction, RING0, 0, DB, 0, 19, hit0},
    {"breakpoint on a write", "3B 17.3.1.2", debug_write, RING0, 0, DB, 0, 30, hit0},
    {"breakpoint on a read", "3B 17.3.1.2", debug_read, RING0, 0, DB, 0, 23, hit0},
    {"breakpoint on a port", "3B 17.3.1.2", debug_port, RING0, 0, DB, 0, 27, hit0},
    {"GD", "3B 17.3.1.3", debug_general, RING0, 0, DB, 0, 8, general},
    {"single step", "3B 17.3.1.4", debug_step, RING0, 0, DB, 0, 7, stepped},
    {"single step over a load of SS", "3A 6.8.3", debug_step_stack, RING0, 0, DB, 0, 11, stepped},
    {"INT1", "3B 17.3.1", debug_icebp, RING0, 0, DB, 0, 1, quiet},

    {"V86 mode and its selectors", "3B 20.2", v86_segments, V86, 0, BP, 0, 9, v86_selectors},
    {"CLI with IOPL 0", "3B 20.2.7", v86_cli, V86, 0, GP, 0, 0, in_v86},
    {"CLI with IOPL 3", "3B 20.2.7", v86_cli, V86, IOPL3, BP, 0, 2, in_v86},
    {"PUSHF with IOPL 0", "3B 20.2.7", v86_pushf, V86, 0, GP, 0, 0, in_v86},
    {"PUSHF with IOPL 3", "3B 20.2.7", v86_pushf, V86, IOPL3, BP, 0, 3, v86_flags},
    {"INT n with IOPL 0", "3B 20.3.3", v86_int, V86, 0, GP, 0, 0, in_v86},
    {"IRET with IOPL 0", "3B 20.2.7", v86_iret, V86, 0, GP, 0, 9, in_v86},
    {"IRET with IOPL 3", "3B 20.2.7", v86_iret, V86, IOPL3, BP, 0, 12, in_v86},
    {"port without permission", "3B 20.2.8", v86_port, V86, IOPL3, GP, 0, 0, in_v86},
    {"port with permission", "3B 20.2.8", v86_open_port, V86, 0, BP, 0, 3, in_v86},
    {"HLT", "3B 20.2.7", v86_hlt, V86, IOPL3, GP, 0, 0, in_v86},
    {"LAR is not known", "3B 20.1.3", v86_lar, V86, 0, UD, 0, 0, in_v86},
    {"word across 64 KiB", "3B 20.1.1", v86_limit, V86, 0, GP, 0, 6, in_v86},
    {"far CALL and RET", "3B 20.1.1", v86_far, V86, 0, BP, 0, 6, v86_return},
    {"SP wraps", "3B 20.1.1", v86_wrap, V86, 0, BP, 0, 8, v86_wrapped},
    {0},
};
