// The boot ROM: from the reset vector in real mode to the guest's entry point in flat protected mode.
//
// The image is 64 KiB and ends at FFFFFFFFh. After reset the processor fetches from FFFFFFF0h with CS.base FFFF0000h
// and IP FFF0h (SDM vol. 3A, 9.1.4); CS keeps that base until it is loaded, so the real-mode part runs up here, below
// 4 GiB, and not in the copy at F0000h. The ROM uses no stack and no RAM: what the loader placed is what the guest finds.
//
// Every address is an assembly-time constant, because the object is linked into a host program as plain data and
// nothing would apply a relocation to it: a label stands for its offset from the start, and ROM_BASE is added.
//
// What the guest finds is the machine state of the Multiboot Specification 0.6.96, 3.2 (and, with these selectors, of
// Linux's 32-bit boot protocol): A20 open, CR0.PE set and CR0.PG clear, interrupts off, CS a flat code segment, the
// other segments flat data with limit FFFFFFFFh, EAX, EBX and ESI as the hand-over block says. The protocols leave ESP
// undefined, but GRUB and QEMU give a stack, and kernels push before they have one of their own: so does this ROM.
//
// Progress is shown on the POST port: 01h reset, 02h A20 open, 03h protected mode, 04h interrupt controllers set,
// 05h serial port set, 0Fh handing over, EEh no guest (the block was never filled in).

#include "boot_rom.h"

#define ROM_BASE            0xFFFF0000
#define ADDRESS(label)      (ROM_BASE + (label) - pagewalk_boot_rom)
#define OFFSET(label)       ((label) - pagewalk_boot_rom)
#define HANDOVER(index)     (ROM_BASE + PAGEWALK_HANDOVER_OFFSET + PAGEWALK_HANDOVER_SIGNATURE_SIZE + 4 * (index))

#define CODE_SELECTOR       0x10    // as Linux's boot protocol has it: __BOOT_CS
#define DATA_SELECTOR       0x18    // __BOOT_DS

#define PORT_POST           0x80
#define PORT_SYSTEM_A       0x92    // bit 1 opens A20, bit 0 resets the processor
#define PORT_PIC1_COMMAND   0x20
#define PORT_PIC1_DATA      0x21
#define PORT_PIC2_COMMAND   0xA0
#define PORT_PIC2_DATA      0xA1
#define COM1_DIVISOR_LOW    0x3F8   // while the line control's bit 7 is set
#define COM1_DIVISOR_HIGH   0x3F9
#define COM1_LINE_CONTROL   0x3FB

        .section .rodata.pagewalk_boot_rom, "a", @progbits
        .globl  pagewalk_boot_rom, pagewalk_boot_rom_end, pagewalk_boot_rom_stack
        .balign 16
pagewalk_boot_rom:

        // The real-mode services, in the last 8 KiB.
        .org    pagewalk_boot_rom + 0xE000, 0xFF
#include "services/frame.h"
#include "services/video.h"
#include "services/disk.h"
#include "services/keyboard.h"
#include "services/system.h"
#include "services/post.h"
#include "services/vectors.h"

        // A start without a kernel: the loader makes the reset vector jump here, by way of the copy below 1 MiB.
        .balign 16
        .globl  pagewalk_boot_rom_post
pagewalk_boot_rom_post:
        cli
        cld
        movb    $0x01, %al
        outb    %al, $PORT_POST
        inb     $PORT_SYSTEM_A, %al
        orb     $0x02, %al
        andb    $0xFE, %al
        outb    %al, $PORT_SYSTEM_A
        movb    $0x02, %al
        outb    %al, $PORT_POST
        movl    %cr0, %eax
        andl    $0x9FFFFFFF, %eax
        movl    %eax, %cr0
        jmp     post

        // The rest lies in the last 512 bytes, in reach of the reset vector's jump; erased flash reads as FFh.
        .org    pagewalk_boot_rom + 0xFE00, 0xFF
        .code16
