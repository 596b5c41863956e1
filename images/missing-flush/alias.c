/* The page table is written through a second mapping of it. */
#include "bug.h"
const char bug_name[] = "alias";
void bug(void) {
  table_old[8] = physical(table_old) | P | W;
  touch(VA);
  bad_store((pae_entry *)PAGE(8), physical(frames_new[0]) | P | W);
  FIX(invlpg((void *)VA));
  report_value(stale_read(VA));
}
