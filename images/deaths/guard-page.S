/* A stack grows into its guard page: the push faults, and so does every push after it. */
#include "deaths.h"
        tables_of_32_bits
        .bss
        .balign 4096
guard:  .skip   4096
small_stack:
        .skip   4096
small_stack_top:
        .data
        .balign 8
table_of_gates:                         /* interrupt gates to 00101000h, where nothing is ever reached */
        .rept   32
        .word   0x1000, CODE, 0x8e00, 0x10
        .endr
idt_pointer:
        .word   255
        .long   table_of_gates
descriptors:                            /* with the selectors that the boot ROM left in the registers */
        .quad   0, 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
        .word   31
        .long   descriptors
        .set    CODE, 0x10
        .text
main:   call    set_up_tables
        mov     $guard, %eax
        shr     $12, %eax
        movl    $0, identity(, %eax, 4)
        call    start_paging
        lidt    idt_pointer
        lgdt    gdt_pointer
        mov     $small_stack_top, %esp
        push    $0
        mov     %esp, %ebp
recurse:
        push    %ebp
        mov     %esp, %ebp
        sub     $64, %esp
        call    recurse
