/* INVLPG of the page's number instead of its address: another page. */
#include "bug.h"
const char bug_name[] = "wrong-address";
void bug(void) {
  touch(VA);
  bad_store(&table_old[0], physical(frames_new[0]) | P | W);
  invlpg((void *)(VA >> 12));
  FIX(invlpg((void *)VA));
  report_value(stale_read(VA));
}
