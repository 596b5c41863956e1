/* hello: the smallest complete guest. Copy this folder, add a line to images/assembly.mk, and you have your own.
 *
 * A guest is a 32-bit ELF file with a Multiboot header. The loader puts its segments where they ask to be (1 MiB,
 * says flat.ld), leaves the CPU in 32-bit protected mode with flat segments, paging and interrupts off, and jumps
 * to _start with
 *
 *   EAX   2BADB002h, which proves that the loader is a Multiboot one
 *   EBX   the address of a structure that tells about memory, command line and more
 *
 * and nothing else: no stack, no console, no way back. Text goes out through the serial port, a byte at a time; the
 * run ends when a byte is written to port F4h. */

#include "machine.h"
#include "multiboot.h"

/* The loader finds this by its magic number in the first 8 KiB of the file. The third word makes the sum zero. */
        .section .multiboot, "a"
        .balign 4
        .long   MULTIBOOT_HEADER_MAGIC
        .long   MULTIBOOT_WANT_MEMORY
        .long   -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_WANT_MEMORY)

        .text
        .globl  _start
_start:
        mov     $stack_top, %esp        /* CALL needs a stack, and nobody gave us one */

        mov     %eax, %ecx              /* eight data bits a character; a UART wakes up with five */
        mov     $COM1_LCR, %dx
        mov     $LCR_8N1, %al
        out     %al, %dx

        cmp     $MULTIBOOT_BOOT_MAGIC, %ecx
        jne     wrong_loader

        mov     $greeting, %esi
        call    print

/* Memory: the sum of the map's usable ranges. EDX:EAX is the sum, because a PC with PAE has room for more RAM than
 * 32 bits can count. */
memory_size:
        testl   $MULTIBOOT_HAS_MMAP, MULTIBOOT_INFO_FLAGS(%ebx)
        jz      command_line
        mov     MULTIBOOT_INFO_MMAP_ADDR(%ebx), %esi
        mov     MULTIBOOT_INFO_MMAP_LENGTH(%ebx), %edi
        add     %esi, %edi              /* EDI: where the map ends */
        xor     %eax, %eax
        xor     %edx, %edx
1:      cmp     %edi, %esi
        jae     2f
        cmpl    $MULTIBOOT_MMAP_AVAILABLE, MULTIBOOT_MMAP_TYPE(%esi)
        jne     3f
        add     MULTIBOOT_MMAP_LENGTH(%esi), %eax
        adc     MULTIBOOT_MMAP_LENGTH + 4(%esi), %edx
3:      mov     MULTIBOOT_MMAP_SIZE(%esi), %ecx
        lea     4(%esi,%ecx), %esi      /* an entry's size doesn't count the size field itself */
        jmp     1b

2:      shrd    $10, %edx, %eax         /* bytes to KiB */
        push    %eax
        mov     $memory_label, %esi
        call    print
        pop     %eax
        call    print_decimal
        mov     $memory_unit, %esi
        call    print

command_line:
        testl   $MULTIBOOT_HAS_CMDLINE, MULTIBOOT_INFO_FLAGS(%ebx)
        jz      done
        mov     MULTIBOOT_INFO_CMDLINE(%ebx), %edi
        cmpb    $0, (%edi)              /* given, but empty */
        je      done
        mov     $command_line_label, %esi
        call    print
        mov     %edi, %esi
        call    print
        mov     $newline, %esi
        call    print

done:   mov     $0, %al                 /* success */
        jmp     exit

wrong_loader:
        mov     $wrong_loader_text, %esi
        call    print
        mov     $1, %al

/* Ends the run; AL is the exit status. A machine that has no such port halts instead. */
exit:   out     %al, $EXIT_PORT
1:      cli
        hlt
        jmp     1b

/* Prints the NUL-terminated string at ESI. Changes EAX, EDX and ESI. */
        .type   print, @function
print:
1:      lodsb                           /* AL = *ESI++ */
        test    %al, %al
        jz      2f
        call    print_char
        jmp     1b
2:      ret

/* Prints the character in AL on the first serial port. Changes EAX and EDX. */
        .type   print_char, @function
print_char:
        mov     %al, %ah
        mov     $COM1_LSR, %dx
1:      in      %dx, %al                /* wait until the transmitter can take a byte */
        test    $LSR_THRE, %al
        jz      1b
        mov     $COM1, %dx
        mov     %ah, %al
        out     %al, %dx
        ret

/* Prints EAX in decimal. Division gives the digits last to first, so they wait on the stack for their turn.
 * Changes EAX, ECX and EDX. */
        .type   print_decimal, @function
print_decimal:
        xor     %edx, %edx
        mov     $10, %ecx
        div     %ecx                    /* EAX = the digits before, EDX = the last one */
        push    %edx
        test    %eax, %eax
        jz      1f
        call    print_decimal
1:      pop     %eax
        add     $'0', %al
        jmp     print_char

        .section .rodata
greeting:
        .asciz  "Hello from a guest: 32-bit protected mode, no operating system, nobody else here.\n"
memory_label:
        .asciz  "Memory:       "
memory_unit:
        .asciz  " KiB usable\n"
command_line_label:
        .asciz  "Command line: "
newline:
        .asciz  "\n"
wrong_loader_text:
        .asciz  "hello: not entered by a Multiboot loader\n"

        .bss
        .balign 16
        .skip   4096
stack_top:
