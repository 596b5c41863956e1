/* The tour's descriptors and tasks. */

#include <string.h>

#include "tour.h"

struct task_state main_task __attribute__((aligned(256))), other_task __attribute__((aligned(256))),
    fault_task __attribute__((aligned(256)));
uint16_t other_task16[22] __attribute__((aligned(64)));

static uint64_t gdt[32], local_table[4];
static uint8_t main_stack[4096], other_stack[4096], fault_stack[4096];
uint32_t *general_protection_gate; /* its upper half */
extern uint32_t gate_entry, other_entry, other_entry16, fault_entry;

static uint64_t segment(uint32_t base, uint32_t limit, uint32_t access, uint32_t flags) {
  return (limit & 0xFFFF) | (uint64_t)(base & 0xFFFFFF) << 16 | (uint64_t)access << 40 |
         (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

static uint64_t gate(uint32_t selector, uint32_t offset, uint32_t access, uint32_t parameters) {
  return (offset & 0xFFFF) | (uint64_t)selector << 16 | (uint64_t)parameters << 32 | (uint64_t)access << 40 |
         (uint64_t)(offset >> 16) << 48;
}

unsigned type_of(unsigned selector) { return gdt[selector >> 3] >> 40 & 15; }

static void fill_task(struct task_state *task, uint32_t entry, uint8_t *stack) {
  memset(task, 0, sizeof *task);
  task->esp0 = (uint32_t)main_stack + sizeof main_stack;
  task->ss0 = KERNEL_DATA;
  task->eip = entry;
  task->eflags = 2;
  task->ebx = 0x0B0B0B0B;
  task->esp = (uint32_t)stack + 4096;
  task->es = task->ss = task->ds = KERNEL_DATA;
  task->cs = KERNEL_CODE;
  task->map = sizeof *task;
}

/* Every task as it was before the first switch, and the main one running. */
void reset_tasks(void) {
  *general_protection_gate |= 0x8000;
  static const uint32_t tasks[] = {MAIN_TASK, OTHER_TASK, FAULT_TASK};
  struct task_state *states[] = {&main_task, &other_task, &fault_task};
  fill_task(&main_task, 0, main_stack);
  fill_task(&other_task, (uint32_t)&other_entry, other_stack);
  fill_task(&fault_task, (uint32_t)&fault_entry, fault_stack);
  main_task.ports[0x20 / 8] = 0xFF;
  main_task.map = (uint32_t)main_task.ports - (uint32_t)&main_task;
  for (unsigned i = 0; i < 3; i++)
    gdt[tasks[i] >> 3] = segment((uint32_t)states[i], sizeof *states[i] - 1, 0x89, 0);
  memset(other_task16, 0, sizeof other_task16);
  other_task16[7] = (uint16_t)(uint32_t)&other_entry16;
  other_task16[8] = 2;
  other_task16[9] = 0x1616;                    /* AX */
  other_task16[13] = V86_STACK;                /* SP, in a segment that begins at the V86 program's */
  other_task16[17] = KERNEL_DATA;              /* ES, CS, SS, DS */
  other_task16[18] = CODE16;
  other_task16[19] = KERNEL_DATA;
  other_task16[20] = KERNEL_DATA;
  gdt[OTHER_TASK16 >> 3] = segment((uint32_t)other_task16, sizeof other_task16 - 1, 0x81, 0);
  __asm__ volatile("ltr %w0" : : "r"(MAIN_TASK));
}

void prepare_tables(void) {
  gdt[1] = segment(0, 0xFFFFF, 0x9B, 12);
  gdt[2] = segment(0, 0xFFFFF, 0x93, 12);
  gdt[3] = segment(0, 0xFFFFF, 0xFB, 12);
  gdt[4] = segment(0, 0xFFFFF, 0xF3, 12);
  gdt[LOCAL_TABLE >> 3] = segment((uint32_t)local_table, sizeof local_table - 1, 0x82, 0);
  gdt[READ_ONLY >> 3] = segment(0, 0xFFFFF, 0x91, 12);
  gdt[ABSENT >> 3] = segment(0, 0xFFFFF, 0x13, 12);
  gdt[SHORT >> 3] = segment(0, 0xFFF, 0x93, 4);
  gdt[EXPAND_DOWN >> 3] = segment(0, 0xFFF, 0x97, 4);
  gdt[EXECUTE_ONLY >> 3] = segment(0, 0xFFFFF, 0x99, 12);
  gdt[CONFORMING >> 3] = segment(0, 0xFFFFF, 0x9F, 12);
  gdt[CALL_GATE >> 3] = gate(KERNEL_CODE, (uint32_t)&gate_entry, 0xEC, 2);
  gdt[TASK_GATE >> 3] = gate(OTHER_TASK, 0, 0xE5, 0);
  gdt[CODE16 >> 3] = segment((uint32_t)&other_entry16 & ~0xFFFFu, 0xFFFF, 0x9B, 0);
  local_table[LOCAL_DATA >> 3] = segment(0, 0xFFFFF, 0x93, 12);

  struct {
    uint16_t limit;
    uint32_t base;
  } __attribute__((packed)) pointer = {sizeof gdt - 1, (uint32_t)gdt};
  __asm__ volatile("lgdt %0" : : "m"(pointer));
  __asm__ volatile("lldt %w0" : : "r"(LOCAL_TABLE));

  /* Task gates in the IDT of exceptions.c: for INT, and for double faults. */
  __asm__ volatile("sidt %0" : "=m"(pointer));
  uint64_t *idt = (uint64_t *)pointer.base;
  idt[TASK_VECTOR] = gate(OTHER_TASK, 0, 0xE5, 0);
  idt[8] = gate(FAULT_TASK, 0, 0x85, 0);
  general_protection_gate = (uint32_t *)&idt[VECTOR_GP] + 1;
  idt[3] |= (uint64_t)3 << 45; /* INT3 is for everybody */
}
