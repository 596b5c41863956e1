/* NX in a page-directory entry: nothing below it can be executed, though the page-table entry says nothing of it. */
#include "deaths.h"
        tables_of_pae
main:   call    set_up_tables
        movl    $table + 3, upper
        movl    $0x80000000, upper + 4
        movl    $code_page + 3, table
        movb    $0xc3, code_page        /* ret */
        mov     $MSR_EFER, %ecx
        rdmsr
        or      $EFER_NXE, %eax
        wrmsr
        call    start_paging
        mov     $VA, %eax
        mov     (%eax), %ecx            /* may be read */
        call    *%eax
        ret
