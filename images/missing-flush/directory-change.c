/* A PDE points to another page table; of the two pages in use only one is flushed. */
#include "bug.h"
const char bug_name[] = "directory-change";
void bug(void) {
  touch(PAGE(0));
  touch(PAGE(3));
  bad_store(&directory_old[0], physical(table_new) | P | W);
  invlpg((void *)PAGE(0));
  FIX(invlpg((void *)PAGE(3)));
  report_value(stale_read(PAGE(3)));
}
