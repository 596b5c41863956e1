/* A page becomes writable while the TLB holds it as read-only. No INVLPG is owed for that, but the first write may fault
 * once, and there is no handler for it. */
#include "deaths.h"
        tables_of_32_bits
main:   call    set_up_tables
        movl    $frame_a + 1, table
        call    start_paging
        mov     VA, %ebx                /* the read-only translation comes into the TLB */
widen:  orl     $2, table
use:    movl    $1, VA
        ret
