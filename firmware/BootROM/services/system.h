// INT 08h, 11h, 12h, 15h, 18h, 19h, 1Ah: the timer, what the machine has, booting, the clock.

#define BDA_EQUIPMENT       0x10
#define BDA_BASE_MEMORY     0x13
#define BDA_TICKS           0x6C
#define BDA_MIDNIGHT        0x70
#define TICKS_A_DAY         0x1800B0
#define EBDA_MAP_COUNT      0x100   // of the memory map's entries, which follow it, 20 bytes each
#define EBDA_MAP            0x104
#define PORT_CMOS_INDEX     0x70
#define PORT_CMOS_DATA      0x71
#define BOOT_ADDRESS        0x7C00

irq0:
        pushal
        pushw   %ds
        movw    $BDA_SEGMENT, %ax
        movw    %ax, %ds
        incl    BDA_TICKS
        cmpl    $TICKS_A_DAY, BDA_TICKS
        jb      1f
        movl    $0, BDA_TICKS
        incb    BDA_MIDNIGHT
1:      int     $0x1C
        movb    $0x20, %al
        outb    %al, $PORT_PIC1_COMMAND
        popw    %ds
        popal
        iretw

int11:
        enter_service
        movw    BDA_EQUIPMENT, %ax
        movw    %ax, R_AX(%bp)
        jmp     leave_service

int12:
        enter_service
        movw    BDA_BASE_MEMORY, %ax
        movw    %ax, R_AX(%bp)
        jmp     leave_service

int15:
        enter_service
        movb    R_AH(%bp), %al
        cmpb    $0x24, %al
        je      a20
        cmpb    $0x88, %al
        je      extended_memory
        cmpw    $0xE801, R_AX(%bp)
        je      both_memories
        cmpw    $0xE820, R_AX(%bp)
        je      memory_map
        jmp     unsupported

// 24h: 0 closes the gate, 1 opens it, 2 asks, 3 says that port 92h does it.
a20:
        movb    R_AL(%bp), %ah
        cmpb    $3, %ah
        ja      unsupported
        je      2f
        inb     $PORT_SYSTEM_A, %al
        cmpb    $2, %ah
        je      1f
        andb    $0xFC, %al
        shlb    $1, %ah
        orb     %ah, %al
        outb    %al, $PORT_SYSTEM_A
        movb    $0, R_AH(%bp)
        jmp     succeed
1:      shrb    $1, %al
        andb    $1, %al
        movb    $0, %ah
        movw    %ax, R_AX(%bp)
        jmp     succeed
2:      movb    $0, R_AH(%bp)
        movw    $0x0002, R_EBX(%bp)
        jmp     succeed

// 88h: KiB above 1 MiB, as far as a word goes.
extended_memory:
        movb    $0x30, %bl
        call    read_cmos_word
        movw    %ax, R_AX(%bp)
        jmp     succeed

// E801h: KiB from 1 to 16 MiB, and 64 KiB above.
both_memories:
        movb    $0x30, %bl
        call    read_cmos_word
        cmpw    $0x3C00, %ax
        jb      1f
        movw    $0x3C00, %ax
1:      movw    %ax, R_AX(%bp)
        movw    %ax, R_CX(%bp)
        movb    $0x34, %bl
        call    read_cmos_word
        movw    %ax, R_EBX(%bp)
        movw    %ax, R_DX(%bp)
        jmp     succeed

// E820h: entry EBX goes to ES:DI. ACPI 6.4, 15.1.
memory_map:
        cmpl    $0x534D4150, R_EDX(%bp) // 'SMAP'
        jne     unsupported
        cmpl    $20, R_ECX(%bp)
        jb      unsupported
        movw    $EBDA_SEGMENT, %ax
        movw    %ax, %ds
        movl    R_EBX(%bp), %eax
        cmpl    EBDA_MAP_COUNT, %eax
        jae     unsupported
        imulw   $20, %ax, %si
        addw    $EBDA_MAP, %si
        movw    R_DI(%bp), %di
        movw    R_ES(%bp), %es
        movw    $10, %cx
        rep     movsw
        incl    %eax
        cmpl    EBDA_MAP_COUNT, %eax
        jb      1f
        xorl    %eax, %eax              // that was the last
