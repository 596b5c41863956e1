/* U/S is cleared, and ring 3 still reads the page. */
#include "bug.h"
const char bug_name[] = "user-revoked";

bool handles(struct exception_frame *frame) {
  if (frame->vector == VECTOR_DONE)
    report_fault(false);
  if (frame->vector == VECTOR_PF && frame->cs == USER_CODE)
    report_fault(true);
  return false;
}

static void enter_ring3(void) {
  __asm__ volatile(
      "mov %0, %%eax\n mov %%ax, %%ds\n mov %%ax, %%es\n mov %%esp, %%eax\n push %0\n push %%eax\n pushf\n push %1\n push $1f\n iret\n"
      ".globl stale_use_in_ring3\n1: stale_use_in_ring3: movl va, %%eax\n int %2"
      : : "i"(USER_DATA), "i"(USER_CODE), "i"(VECTOR_DONE) : "eax", "memory");
}

void bug(void) {
  low_directory[0] |= U; /* ring 3 runs the image's own code */
  table_old[0] |= U;
  directory_old[0] |= U;
  write_cr3(read_cr3());
  invlpg((void *)VA);
  touch(VA);
  bad_store(&table_old[0], physical(frames_old[0]) | P | W | A);
  FIX(invlpg((void *)VA));
  enter_ring3();
}
