/* REP MOVSD over two pages, the second of which is stale. */
#include "bug.h"
const char bug_name[] = "string-move";
static uint32_t copy[2048];
void bug(void) {
  touch(PAGE(0));
  touch(PAGE(1));
  bad_store(&table_old[1], physical(frames_new[1]) | P | W);
  FIX(invlpg((void *)PAGE(1)));
  uint32_t from = PAGE(0), to = (uint32_t)copy, count = 2048;
  __asm__ volatile(".globl stale_use_string\nstale_use_string: rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
  report_value(((volatile uint32_t *)copy)[1024]);
}
