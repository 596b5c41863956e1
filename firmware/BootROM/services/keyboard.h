// INT 09h: the keyboard's interrupt; INT 16h: what was typed. A US keyboard, scan code set 1.

#define BDA_SHIFTS          0x17    // bit 0 right shift, 1 left shift, 2 Ctrl, 3 Alt, 6 Caps Lock
#define BDA_KEYS_NEXT       0x1A    // the next word to read, the next to write
#define BDA_KEYS_FREE       0x1C
#define BDA_KEYS_START      0x80    // where the buffer begins and ends
#define BDA_KEYS_END        0x82
#define BDA_KEY_PREFIX      0x96    // bit 1: E0h came last
#define PORT_KEYBOARD       0x60

irq1:
        pushal
        pushw   %ds
        movw    $BDA_SEGMENT, %ax
        movw    %ax, %ds
        cld
        inb     $PORT_KEYBOARD, %al
        cmpb    $0xE0, %al
        jne     1f
        orb     $0x02, BDA_KEY_PREFIX
        jmp     irq1_done
1:      movb    BDA_KEY_PREFIX, %ch     // bit 1: a key of the enhanced keyboard
        andb    $~0x02, BDA_KEY_PREFIX
        movb    %al, %bl
        andb    $0x7F, %bl
        movb    $0x01, %ah
        cmpb    $0x36, %bl
        je      shift_key
        movb    $0x02, %ah
        cmpb    $0x2A, %bl
        je      shift_key
        movb    $0x04, %ah
        cmpb    $0x1D, %bl
        je      shift_key
        movb    $0x08, %ah
        cmpb    $0x38, %bl
        je      shift_key
        testb   $0x80, %al
        jnz     irq1_done               // other keys say nothing when they go up
        cmpb    $0x3A, %al
        jne     2f
        xorb    $0x40, BDA_SHIFTS
        jmp     irq1_done
2:      movb    %al, %ah                // the scan code; AL gets the character
        cmpb    $0x3A, %al
        jae     special_key
        testb   $0x02, %ch
        jnz     enhanced_key
        movzbw  %al, %bx
        movb    BDA_SHIFTS, %cl
        testb   $0x08, %cl
        jnz     special_key             // with Alt there is no character
        movb    %cs:OFFSET(plain_keys)(%bx), %al
        // Caps Lock is for letters alone.
        testb   $0x40, %cl
        jz      3f
        cmpb    $'a', %al
        jb      3f
        cmpb    $'z', %al
        ja      3f
        testb   $0x03, %cl
        jnz     4f                      // Shift takes it back
        orb     $0x01, %cl
3:      testb   $0x03, %cl
        jz      4f
        movb    %cs:OFFSET(shifted_keys)(%bx), %al
4:      testb   $0x04, %cl
        jz      put_key
        cmpb    $0x40, %al
        jb      put_key
        andb    $0x1F, %al
        jmp     put_key
enhanced_key:
        // Enter and the slash of the keypad; the others have no character.
        movb    $0x0D, %al
        cmpb    $0x1C, %ah
        je      put_key
        movb    $'/', %al
        cmpb    $0x35, %ah
        je      put_key
special_key:
        movb    $0, %al
put_key:
        movw    BDA_KEYS_FREE, %bx
        movw    %bx, %si
        call    next_place
        cmpw    BDA_KEYS_NEXT, %bx
        je      irq1_done               // full
        movw    %ax, (%si)
        movw    %bx, BDA_KEYS_FREE
        jmp     irq1_done
shift_key:
        testb   $0x80, %al
        jnz     1f
        orb     %ah, BDA_SHIFTS
        jmp     irq1_done
1:      notb    %ah
        andb    %ah, BDA_SHIFTS
irq1_done:
        movb    $0x20, %al
        outb    %al, $PORT_PIC1_COMMAND
        popw    %ds
        popal
        iretw

// BX: the place behind it in the buffer.
next_place:
        addw    $2, %bx
        cmpw    BDA_KEYS_END, %bx
        jb      1f
        movw    BDA_KEYS_START, %bx
1:      ret

int16:
        enter_service
        movb    R_AH(%bp), %al
        andb    $0x0F, %al              // 10h to 12h are the enhanced keyboard's
        je      read_key
        cmpb    $0x01, %al
        je      look_at_key
        cmpb    $0x02, %al
        jne     leave_service
        movb    BDA_SHIFTS, %al
        movb    %al, R_AL(%bp)
        jmp     leave_service

// 00h: waits.
read_key:
        cli
        movw    BDA_KEYS_NEXT, %bx
        cmpw    BDA_KEYS_FREE, %bx
        jne     1f
        sti
        hlt
        jmp     read_key
1:      movw    (%bx), %ax
        movw    %ax, R_AX(%bp)
        call    next_place
        movw    %bx, BDA_KEYS_NEXT
        jmp     leave_service

// 01h: ZF where there is none.
look_at_key:
        orw     $FLAG_ZERO, R_FLAGS(%bp)
        cli
        movw    BDA_KEYS_NEXT, %bx
        cmpw    BDA_KEYS_FREE, %bx
        je      leave_service
        movw    (%bx), %ax
        movw    %ax, R_AX(%bp)
        andw    $~FLAG_ZERO, R_FLAGS(%bp)
        jmp     leave_service

// By scan code, 00h to 39h.
plain_keys:
        .byte   0, 0x1B
        .ascii  "1234567890-="
        .byte   0x08, 0x09
        .ascii  "qwertyuiop[]"
        .byte   0x0D, 0
        .ascii  "asdfghjkl;'`"
        .byte   0
        .ascii  "\\zxcvbnm,./"
        .byte   0, '*', 0, ' '
shifted_keys:
        .byte   0, 0x1B
        .ascii  "!@#$%^&*()_+"
        .byte   0x08, 0
        .ascii  "QWERTYUIOP{}"
        .byte   0x0D, 0
        .ascii  "ASDFGHJKL:\"~"
        .byte   0
        .ascii  "|ZXCVBNM<>?"
        .byte   0, '*', 0, ' '
