/* R/W is cleared in the PDE, which takes the right from every page below it; one page was in the TLB. */
#include "bug.h"
const char bug_name[] = "directory-rights";
void bug(void) {
  touch_write(PAGE(2));
  bad_store(&directory_old[0], physical(table_old) | P | A);
  FIX(write_cr3(read_cr3()));
  stale_write(PAGE(2), NEW);
  report_fault(faulted);
}
