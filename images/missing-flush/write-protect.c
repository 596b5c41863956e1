/* A page is made read-only, as for copy-on-write, and can still be written. */
#include "bug.h"
const char bug_name[] = "write-protect";
void bug(void) {
  touch_write(VA);
  bad_store(&table_old[0], physical(frames_old[0]) | P | A | D);
  FIX(invlpg((void *)VA));
  stale_write(VA, NEW);
  report_fault(faulted);
}
