// How every service is entered and left. The caller's registers lie on its stack, where %bp points, and are what it gets back.

#define BDA_SEGMENT         0x0040
#define EBDA_SEGMENT        0x9FC0
#define SCREEN_SEGMENT      0xB800

// The registers in the frame, from %bp on.
#define R_ES                0
#define R_DS                2
#define R_DI                4
#define R_SI                8
#define R_EBX               20
#define R_BL                20
#define R_BH                21
#define R_EDX               24
#define R_DX                24
#define R_DL                24
#define R_DH                25
#define R_ECX               28
#define R_CX                28
#define R_CL                28
#define R_CH                29
#define R_EAX               32
#define R_AX                32
#define R_AL                32
#define R_AH                33
#define R_FLAGS             40

#define FLAG_CARRY          0x0001
#define FLAG_ZERO           0x0040

        .macro  enter_service
        pushal
        pushw   %ds
        pushw   %es
        movw    %sp, %bp
        // In place of ESP, which POPAD does not load.
        movw    %fs, 16(%bp)
        movw    %gs, 18(%bp)
        cld
        sti
        movw    $BDA_SEGMENT, %ax
        movw    %ax, %ds
        .endm

// Jumps by the function's number in AH: `table` has a word for each up to `last`; others go to `other`.
        .macro  dispatch table, last, other
        movzbw  R_AH(%bp), %bx
        cmpb    $\last, %bl
        ja      \other
        addw    %bx, %bx
        jmpw    *%cs:OFFSET(\table)(%bx)
        .endm

        .code16
// The function is done and went well: CF is clear.
succeed:
        andw    $~FLAG_CARRY, R_FLAGS(%bp)
leave_service:
        movw    16(%bp), %fs
        movw    18(%bp), %gs
        popw    %es
        popw    %ds
        popal
        iretw

// There is no such function.
unsupported:
        movb    $0x86, R_AH(%bp)
fail:
        orw     $FLAG_CARRY, R_FLAGS(%bp)
        jmp     leave_service

// An interrupt that nobody waits for: INT n, or the processor's own.
ignore:
        iretw

// One of the first controller's inputs, or of the second's.
ignore_irq2:
        pushw   %ax
        movb    $0x20, %al
        outb    %al, $PORT_PIC2_COMMAND
        jmp     1f
ignore_irq:
        pushw   %ax
1:      movb    $0x20, %al
        outb    %al, $PORT_PIC1_COMMAND
        popw    %ax
        iretw
