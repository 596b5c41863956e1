// A disk that boots itself and tries the real-mode services of the firmware: INT 10h to 1Ah. What they answer goes to port E9h, a line
// each, and the run ends by port F4h. It asks for three keys at the end if its last sector says so.

#define DISK_BYTES  (1 << 20)
#define CYLINDER_1  (16 * 63)       // the first sector of cylinder 1, by a geometry of 16 heads and 63 sectors
#define BUFFER      0x2000          // the segment that sectors are read to

        .code16
        .text
        .globl  _start
_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7C00, %sp
        sti
        cld
        movb    %dl, drive
        // The rest of the program: 15 sectors behind this one.
        movw    $0x020F, %ax
        movw    $0x7E00, %bx
        movw    $0x0002, %cx
        movb    $0, %dh
        int     $0x13
        jnc     main
        movb    $1, %al
        outb    %al, $0xF4

drive:  .byte   0

// The text at SI.
say:    lodsb
        testb   %al, %al
        jz      1f
        outb    %al, $0xE9
        jmp     say
1:      ret

// A line: the text at SI, then AX.
report:
        pushaw
        pushw   %ax
        call    say
        popw    %ax
        call    hex
        movb    $'\n', %al
        outb    %al, $0xE9
        popaw
        ret

// AX, four digits.
hex:    pushw   %cx
        pushw   %ax
        movb    %ah, %al
        call    hex_byte
        popw    %ax
        call    hex_byte
        popw    %cx
        ret
hex_byte:
        pushw   %ax
        shrb    $4, %al
        call    digit
        popw    %ax
digit:  andb    $15, %al
        addb    $'0', %al
        cmpb    $'9', %al
        jbe     1f
        addb    $'a' - '0' - 10, %al
1:      outb    %al, $0xE9
        ret

        .org    510
        .word   0xAA55

        .macro  tell text
        .section .rodata
77:     .asciz  "\text"
        .text
        pushw   %si
        movw    $77b, %si
        call    report
        popw    %si
        .endm

main:
        movzbw  drive, %ax
        tell    "drive "
        int     $0x11
        tell    "equipment "
        int     $0x12
        tell    "base memory "

        // The disk.
        movb    $0x08, %ah
        movb    drive, %dl
        xorw    %di, %di
        int     $0x13
        movw    %cx, %ax
        tell    "last cylinder and sector "
        movb    %dh, %al
        movb    $0, %ah
        tell    "last head "
        xorw    %ax, %ax
        movw    %ax, %es
        movw    $BUFFER, %ax
        movw    %ax, %es
        movw    $0x0201, %ax            // one sector of cylinder 1
        xorw    %bx, %bx
        movw    $0x0101, %cx
        movb    $0, %dh
        movb    drive, %dl
        int     $0x13
        tell    "read, status and count "
        movw    %es:0, %ax
        tell    "cylinder 1 has "
        movw    $0x0201, %ax            // behind the disk's end
        movw    $0xFFFF, %cx
        int     $0x13
        sbbw    %ax, %ax
        tell    "behind the end: carry "
        movb    $0x41, %ah
        movw    $0x55AA, %bx
        movb    drive, %dl
        int     $0x13
        movw    %bx, %ax
        tell    "extensions "
        movw    $packet, %si
        movb    $0x42, %ah
        movb    drive, %dl
        int     $0x13
        sbbw    %ax, %ax
        tell    "packet read: carry "
        movw    %es:0x200, %ax
        tell    "sector 1008 by packet has "
        movw    $parameters, %si
        movb    $0x48, %ah
        movb    drive, %dl
        int     $0x13
        movw    parameters + 16, %ax
        tell    "sectors "
        // A sector is written and read again, to another place.
        movw    $0xBEEF, %es:0
        movw    $0x0301, %ax
        xorw    %bx, %bx
        movw    $0x0021, %cx            // cylinder 0, head 1, sector 33
        movb    $1, %dh
        movb    drive, %dl
        int     $0x13
        tell    "write, status and count "
        movw    $0x0201, %ax
        movw    $0x800, %bx
        movw    $0x0021, %cx
        movb    $1, %dh
        int     $0x13
        movw    %es:0x800, %ax
        tell    "read again "
        movb    $0x15, %ah
        movb    drive, %dl
        int     $0x13
        movb    $0, %al
        tell    "type "
        movb    $0x02, %ah
        movb    $0x85, %dl
        int     $0x13
        sbbw    %ax, %ax
        tell    "another drive: carry "

        // Memory.
        movw    $0x800, %ax
        movw    %ax, %es
        xorl    %ebx, %ebx
        xorw    %bp, %bp
