/* A PDPTE becomes present. Alone among the levels this needs a load of CR3: the register still says "not present". */
#include "bug.h"
const char bug_name[] = "pdpte-new";
void bug(void) {
  pdpt[1] = 0;
  write_cr3(read_cr3());
  bad_store(&pdpt[1], physical(directory_new) | P);
  FIX(write_cr3(read_cr3()));
  stale_read(VA);
  print(bug_name);
  print(faulted ? ", used: old translation (stale), a page fault\n" : ", used: new translation\n");
  exit_guest(0);
}
