/* NX is set on a page of code, which goes on being executed. */
#include "bug.h"
const char bug_name[] = "no-execute";

bool handles(struct exception_frame *frame) {
  if (frame->vector == VECTOR_PF && frame->eip == VA)
    report_fault(true);
  return false;
}

void bug(void) {
  write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NXE);
  *(volatile uint8_t *)frames_old[0] = 0xC3; /* RET */
  ((void (*)(void))VA)();
  bad_store(&table_old[0], physical(frames_old[0]) | P | W | A | D);
  invlpg((void *)VA);
  ((void (*)(void))VA)();
  ((volatile uint32_t *)&table_old[0])[1] = (uint32_t)(NX >> 32);
  FIX(invlpg((void *)VA));
  ((void (*)(void))VA)();
  report_fault(false);
}
