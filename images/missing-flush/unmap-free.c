/* A page is unmapped and its frame given to somebody else; a write through the old mapping lands there. */
#include "bug.h"
const char bug_name[] = "unmap-free";
void bug(void) {
  touch_write(VA);
  bad_store(&table_old[0], 0);
  FIX(invlpg((void *)VA));
  table_old[1] = physical(frames_old[0]) | P | W;
  stale_write(VA, NEW);
  report_fault(faulted);
}
