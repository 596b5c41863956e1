/* What the guests of this folder share: a Multiboot header, a stack, and tables to walk through. Each has one mistake in
 * it and dies of it, and Tests/PagewalkTests/DeathTests.swift holds what is said about that. */

#include "machine.h"
#include "multiboot.h"

        .section .multiboot, "a"
        .balign 4
        .long   MULTIBOOT_HEADER_MAGIC
        .long   0
        .long   -MULTIBOOT_HEADER_MAGIC

        .bss
        .balign 4096
stack:  .skip   4096
stack_top:

        .text
        .globl  _start
_start:
        mov     $stack_top, %esp
        xor     %ebp, %ebp
        call    main
        mov     $0, %al
        out     %al, $EXIT_PORT
        hlt

/* An address that is translated through tables of its own, above the identity map. */
#define VA 0x40000000

/* 32-bit paging: the first 4 MiB to themselves, VA through `table`. */
.macro tables_of_32_bits
        .bss
        .balign 4096
directory:      .skip 4096
identity:       .skip 4096
table:          .skip 4096
other_table:    .skip 4096
frame_a:        .skip 4096
frame_b:        .skip 4096
        .text
set_up_tables:
        mov     $1023, %ecx
1:      mov     %ecx, %eax
        shl     $12, %eax
        or      $3, %eax
        mov     %eax, identity(, %ecx, 4)
        dec     %ecx
        jns     1b
        movl    $identity + 3, directory
        movl    $table + 3, directory + 4 * (VA >> 22)
        ret
start_paging:
        mov     $directory, %eax
        mov     %eax, %cr3
        mov     %cr0, %eax
        or      $CR0_PG + CR0_WP, %eax
        mov     %eax, %cr0
        ret
.endm

/* PAE: the first GiB to itself in pages of 2 MiB, VA through `upper` and `table`. */
.macro tables_of_pae
        .bss
        .balign 4096
pointers:       .skip 4096
lower:          .skip 4096
upper:          .skip 4096
table:          .skip 4096
code_page:      .skip 4096
        .text
set_up_tables:
        mov     $511, %ecx
1:      mov     %ecx, %eax
        shl     $21, %eax
        or      $0x83, %eax
        mov     %eax, lower(, %ecx, 8)
        dec     %ecx
        jns     1b
        movl    $lower + 1, pointers
        movl    $upper + 1, pointers + 8 * (VA >> 30)
        mov     %cr4, %eax
        or      $CR4_PAE, %eax
        mov     %eax, %cr4
        ret
start_paging:
        mov     $pointers, %eax
load_pointers:
        mov     %eax, %cr3
        mov     %cr0, %eax
        or      $CR0_PG + CR0_WP, %eax
        mov     %eax, %cr0
        ret
.endm
