// INT 13h: the disk of the primary IDE channel as drive 80h. ATA/ATAPI-6, PIO; Phoenix, "Enhanced Disk Drive Specification" 3.0.

#define DRIVE               0x80
#define BDA_DISK_STATUS     0x74
#define BDA_DISKS           0x75
#define EBDA_SECTORS        0x200   // of the disk, at most 2^28
#define EBDA_HEADS          0x204   // of the geometry that CHS addresses are meant in; 63 sectors a track
#define TRACK               63
#define PORT_ATA_DATA       0x1F0
#define PORT_ATA_COUNT      0x1F2
#define PORT_ATA_STATUS     0x1F7
#define PORT_ATA_CONTROL    0x3F6

int13:
        enter_service
        movw    $EBDA_SEGMENT, %ax
        movw    %ax, %fs
        cmpb    $DRIVE, R_DL(%bp)
        jne     disk_absent
        cmpb    $0, BDA_DISKS
        je      disk_absent
        cmpb    $0x40, R_AH(%bp)
        jae     int13_extended
        dispatch int13_functions, 0x15, disk_bad_command
int13_functions:
        .word   OFFSET(disk_done), OFFSET(disk_last_status), OFFSET(disk_read), OFFSET(disk_write)
        .word   OFFSET(disk_verify), OFFSET(disk_bad_command), OFFSET(disk_bad_command), OFFSET(disk_bad_command)
        .word   OFFSET(disk_geometry), OFFSET(disk_done), OFFSET(disk_bad_command), OFFSET(disk_bad_command)
        .word   OFFSET(disk_done), OFFSET(disk_done), OFFSET(disk_bad_command), OFFSET(disk_bad_command)
        .word   OFFSET(disk_done), OFFSET(disk_done), OFFSET(disk_bad_command), OFFSET(disk_bad_command)
        .word   OFFSET(disk_done), OFFSET(disk_type)

int13_extended:
        subb    $0x40, R_AH(%bp)
        dispatch int13_extensions, 0x08, disk_bad_extension
int13_extensions:
        .word   OFFSET(disk_bad_extension), OFFSET(disk_extensions), OFFSET(disk_read_packet), OFFSET(disk_write_packet)
        .word   OFFSET(disk_verify_packet), OFFSET(disk_bad_extension), OFFSET(disk_bad_extension), OFFSET(disk_done)
        .word   OFFSET(disk_parameters)

disk_absent:
        // Function 15h says so by itself.
        cmpb    $0x15, R_AH(%bp)
        jne     disk_bad_command
        movb    $0, R_AH(%bp)
        jmp     succeed
disk_bad_extension:
        addb    $0x40, R_AH(%bp)
disk_bad_command:
        movb    $0x01, %ah
disk_failed:
        movb    %ah, BDA_DISK_STATUS
        movb    %ah, R_AH(%bp)
        jmp     fail
disk_done:
        movb    $0, BDA_DISK_STATUS
        movb    $0, R_AH(%bp)
        jmp     succeed

// 01h
disk_last_status:
        movb    BDA_DISK_STATUS, %ah
        movb    %ah, R_AH(%bp)
        cmpb    $0, %ah
        je      succeed
        jmp     fail

// 02h, 03h, 04h: AL sectors from cylinder CH (and CL bits 7-6), head DH, sector CL on; memory ES:BX.
disk_read:
        movb    $0x20, %dl
        jmp     1f
disk_write:
        movb    $0x30, %dl
        jmp     1f
disk_verify:
        movb    $0x40, %dl
1:      movzbw  R_CL(%bp), %ax
        andb    $0x3F, %al
        jz      disk_bad_command        // sectors count from 1
        decw    %ax
        movw    %ax, %si
        movzbl  R_DH(%bp), %ecx
        cmpw    %fs:EBDA_HEADS, %cx
        jae     disk_bad_command
        movb    R_CL(%bp), %ah
        shrb    $6, %ah
        movb    R_CH(%bp), %al
        movzwl  %ax, %eax
        movzwl  %fs:EBDA_HEADS, %ebx
        pushw   %dx
        mull    %ebx
        popw    %dx
        addl    %ecx, %eax
        imull   $TRACK, %eax, %eax
        movzwl  %si, %esi
        addl    %esi, %eax
        movzbl  R_AL(%bp), %ecx
        movw    R_EBX(%bp), %di
        movw    R_ES(%bp), %es
        movb    $0, R_AL(%bp)
        call    transfer
        movb    %bl, R_AL(%bp)
        jc      disk_failed
        jmp     disk_done

// 08h: the highest cylinder, head and sector.
disk_geometry:
        call    cylinders
        decw    %ax
        movb    %al, R_CH(%bp)
        shlb    $6, %ah
        orb     $TRACK, %ah
        movb    %ah, R_CL(%bp)
        movw    %fs:EBDA_HEADS, %ax
        decb    %al
        movb    %al, R_DH(%bp)
        movb    BDA_DISKS, %al
        movb    %al, R_DL(%bp)
        movb    $0, R_BL(%bp)
        jmp     disk_done

// 15h: a fixed disk, and how many sectors it has.
disk_type:
        movl    %fs:EBDA_SECTORS, %eax
        movw    %ax, R_DX(%bp)
        shrl    $16, %eax
        movw    %ax, R_CX(%bp)
        movb    $3, R_AH(%bp)
        jmp     succeed