next_entry:
        movw    $0x6000, %di
        movl    $0xE820, %eax
        movl    $0x534D4150, %edx
        movl    $20, %ecx
        int     $0x15
        jc      1f
        movw    %es:0x6002, %ax
        tell    "map: from, 64 KiB "
        movw    %es:0x600A, %ax
        tell    "     size, 64 KiB "
        movw    %es:0x6010, %ax
        tell    "     type "
        testl   %ebx, %ebx
        jnz     next_entry
1:      movb    $0x88, %ah
        int     $0x15
        tell    "extended memory, KiB "
        movw    $0xE801, %ax
        int     $0x15
        tell    "up to 16 MiB, KiB "
        movw    %bx, %ax
        tell    "above, 64 KiB "
        movw    $0x2402, %ax
        int     $0x15
        tell    "A20 "
        movb    $0x77, %ah
        int     $0x15
        sbbw    %ax, %ax
        tell    "no such function: carry "

        // The screen.
        movw    $0x0003, %ax
        int     $0x10
        movb    $0x0F, %ah
        int     $0x10
        tell    "columns and mode "
        movb    $0x02, %ah
        movb    $0, %bh
        movw    $0x0A05, %dx
        int     $0x10
        movw    $0x0E00 + 'A', %ax
        int     $0x10
        movw    $0x0E00 + '\n', %ax
        int     $0x10
        movb    $0x03, %ah
        int     $0x10
        movw    %dx, %ax
        tell    "cursor "
        movb    $0x02, %ah
        movw    $0x0A05, %dx
        int     $0x10
        movb    $0x08, %ah
        int     $0x10
        tell    "cell "
        movw    $0x0601, %ax            // one row up
        movb    $0x1F, %bh
        xorw    %cx, %cx
        movw    $0x184F, %dx
        int     $0x10
        movb    $0x02, %ah
        movb    $0, %bh
        movw    $0x0905, %dx
        int     $0x10
        movb    $0x08, %ah
        int     $0x10
        tell    "scrolled "
        movw    $0x092A, %ax            // three stars
        movw    $0x004E, %bx
        movw    $3, %cx
        int     $0x10
        xorw    %ax, %ax
        movw    %ax, %es
        movw    $0x1301, %ax
        movw    $0x0007, %bx
        movw    $4, %cx
        movw    $0x1800, %dx
        movw    $word, %bp
        int     $0x10
        movb    $0x03, %ah
        int     $0x10
        movw    %dx, %ax
        tell    "behind a string "
        movw    $0x0E00 + '\n', %ax     // at the last row: it scrolls
        int     $0x10
        movb    $0x03, %ah
        int     $0x10
        movw    %dx, %ax
        tell    "at the end "

        // The clock: the timer's interrupt counts.
        movb    $0x00, %ah
        int     $0x1A
        movw    %dx, %bx
1:      hlt
        movb    $0x00, %ah
        int     $0x1A
        subw    %bx, %dx
        cmpw    $2, %dx
        jb      1b
        movw    %dx, %ax
        tell    "ticks "
        movb    $0x04, %ah
        int     $0x1A
        movw    %cx, %ax
        tell    "year "
        movw    %dx, %ax
        tell    "month and day "
        movb    $0x02, %ah
        int     $0x1A
        movw    %cx, %ax
        tell    "hour and minute "

        // Keys, where there is a keyboard.
        cmpw    $0x2020, keys
        je      done
        movw    $3, %cx
1:      movb    $0x00, %ah
        int     $0x16
        tell    "key "
        loop    1b
        movb    $0x01, %ah
        int     $0x16
        movw    $0, %ax
        jnz     2f
        incw    %ax
2:      tell    "no more keys "
done:
        movb    $0, %al
        outb    %al, $0xF4
1:      hlt
        jmp     1b

        .balign 4
packet: .byte   0x10, 0
        .word   2                       // sectors
        .word   0, BUFFER               // the second one is that of cylinder 1
        .quad   CYLINDER_1 - 1
parameters:
        .word   0x1A
        .fill   0x18, 1, 0
word:   .ascii  "word"
keys:   .ascii  "  "                    // a test changes them

        .section .rodata
        .section .disk, "a"
        .ascii  "1C"
