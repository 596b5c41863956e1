/* When the unit traps: TS, EM and MP, pending exceptions, and the way of the PC with NE clear. */

#include "console.h"
#include "exceptions.h"
#include "machine.h"

#include "tour.h"

enum { NOTHING = 0xFF, INVALID_OPCODE = 6, NOT_AVAILABLE = 7, COPROCESSOR_ERROR = 16, IRQ_BASE = 0x20, IRQ13 = 0x2D, TRAP_CHECKS = 15 };

/* What came while a probe ran, and where. The handler goes on behind the probe. */
static volatile uint32_t vector_seen, eip_seen, resume_at;

void handle_exception(struct exception_frame *frame) {
  if (!resume_at)
    die_of_exception(frame);
  vector_seen = frame->vector;
  eip_seen = frame->eip;
  frame->eip = resume_at;
  write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
  __asm__ volatile("fnclex");
}

/* Executes `text` with CR0 as it is; the label 7 is where the instruction that may trap stands. */
#define PROBE(text)                                                              \
  ({                                                                             \
    vector_seen = NOTHING;                                                       \
    uint32_t at;                                                                 \
    __asm__ volatile("movl $9f, %[resume]\n\tmovl $7f, %[at]\n\t" text           \
                     "\n9:\tmovl $0, %[resume]"                                  \
                     : [resume] "=m"(resume_at), [at] "=&r"(at)                  \
                     : [divide] "m"(unmasked_divide)                             \
                     : "eax", "cc", "memory");                                   \
    write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);              \
    __asm__ volatile("fninit");                                                  \
    vector_seen != NOTHING && eip_seen != at ? (uint32_t)(NOTHING - 1) : vector_seen; \
  })

static const uint16_t unmasked_divide = NEAREST & ~ZERO_DIVIDE;
static uint8_t scratch[108];

/* Leaves a zero divide pending. */
#define DIVIDE "fninit\n\tfldcw %[divide]\n\tfldz\n\tfld1\n\tfdiv %%st(1), %%st\n\t"

static unsigned expect(const char *name, uint32_t found, uint32_t wanted) {
  return report(name, found == wanted ? NULL : found == NOTHING ? "nothing came" : wanted == NOTHING ? "a trap" : "another trap");
}

static void set_cr0(uint32_t clear, uint32_t set) { write_cr0((read_cr0() & ~clear) | set); }

/* With NE clear the error goes out as IRQ 13, whose handler takes it back by port F0h. */
extern volatile uint32_t irq13_count;
extern void irq13_entry(void);
__asm__(".data\n.balign 4\nirq13_count: .long 0\n.text\n"
        "irq13_entry:\n\tpush %eax\n\tincl irq13_count\n\txor %al, %al\n\tout %al, $0xF0\n\tfnclex\n\t"
        "mov $0x20, %al\n\tout %al, $0xA0\n\tout %al, $0x20\n\tpop %eax\n\tiret");

static void set_irq13_gate(void) {
  struct {
    uint16_t limit;
    uint32_t base;
  } __attribute__((packed)) idt;
  __asm__ volatile("sidt %0" : "=m"(idt));
  uint16_t *gate = (uint16_t *)(idt.base + 8 * IRQ13);
  uint32_t entry = (uint32_t)irq13_entry;
  gate[0] = (uint16_t)entry, gate[1] = KERNEL_CODE, gate[2] = 0x8E00, gate[3] = (uint16_t)(entry >> 16);
}

static void initialize_controllers(void) {
  static const uint8_t words[][2] = {{0x11, IRQ_BASE}, {0x11, IRQ_BASE + 8}};
  out8(0x20, words[0][0]), out8(0xA0, words[1][0]);
  out8(0x21, words[0][1]), out8(0xA1, words[1][1]);
  out8(0x21, 4), out8(0xA1, 2);
  out8(0x21, 1), out8(0xA1, 1);
  out8(0x21, 0xFB), out8(0xA1, 0xDF); /* all but IRQ 2 and 13 are masked */
}

unsigned check_traps(unsigned *count, bool without_irq13) {
  unsigned failed = 0;
  print("Traps\n");
  __asm__ volatile("fninit");

  set_cr0(0, CR0_TS);
  failed += expect("TS: #NM at FLD1", PROBE("7: fld1"), NOT_AVAILABLE);
  set_cr0(0, CR0_TS);
  failed += expect("TS: #NM at FNINIT, which does not wait", PROBE("7: fninit"), NOT_AVAILABLE);
  set_cr0(0, CR0_TS);
  failed += expect("TS and MP: #NM at WAIT", PROBE("7: fwait"), NOT_AVAILABLE);
  set_cr0(CR0_MP, CR0_TS);
  failed += expect("TS without MP: nothing at WAIT", PROBE("7: fwait"), NOTHING);
  set_cr0(0, CR0_EM);
  failed += expect("EM: #NM at FNSTSW AX", PROBE("7: fnstsw %%ax"), NOT_AVAILABLE);
  set_cr0(0, CR0_EM);
  failed += expect("EM: nothing at WAIT", PROBE("7: fwait"), NOTHING);

  failed += expect("an exception pending: #MF at the next FLD1", PROBE(DIVIDE "7: fld1"), COPROCESSOR_ERROR);
  failed += expect("#MF at WAIT", PROBE(DIVIDE "7: fwait"), COPROCESSOR_ERROR);
  failed += expect("#MF at FLDCW", PROBE(DIVIDE "7: fldcw %[divide]"), COPROCESSOR_ERROR);
  failed += expect("nothing at FNSTSW AX", PROBE(DIVIDE "7: fnstsw %%ax"), NOTHING);
  failed += expect("nothing at FNCLEX, nor at WAIT behind it", PROBE(DIVIDE "fnclex\n7: fwait"), NOTHING);
  failed += expect("nothing at FNINIT, nor at WAIT behind it", PROBE(DIVIDE "fninit\n7: fwait"), NOTHING);
  failed += expect("#NM comes before #MF",
                   PROBE(DIVIDE "movl %%cr0, %%eax\n\torl $8, %%eax\n\tmovl %%eax, %%cr0\n7: fld1"), NOT_AVAILABLE);
  failed += expect("an undefined opcode, D9 D1: #UD", PROBE("7: .byte 0xd9, 0xd1"), INVALID_OPCODE);

  struct state *state = (void *)scratch;
  uint32_t found = PROBE("fninit\n7: fld1\n\tfadds scratch\n\tfnstenv scratch");
  (void)found;
  failed += report("FNSTENV tells the operand's address and the opcode",
                   state->operand_offset == (uint32_t)scratch && (state->opcode & 0x7FF) == 0x005 &&
                           state->operand_selector == KERNEL_DATA && state->instruction_selector == KERNEL_CODE
                       ? NULL
                       : "others");

  *count += TRAP_CHECKS;
  if (without_irq13)
    return failed;
  initialize_controllers();
  set_irq13_gate();
  set_cr0(CR0_NE, 0);
  found = PROBE(DIVIDE "7: sti\n\tfwait\n\tcli");
  failed += report("NE clear: IRQ 13, once, and WAIT goes on", found == NOTHING && irq13_count == 1 ? NULL : "otherwise");
  (*count)++;
  return failed;
}