1:      movl    %eax, R_EBX(%bp)
        movl    $0x534D4150, R_EAX(%bp)
        movl    $20, R_ECX(%bp)
        jmp     succeed

int1a:
        enter_service
        dispatch int1a_functions, 0x04, unsupported
int1a_functions:
        .word   OFFSET(get_ticks), OFFSET(set_ticks), OFFSET(get_time), OFFSET(unsupported), OFFSET(get_date)

// 00h
get_ticks:
        cli
        movw    BDA_TICKS, %ax
        movw    %ax, R_DX(%bp)
        movw    BDA_TICKS + 2, %ax
        movw    %ax, R_CX(%bp)
        movb    BDA_MIDNIGHT, %al
        movb    $0, BDA_MIDNIGHT
        movb    %al, R_AL(%bp)
        jmp     succeed
// 01h
set_ticks:
        cli
        movw    R_DX(%bp), %ax
        movw    %ax, BDA_TICKS
        movw    R_CX(%bp), %ax
        movw    %ax, BDA_TICKS + 2
        movb    $0, BDA_MIDNIGHT
        jmp     succeed
// 02h: in BCD, as the chip has it.
get_time:
        call    wait_clock
        movb    $0x04, %bl
        call    read_cmos
        movb    %al, R_CH(%bp)
        movb    $0x02, %bl
        call    read_cmos
        movb    %al, R_CL(%bp)
        movb    $0x00, %bl
        call    read_cmos
        movb    %al, R_DH(%bp)
        movb    $0, R_DL(%bp)
        jmp     succeed
// 04h
get_date:
        call    wait_clock
        movb    $0x32, %bl
        call    read_cmos
        movb    %al, R_CH(%bp)
        movb    $0x09, %bl
        call    read_cmos
        movb    %al, R_CL(%bp)
        movb    $0x08, %bl
        call    read_cmos
        movb    %al, R_DH(%bp)
        movb    $0x07, %bl
        call    read_cmos
        movb    %al, R_DL(%bp)
        jmp     succeed

// Until no update is under way or about to begin. A clock that stands still is not waited for.
wait_clock:
        movw    $0xFFFF, %cx
1:      movb    $0x0A, %bl
        call    read_cmos
        testb   $0x80, %al
        loopnz  1b
        ret

// AL: register BL.
read_cmos:
        movb    %bl, %al
        outb    %al, $PORT_CMOS_INDEX
        inb     $PORT_CMOS_DATA, %al
        ret
// AX: registers BL and the one behind it.
read_cmos_word:
        incb    %bl
        call    read_cmos
        movb    %al, %ah
        decb    %bl
        jmp     read_cmos

// INT 19h: the first sector of the disk is loaded and entered, the drive's number in DL.
int19:
        sti
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $BOOT_ADDRESS, %sp
        movw    $0x0201, %ax
        movw    $BOOT_ADDRESS, %bx
        movw    $0x0001, %cx
        movw    $DRIVE, %dx
        int     $0x13
        jc      1f
        cmpw    $0xAA55, BOOT_ADDRESS + 510
        jne     1f
        xorw    %ax, %ax
        movw    $DRIVE, %dx
        ljmpw   $0, $BOOT_ADDRESS
1:      int     $0x18

// INT 18h: there is nothing to boot.
int18:
        movw    $OFFSET(nothing_to_boot), %si
1:      movb    %cs:(%si), %al
        incw    %si
        cmpb    $0, %al
        je      2f
        movb    $0x0E, %ah
        movw    $0x0007, %bx
        int     $0x10
        jmp     1b
2:      movb    $0xEE, %al
        outb    %al, $PORT_POST
        cli
        hlt
        jmp     2b
nothing_to_boot:
        .asciz  "No bootable disk\r\n"
