/* INVLPG comes before the store, and something brings the old translation back in between. */
#include "bug.h"
const char bug_name[] = "flush-before-store";
void bug(void) {
  touch(VA);
  invlpg((void *)VA);
  touch(VA); /* an interrupt handler, say */
  bad_store(&table_old[0], physical(frames_new[0]) | P | W);
  FIX(invlpg((void *)VA));
  report_value(stale_read(VA));
}
