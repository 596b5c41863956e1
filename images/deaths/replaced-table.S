/* A directory entry is cleared, its page table gets other contents, and another table takes its place; no INVLPG. */
#include "deaths.h"
        tables_of_32_bits
main:   call    set_up_tables
        movl    $frame_a + 3, table
        movl    $frame_b + 3, other_table
        call    start_paging
        mov     VA, %ebx                /* fills the TLB */
unmap:  movl    $0, directory + 4 * (VA >> 22)
reuse:  movl    $0xdeadbee0, table
map:    movl    $other_table + 3, directory + 4 * (VA >> 22)
use:    mov     VA, %ebx
        ret
