/* Right: a page becomes writable, the spurious fault flushes it, and the write is made again. */
#include "bug.h"
const char bug_name[] = "fine-widening";

bool handles(struct exception_frame *frame) {
  bool is_first = frame->vector == VECTOR_PF && !faulted;
  faulted = true;
  return is_first;
}

void bug(void) {
  table_old[0] = physical(frames_old[0]) | P;
  touch(VA);
  bad_store(&table_old[0], physical(frames_old[0]) | P | W);
  touch(VA);
  stale_write(VA, NEW);
  report_value(touch(VA));
}
