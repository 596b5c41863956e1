/* D is cleared to find out whether the page will be written, without a flush: the next write does not set it. */
#include "bug.h"
const char bug_name[] = "dirty-cleared";
void bug(void) {
  touch_write(VA);
  bad_store(&table_old[0], physical(frames_old[0]) | P | W | A);
  FIX(invlpg((void *)VA));
  stale_write(VA, NEW);
  bool is_dirty = *(volatile pae_entry *)&table_old[0] & D;
  print(bug_name);
  print(is_dirty ? ", used: new translation, D is set\n" : ", used: old translation (stale), D is not set\n");
  exit_guest(0);
}
