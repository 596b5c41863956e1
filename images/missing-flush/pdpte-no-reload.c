/* A PDPTE is edited and the page flushed with INVLPG: the walk starts from the register, which only a load of CR3 changes. */
#include "bug.h"
const char bug_name[] = "pdpte-no-reload";
void bug(void) {
  touch(VA);
  bad_store(&pdpt[1], physical(directory_new) | P);
  invlpg((void *)VA);
  FIX(write_cr3(read_cr3()));
  report_value(stale_read(VA));
}
