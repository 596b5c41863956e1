/* A page-directory-pointer-table entry with R/W set, as in the other levels: in a PDPTE that bit is reserved. */
#include "deaths.h"
        tables_of_pae
main:   call    set_up_tables
        orl     $2, pointers + 8 * (VA >> 30)
        call    start_paging
        ret
