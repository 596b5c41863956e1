// What a start without a kernel does: the machine is set up as a PC's firmware leaves it, in real mode, and the disk is booted. The
// loader has put the vectors and the data areas into RAM already.

post:
        xorw    %ax, %ax
        movw    %ax, %ss
        movw    $BOOT_ADDRESS, %sp
        movw    $BDA_SEGMENT, %ax
        movw    %ax, %ds

        // The interrupt controllers as protected_mode has them, with the timer, the keyboard and the second controller let through.
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
        movb    $0xF8, %al
        outb    %al, $PORT_PIC1_DATA
        movb    $0xFF, %al
        outb    %al, $PORT_PIC2_DATA
        movb    $0x04, %al
        outb    %al, $PORT_POST

        // The timer: 18.2 interrupts a second.
        movb    $0x36, %al
        outb    %al, $0x43
        movb    $0, %al
        outb    %al, $0x40
        outb    %al, $0x40

        // The serial port, as protected_mode sets it.
        movw    $COM1_LINE_CONTROL, %dx
        movb    $0x80, %al
        outb    %al, %dx
        movw    $COM1_DIVISOR_LOW, %dx
        movb    $0x01, %al
        outb    %al, %dx
        incw    %dx
        movb    $0x00, %al
        outb    %al, %dx
        movw    $COM1_LINE_CONTROL, %dx
        movb    $0x03, %al
        outb    %al, %dx
        movb    $0x05, %al
        outb    %al, $PORT_POST

        call    find_disk
        movb    $0x06, %al
        outb    %al, $PORT_POST
        int     $0x19

// Whether there is a disk, and how large it is: IDENTIFY DEVICE, words 60 and 61. Of what is behind the services' reach is no word.
find_disk:
        movw    $PORT_ATA_STATUS, %dx
        inb     %dx, %al
        cmpb    $0xFF, %al              // nothing answers
        je      9f
        movb    $0x02, %al
        movw    $PORT_ATA_CONTROL, %dx
        outb    %al, %dx
        movw    $PORT_ATA_STATUS - 1, %dx
        movb    $0xA0, %al
        outb    %al, %dx
        incw    %dx
        movb    $0xEC, %al
        outb    %al, %dx
        call    wait_disk
        testb   $0x08, %al
        jz      9f
        movw    $EBDA_SEGMENT, %ax
        movw    %ax, %es
        movw    $0x200, %di
        movw    $256, %cx
        movw    $PORT_ATA_DATA, %dx
        rep     insw    %dx, %es:(%di)
        call    end_command
        movl    %es:(0x200 + 120), %eax
        movl    %eax, %es:EBDA_SECTORS
        // 16 heads as long as 1024 cylinders of them are enough, 255 otherwise.
        movw    $16, %cx
        cmpl    $1024 * 16 * TRACK, %eax
        jbe     1f
        movw    $255, %cx
1:      movw    %cx, %es:EBDA_HEADS
        movb    $1, BDA_DISKS
9:      ret
