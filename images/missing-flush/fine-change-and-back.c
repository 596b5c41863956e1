/* Right: a PTE is changed and changed back before anybody uses the page; another is unmapped and never used again; a third is
 * written with the value it has. */
#include "bug.h"
const char bug_name[] = "fine-change-and-back";
void bug(void) {
  touch(PAGE(0));
  touch(PAGE(1));
  touch(PAGE(2));
  pae_entry before = table_old[0];
  bad_store(&table_old[0], physical(frames_new[0]) | P | W);
  *(volatile pae_entry *)&table_old[0] = before;
  *(volatile pae_entry *)&table_old[1] = 0;
  *(volatile pae_entry *)&table_old[2] = table_old[2];
  touch(PAGE(2));
  *(volatile pae_entry *)&table_old[3] = physical(frames_new[3]) | P | W; /* nobody has used it yet */
  stale_read(PAGE(0));
  report_value(stale_read(PAGE(3)));
}
