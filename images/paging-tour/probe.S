/* Goes to the probing code in the ring asked for, and comes back from the exception that ends it. */

#include "machine.h"

/* void probe_enter(access, address, value, ring): returns when probe_leave is called. */
        .text
        .globl  probe_enter
        .type   probe_enter, @function
probe_enter:
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     20(%esp), %eax          /* access */
        mov     24(%esp), %ecx          /* address */
        mov     28(%esp), %edx          /* value */
        mov     %esp, probe_esp
        cmpl    $0, 32(%esp)
        jne     1f
        jmp     *%eax                   /* ring 0: as it is, on this stack */

1:      mov     $USER_DATA, %bx         /* ring 3: "return" there */
        mov     %bx, %ds
        mov     %bx, %es
        push    $USER_DATA              /* SS */
        push    $user_end               /* ESP: the end of the user pages */
        push    $2                      /* EFLAGS: interrupts off */
        push    $USER_CODE
        push    %eax
        iret

/* void probe_leave(void): abandons the exception in progress and returns from probe_enter. */
        .globl  probe_leave
        .type   probe_leave, @function
probe_leave:
        mov     probe_esp, %esp
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret

        .bss
        .balign 4
probe_esp:
        .skip   4

/* Both rings run this; ring 3's stack is the rest of the page. */
        .section .user, "awx"
        .globl  probe_read, probe_write, probe_fetch, probe_load_cr3
        .type   probe_read, @function
probe_read:
        mov     (%ecx), %eax
        int     $VECTOR_DONE
        .type   probe_write, @function
probe_write:
        mov     %edx, (%ecx)
        int     $VECTOR_DONE
        .type   probe_fetch, @function
probe_fetch:
        call    *%ecx                   /* the code there is a RET */
        int     $VECTOR_DONE
        .type   probe_load_cr3, @function
probe_load_cr3:
        mov     %ecx, %cr3
        int     $VECTOR_DONE
