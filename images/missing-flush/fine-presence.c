/* Right: a PDE and a PTE become present, which needs no flush. A is cleared, as by a kernel that looks for idle pages. */
#include "bug.h"
const char bug_name[] = "fine-presence";
void bug(void) {
  directory_old[1] = 0;
  touch(VA);
  bad_store(&directory_old[1], physical(table_new) | P | W);
  touch(VA + 0x200000);
  *(volatile pae_entry *)&table_new[0] &= ~(pae_entry)A;
  report_value(stale_read(VA + 0x200000));
}
