/* Small pages are replaced by a large one, and only the first of them is flushed. */
#include "bug.h"
const char bug_name[] = "large-half-flushed";
void bug(void) {
  ((volatile uint32_t *)LARGE_NEW)[0] = NEW;
  ((volatile uint32_t *)LARGE_NEW)[PAGE_SIZE / 4] = NEW;
  touch(PAGE(0));
  touch(PAGE(1));
  bad_store(&directory_old[0], LARGE_NEW | P | W | PS);
  invlpg((void *)PAGE(0));
  FIX(invlpg((void *)PAGE(1)));
  report_value(stale_read(PAGE(1)));
}
