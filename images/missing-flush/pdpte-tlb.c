/* A PDPTE is edited, and the page's translation is still in the TLB. */
#include "bug.h"
const char bug_name[] = "pdpte-tlb";
void bug(void) {
  touch(VA);
  bad_store(&pdpt[1], physical(directory_new) | P);
  FIX(write_cr3(read_cr3()));
  report_value(stale_read(VA));
}
