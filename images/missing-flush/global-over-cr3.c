/* A global page's PTE is changed and CR3 reloaded, which keeps global translations. */
#include "bug.h"
const char bug_name[] = "global-over-cr3";
void bug(void) {
  table_old[0] |= G;
  touch(VA);
  bad_store(&table_old[0], physical(frames_new[0]) | P | W | G);
  write_cr3(read_cr3());
  FIX(invlpg((void *)VA));
  report_value(stale_read(VA));
}
