/* A PTE gets another frame, and nobody tells the TLB. */
#include "bug.h"
const char bug_name[] = "missing-invlpg";
void bug(void) {
  touch(VA);
  bad_store(&table_old[0], physical(frames_new[0]) | P | W);
  FIX(invlpg((void *)VA));
  report_value(stale_read(VA));
}
