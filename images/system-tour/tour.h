/* What the parts of the tour share: selectors, where cases run, and how they are described. */

#ifndef TOUR_H
#define TOUR_H

#include "machine.h"

/* Selectors of the tour's GDT (tables.c). The first five are those of start.S. */
#define MAIN_TASK 0x28
#define OTHER_TASK 0x30
#define OTHER_TASK16 0x38
#define FAULT_TASK 0x40
#define LOCAL_TABLE 0x48
#define READ_ONLY 0x50
#define ABSENT 0x58
#define SHORT 0x60       /* data of 4 KiB at 0 */
#define EXPAND_DOWN 0x68 /* data from 1000h to the end */
#define EXECUTE_ONLY 0x70
#define CONFORMING 0x78
#define CALL_GATE 0x80 /* ring 3 may call it; two parameters */
#define TASK_GATE 0x88 /* to OTHER_TASK */
#define CODE16 0x98
#define LOCAL_DATA 0x0C /* in the LDT */

/* Software interrupts: to OTHER_TASK through a task gate. */
#define TASK_VECTOR 0x40

/* Code of V86 mode is copied to V86_SEGMENT:0; its stack is below V86_STACK there. */
#define V86_SEGMENT 0x0800
#define V86_STACK 0x0F00

#ifndef __ASSEMBLER__
#include "exceptions.h"

/* What an exception, or INT VECTOR_DONE, brought. */
struct outcome {
  uint32_t vector, error_code, offset; /* of EIP from the case's code */
  uint32_t eflags, cs;
  uint32_t eax, ebx, ecx, edx;
  uint32_t status; /* DR6's B0-B3, BD, BS, BT */
};
extern struct outcome outcome;

enum where { RING0, RING3, V86 };

struct tour_case {
  const char *name, *manual;
  void (*code)(void);
  enum where where;
  uint32_t eflags;                      /* ORed into those that it starts with, but in ring 0 */
  uint32_t vector, error_code, offset;  /* what must come */
  const char *(*check)(void);           /* what else must be; NULL is fine */
};
extern const struct tour_case tour_cases[];

struct task_state {
  uint32_t link, esp0, ss0, inner[4], cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
  uint32_t es, cs, ss, ds, fs, gs, ldt;
  uint16_t trap, map;
  uint8_t ports[32];
};
extern struct task_state main_task, other_task, fault_task;
extern uint16_t other_task16[22];

void prepare_tables(void);
void reset_tasks(void);
unsigned type_of(unsigned selector);

/* cases.S: runs code in a mode; comes back when an exception has led to `recover`. */
void run_ring0(void (*code)(void));
void run_ring3(void (*code)(void), uint32_t eflags);
void run_v86(uint32_t eflags);
void recover(void);
#endif
#endif