// 41h
disk_extensions:
        cmpw    $0x55AA, R_EBX(%bp)
        jne     disk_bad_extension
        movw    $0xAA55, R_EBX(%bp)
        movb    $0x21, R_AH(%bp)        // version 1.1
        movw    $0x0001, R_CX(%bp)      // packets
        jmp     succeed

// 42h, 43h, 44h: the packet at DS:SI has its size, a zero, the count (2 bytes), memory (offset, segment), the first sector (8 bytes).
disk_read_packet:
        movb    $0x20, %dl
        jmp     1f
disk_write_packet:
        movb    $0x30, %dl
        jmp     1f
disk_verify_packet:
        movb    $0x40, %dl
1:      movw    R_SI(%bp), %si
        movw    R_DS(%bp), %gs
        cmpb    $0x10, %gs:(%si)
        jb      disk_bad_extension
        cmpl    $0, %gs:12(%si)
        jne     disk_bad_extension
        movzwl  %gs:2(%si), %ecx
        movw    %gs:4(%si), %di
        movw    %gs:6(%si), %es
        movl    %gs:8(%si), %eax
        pushw   %si
        call    transfer
        popw    %si
        movw    %bx, %gs:2(%si)
        jc      disk_failed
        jmp     disk_done

// 48h: the table at DS:SI, of 1Ah bytes.
disk_parameters:
        movw    R_SI(%bp), %di
        movw    R_DS(%bp), %es
        cmpw    $0x1A, %es:(%di)
        jb      disk_bad_extension
        movw    $0x1A, %ax
        stosw
        movw    $0x0002, %ax            // the geometry is valid
        stosw
        call    cylinders
        stosl
        movzwl  %fs:EBDA_HEADS, %eax
        stosl
        movl    $TRACK, %eax
        stosl
        movl    %fs:EBDA_SECTORS, %eax
        stosl
        xorl    %eax, %eax
        stosl
        movw    $512, %ax
        stosw
        jmp     disk_done

// EAX: cylinders, 1024 at most, 1 at least. Changes EBX, EDX.
cylinders:
        movzwl  %fs:EBDA_HEADS, %ebx
        imull   $TRACK, %ebx, %ebx
        movl    %fs:EBDA_SECTORS, %eax
        xorl    %edx, %edx
        divl    %ebx
        cmpl    $1024, %eax
        jbe     1f
        movl    $1024, %eax
1:      cmpl    $1, %eax
        adcl    $0, %eax
        ret

// ECX sectors from EAX on, by the command DL, to or from ES:DI. BX: how many were moved. Carry and AH for the error.
transfer:
        xorw    %bx, %bx
        movl    %fs:EBDA_SECTORS, %esi
        subl    %eax, %esi
        jb      1f
        cmpl    %ecx, %esi
        jae     2f
1:      movb    $0x04, %ah              // no such sector
        stc
        ret
2:      jcxz    4f
3:      call    transfer_sector
        jc      5f
        incl    %eax
        incw    %bx
        loop    3b
4:      clc
        ret
5:      movb    $0x10, %ah              // can't be read
        stc
        ret

// Sector EAX by the command DL; ES:DI moves on. Carry for an error.
transfer_sector:
        pushal
        movw    %dx, %si                // the command
        // DI below 16, so that a sector does not run over the segment's end.
        movw    %di, %bx
        shrw    $4, %bx
        movw    %es, %cx
        addw    %bx, %cx
        movw    %cx, %es
        andw    $15, %di
        movl    %eax, %ecx
        movw    $PORT_ATA_CONTROL, %dx
        movb    $0x02, %al              // no interrupt
        outb    %al, %dx
        call    wait_disk
        movw    $PORT_ATA_COUNT, %dx
        movb    $1, %al
        outb    %al, %dx
        incw    %dx
        movl    %ecx, %eax
        outb    %al, %dx
        incw    %dx
        shrl    $8, %eax
        outb    %al, %dx
        incw    %dx
        shrl    $8, %eax
        outb    %al, %dx
        incw    %dx
        shrl    $8, %eax
        andb    $0x0F, %al
        orb     $0xE0, %al
        outb    %al, %dx
        incw    %dx
        movw    %si, %ax
        outb    %al, %dx
        call    wait_disk
        testb   $0x01, %al
        jnz     8f
        movw    $256, %cx
        movw    $PORT_ATA_DATA, %dx
        andw    $0xFF, %si
        cmpw    $0x20, %si
        je      1f
        cmpw    $0x30, %si
        jne     7f
        movw    %di, %si
        rep     outsw   %es:(%si), %dx
        movw    %si, %di
        call    wait_disk
        testb   $0x01, %al
        jnz     8f
        jmp     7f
1:      rep     insw    %dx, %es:(%di)
7:      call    end_command
        movw    %sp, %bx
        movw    %di, %ss:(%bx)
        popal
        clc
        ret
8:      call    end_command
        popal
        stc
        ret

// AL: the status, once the disk is not busy. Changes DX.
wait_disk:
        movw    $PORT_ATA_CONTROL, %dx
1:      inb     %dx, %al
        testb   $0x80, %al
        jnz     1b
        ret

// Takes the interrupt back and lets the next one through.
end_command:
        movw    $PORT_ATA_STATUS, %dx
        inb     %dx, %al
        movw    $PORT_ATA_CONTROL, %dx
        movb    $0, %al
        outb    %al, %dx
        ret
