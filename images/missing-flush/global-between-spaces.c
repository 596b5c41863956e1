/* A page that differs between two address spaces was marked global: the second space uses the first one's frame. */
#include "bug.h"
const char bug_name[] = "global-between-spaces";
void bug(void) {
#ifndef FIXED
  table_old[0] |= G;
#endif
  touch(VA);
  write_cr3(physical(other_pdpt));
  report_value(stale_read(VA));
}