real_mode:
        cli
        cld
        movb    $0x01, %al
        outb    %al, $PORT_POST

        // A20: set the gate and keep the reset bit clear, whatever the port read as.
        inb     $PORT_SYSTEM_A, %al
        orb     $0x02, %al
        andb    $0xFE, %al
        outb    %al, $PORT_SYSTEM_A
        movb    $0x02, %al
        outb    %al, $PORT_POST

        // LGDT with a 32-bit operand: all 32 bits of the base count, it lies in the ROM's upper copy.
        lgdtl   %cs:OFFSET(gdt_pointer)
        // RESET# leaves the caches off (CR0.CD and NW); firmware is who turns them on.
        movl    %cr0, %eax
        andl    $0x9FFFFFFF, %eax
        orb     $0x01, %al
        movl    %eax, %cr0
        ljmpl   $CODE_SELECTOR, $ADDRESS(protected_mode)

        .code32
protected_mode:
        movl    $DATA_SELECTOR, %eax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    %ax, %fs
        movw    %ax, %gs
        movb    $0x03, %al
        outb    %al, $PORT_POST

        // Both 8259As as the PC has them: edge triggered, cascaded on IRQ 2, vectors 08h and 70h, everything masked.
        movb    $0x11, %al
        outb    %al, $PORT_PIC1_COMMAND
        outb    %al, $PORT_PIC2_COMMAND
        movb    $0x08, %al
        outb    %al, $PORT_PIC1_DATA
        movb    $0x70, %al
        outb    %al, $PORT_PIC2_DATA
        movb    $0x04, %al
        outb    %al, $PORT_PIC1_DATA
        movb    $0x02, %al
        outb    %al, $PORT_PIC2_DATA
        movb    $0x01, %al
        outb    %al, $PORT_PIC1_DATA
        outb    %al, $PORT_PIC2_DATA
        movb    $0xFF, %al
        outb    %al, $PORT_PIC1_DATA
        outb    %al, $PORT_PIC2_DATA
        movb    $0x04, %al
        outb    %al, $PORT_POST

        // The serial port at 115,200 baud, 8 data bits, no parity, as a terminal expects it: a guest that polls for
        // room without setting a speed would spend its time waiting for the 9600 baud of the reset state.
        movw    $COM1_LINE_CONTROL, %dx
        movb    $0x80, %al
        outb    %al, %dx
        movw    $COM1_DIVISOR_LOW, %dx
        movb    $0x01, %al
        outb    %al, %dx
        movw    $COM1_DIVISOR_HIGH, %dx
        movb    $0x00, %al
        outb    %al, %dx
        movw    $COM1_LINE_CONTROL, %dx
        movb    $0x03, %al
        outb    %al, %dx
        movb    $0x05, %al
        outb    %al, $PORT_POST

        movb    $0x0F, %al
        outb    %al, $PORT_POST
        movl    HANDOVER(PAGEWALK_HANDOVER_EAX), %eax
        movl    HANDOVER(PAGEWALK_HANDOVER_EBX), %ebx
        movl    HANDOVER(PAGEWALK_HANDOVER_ESI), %esi
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        xorl    %edi, %edi
        xorl    %ebp, %ebp
        // The loader writes the stack's end into this instruction. A load from the hand-over block would take longer.
        .byte   0xBC                    // movl $..., %esp
pagewalk_boot_rom_stack:
        .long   0
        jmpl    *HANDOVER(PAGEWALK_HANDOVER_ENTRY)

        // Where a ROM without a guest ends up.
no_guest:
        movb    $0xEE, %al
        outb    %al, $PORT_POST
1:      hlt
        jmp     1b

        // Flat segments of 4 GiB. The accessed bits are set already: the processor would otherwise write to the ROM.
        .balign 8
gdt:
        .quad   0
        .quad   0
        .quad   0x00CF9B000000FFFF      // 10h: code, execute and read, 32 bits
        .quad   0x00CF93000000FFFF      // 18h: data, read and write, 32 bits
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   ADDRESS(gdt)

        // The hand-over block. See boot_rom.h.
        .org    pagewalk_boot_rom + PAGEWALK_HANDOVER_OFFSET, 0xFF
        .ascii  "PAGEWALK"
        .long   ADDRESS(no_guest)       // entry
        .long   0                       // EAX
        .long   0                       // EBX
        .long   0                       // ESI

        // The reset vector: 16 bytes below 4 GiB.
        .org    pagewalk_boot_rom + 0xFFF0, 0xFF
        .code16
        jmp     real_mode
        .org    pagewalk_boot_rom + 0xFFFE, 0xFF
        .byte   0xFC                    // the PC AT's model number
        .org    pagewalk_boot_rom + PAGEWALK_BOOT_ROM_SIZE, 0xFF
pagewalk_boot_rom_end:

        .section .note.GNU-stack, "", @progbits
