/* The entry points of exceptions: each makes the stack look alike (vector and error code), then all go one way. */

#include "machine.h"

        .macro  exception_entry vector
exception_\vector:
        /* These push an error code themselves (SDM vol. 3A, table 6-1). */
        .if (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17)
        .else
        push    $0
        .endif
        push    $\vector
        jmp     exception_common
        .endm

        .text
        .altmacro
        .set    vector, 0
        .rept   32
        exception_entry %vector
        .set    vector, vector + 1
        .endr
        exception_entry VECTOR_DONE

exception_common:
        pusha
        cld
        mov     $KERNEL_DATA, %ax       /* ring 3 brought its own */
        mov     %ax, %ds
        mov     %ax, %es
        push    %esp
        call    handle_exception
        add     $4, %esp
        popa
        add     $8, %esp                /* vector, error code */
        iret

        .section .rodata
        .globl  exception_entries
        .balign 4
exception_entries:
        .macro  exception_address vector
        .long   exception_\vector
        .endm
        .set    vector, 0
        .rept   32
        exception_address %vector
        .set    vector, vector + 1
        .endr
        .globl  done_entry
done_entry:
        exception_address VECTOR_DONE
