/* A loop unmaps sixteen pages; the one that flushes them ends a page early. */
#include "bug.h"
const char bug_name[] = "last-page-forgotten";
enum { COUNT = 16 };
void bug(void) {
  for (uint32_t i = 0; i < COUNT; i++)
    touch(PAGE(i));
  for (uint32_t i = 0; i < COUNT - 1; i++)
    table_old[i] = 0;
  bad_store(&table_old[COUNT - 1], 0);
  for (uint32_t i = 0; i < COUNT - 1; i++)
    invlpg((void *)PAGE(i));
  FIX(invlpg((void *)PAGE(COUNT - 1)));
  stale_read(PAGE(COUNT - 1));
  report_fault(faulted);
}
