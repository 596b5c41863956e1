/* Where C guests start: Multiboot header, stack, flat segments for rings 0 and 3, a TSS, and exit.
 *
 * guest_main(magic, info) is entered in ring 0 with interrupts off and paging off; its result is the exit
 * status. */

#include "machine.h"
#include "multiboot.h"

        .section .multiboot, "a"
        .balign 4
        .long   MULTIBOOT_HEADER_MAGIC
        .long   MULTIBOOT_WANT_MEMORY
        .long   -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_WANT_MEMORY)  /* the three must sum to 0 */

        .text
        .globl  _start
        .type   _start, @function
_start:
        cli
        cld
        mov     $stack_top, %esp
        xor     %ebp, %ebp              /* backtraces end here */
        push    %ebx                    /* guest_main's arguments: the info, */
        push    %eax                    /* the magic */

        /* Multiboot gives flat segments but no valid GDTR: they hold until the first load. So load ours. */
        mov     $task_state, %eax       /* scatter the TSS's address over its descriptor */
        mov     %ax, gdt_task + 2
        shr     $16, %eax
        mov     %al, gdt_task + 4
        mov     %ah, gdt_task + 7
        lgdt    gdt_pointer
        ljmp    $KERNEL_CODE, $1f
1:      mov     $KERNEL_DATA, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        xor     %eax, %eax
        mov     %ax, %fs
        mov     %ax, %gs
        mov     $TASK_STATE, %ax
        ltr     %ax

        call    console_init
        call    install_exceptions
        call    guest_main
        push    %eax
        call    exit_guest
        .size   _start, . - _start

        .globl  exit_guest
        .type   exit_guest, @function
exit_guest:
        mov     4(%esp), %al
        out     %al, $EXIT_PORT
1:      hlt                             /* a machine without the exit device stops here */
        jmp     1b
        .size   exit_guest, . - exit_guest

        .data
        .balign 8
gdt:    .quad   0
        .quad   0x00CF9B000000FFFF      /* ring 0 code: base 0, limit 4 GiB, accessed already */
        .quad   0x00CF93000000FFFF      /* ring 0 data */
        .quad   0x00CFFB000000FFFF      /* ring 3 code */
        .quad   0x00CFF3000000FFFF      /* ring 3 data */
gdt_task:
        .quad   0x0000890000000000 + task_state_size - 1
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        /* The TSS is there for one thing: the ring 0 stack that an exception in ring 3 changes to. */
        .balign 128                     /* never across a page: the processor reads it by physical address */
task_state:
        .long   0                       /* previous task */
        .long   exception_stack_top     /* ESP0 */
        .long   KERNEL_DATA             /* SS0 */
        .fill   22, 4, 0
        .word   0, 104                  /* no trap; I/O bitmap beyond the limit: ring 3 has no ports */
        .set    task_state_size, . - task_state

        .bss
        .balign 16
        .skip   16384
        .globl  stack_top
stack_top:
        .skip   4096
exception_stack_top:
