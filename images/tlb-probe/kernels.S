/* What is measured, and the brackets around it. Nothing here touches memory but what a kernel says: between the two
 * readings of a bracket there is no stack, no global, and one line of code for each kernel. */

#include "machine.h"

        .text

/* uint32_t timed(kernel, start, count), counted(kernel, start, count): how far the time-stamp counter, or performance
 * counter 0, goes while `kernel` does `count` steps from `start`. A kernel gets the start in EBX, the count in ECX, the
 * address to go on at in ESI, and may change EAX, EBX, ECX and EDX. */
        .macro  bracket name, reading:vararg
        .globl  \name
        .type   \name, @function
        .balign 32
\name:
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     20(%esp), %edi          /* kernel */
        mov     24(%esp), %ebx          /* start */
        mov     28(%esp), %esi          /* count */
        jmp     1f
        .balign 32
1:      xor     %ecx, %ecx
        \reading
        mov     %eax, %ebp
        mov     %esi, %ecx
        mov     $2f, %esi
        jmp     *%edi
2:      xor     %ecx, %ecx
        \reading
        sub     %ebp, %eax
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret
        .size   \name, . - \name
        .endm

        bracket timed, rdtsc
        bracket counted, rdpmc

        .macro  kernel name
        .globl  \name
        .type   \name, @function
        .balign 32
\name:
        .endm

        /* Loops `count` times over the instructions between begin_loop and end_loop. */
        .macro  begin_loop
1:
        .endm
        .macro  end_loop
        dec     %ecx
        jnz     1b
        jmp     *%esi
        .endm

/* The loop alone: what the others are compared with. */
kernel  kernel_empty
        begin_loop
        end_loop

/* Follows a chain of pointers: each load waits for the one before. */
kernel  kernel_chase
        begin_loop
        mov     (%ebx), %ebx
        end_loop

/* Enters a chain of code snippets, see build_code. */
kernel  kernel_code
        jmp     *%ebx

/* Reads one word a page; one word again and again, for comparison; one word a line. */
        .macro  sweep name, step
kernel  \name
        begin_loop
        mov     (%ebx), %eax
        add     $\step, %ebx
        end_loop
        .endm
        sweep   kernel_sweep_pages, 4096
        sweep   kernel_sweep_nothing, 0
        sweep   kernel_sweep_lines, 32

/* Instructions whose own cost is wanted. */
kernel  kernel_load_cr3
        mov     %cr3, %eax
        begin_loop
        mov     %eax, %cr3
        end_loop

kernel  kernel_load_cr2
        xor     %eax, %eax
        begin_loop
        mov     %eax, %cr2
        end_loop

kernel  kernel_invlpg
        begin_loop
        invlpg  (%ebx)
        end_loop

/* A branch that follows the bits of a linear-feedback shift register in EBX, the taps of which are EDX: taken when the
 * bit is 0. Both ways lead to the same instruction, so that only the branch makes a difference. With all bits set and
 * one tap at the top the register stays as it is. */
        .macro  branches name, taps
kernel  \name
        mov     $\taps, %edx
        begin_loop
        shr     $1, %ebx
        sbb     %eax, %eax
        and     %edx, %eax
        xor     %eax, %ebx
        test    %eax, %eax
        jz      2f
2:      end_loop
        .endm
        branches kernel_branch_random, 0x80200003
        branches kernel_branch_never, 0x80000000

/* bool try_write_msr(index, low), try_read_counter(void): false where the processor raises an exception instead.
 * handle_exception knows the labels. */
        .globl  try_write_msr, try_read_counter, try_failed, msr_attempt, counter_attempt
        .type   try_write_msr, @function
try_write_msr:
        mov     4(%esp), %ecx
        mov     8(%esp), %eax
        xor     %edx, %edx
msr_attempt:
        wrmsr
        mov     $1, %eax
        ret

        .type   try_read_counter, @function
try_read_counter:
        xor     %ecx, %ecx
counter_attempt:
        rdpmc
        mov     $1, %eax
        ret

try_failed:
        xor     %eax, %eax
        ret
