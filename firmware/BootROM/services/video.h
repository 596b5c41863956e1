// INT 10h: the screen. Mode 3 is all there is, with its first page: 80 columns of 25 rows.

#define COLUMNS             80
#define ROWS                25
#define PORT_CRTC           0x3D4
#define BDA_CURSOR          0x50    // of page 0: column, row
#define BDA_CURSOR_SHAPE    0x60
#define BDA_VIDEO_MODE      0x49

int10:
        enter_service
        movw    $SCREEN_SEGMENT, %ax
        movw    %ax, %es
        dispatch int10_functions, 0x1A, leave_service
int10_functions:
        .word   OFFSET(set_mode), OFFSET(set_cursor_shape), OFFSET(set_cursor), OFFSET(get_cursor)
        .word   OFFSET(leave_service), OFFSET(leave_service), OFFSET(scroll_window_up), OFFSET(scroll_window_down)
        .word   OFFSET(read_cell), OFFSET(write_cells), OFFSET(write_characters), OFFSET(leave_service)
        .word   OFFSET(leave_service), OFFSET(leave_service), OFFSET(teletype), OFFSET(get_mode)
        .word   OFFSET(leave_service), OFFSET(font_information), OFFSET(adapter_information), OFFSET(write_string)
        .word   OFFSET(leave_service), OFFSET(leave_service), OFFSET(leave_service), OFFSET(leave_service)
        .word   OFFSET(leave_service), OFFSET(leave_service), OFFSET(display_combination)

// 00h: any mode is mode 3. Bit 7 leaves the screen as it is.
set_mode:
        testb   $0x80, R_AL(%bp)
        jnz     1f
        xorw    %di, %di
        movw    $COLUMNS * ROWS, %cx
        movw    $0x0720, %ax
        rep     stosw
1:      movb    $3, BDA_VIDEO_MODE
        movb    $0x30, R_AL(%bp)
        xorw    %dx, %dx
        call    move_cursor
        movw    $0x0D0E, %cx
        jmp     2f

// 01h: CH is the first line, CL the last.
set_cursor_shape:
        movw    R_CX(%bp), %cx
2:      movw    %cx, BDA_CURSOR_SHAPE
        movw    $PORT_CRTC, %dx
        movb    $0x0A, %al
        movb    %ch, %ah
        outw    %ax, %dx
        movb    $0x0B, %al
        movb    %cl, %ah
        outw    %ax, %dx
        jmp     leave_service

// 02h: to row DH, column DL.
set_cursor:
        movw    R_DX(%bp), %dx
        call    move_cursor
        jmp     leave_service

// 03h
get_cursor:
        movw    BDA_CURSOR, %ax
        movw    %ax, R_DX(%bp)
        movw    BDA_CURSOR_SHAPE, %ax
        movw    %ax, R_CX(%bp)
        jmp     leave_service

// 06h, 07h: AL rows of the window CH, CL to DH, DL, filled up with attribute BH; AL = 0 clears it.
scroll_window_up:
        call    load_window
        jc      leave_service
        call    scroll_up
        jmp     leave_service
scroll_window_down:
        call    load_window
        jc      leave_service
        movb    %ch, %ah
        movb    %dh, %ch
1:      movb    %ch, %dl
        subb    %al, %dl
        jb      2f
        cmpb    %ah, %dl
        jae     3f
2:      movb    $0xFF, %dl
3:      call    move_row
        cmpb    %ah, %ch
        je      leave_service
        decb    %ch
        jmp     1b

// 08h
read_cell:
        call    cursor_place
        movw    %es:(%di), %ax
        movw    %ax, R_AX(%bp)
        jmp     leave_service

// 09h, 0Ah: CX times the character AL at the cursor, which stays; with attribute BL, or with those that are there.
write_cells:
        call    cells_to_write
        movb    R_BL(%bp), %ah
        rep     stosw
        jmp     leave_service
write_characters:
        call    cells_to_write
        testw   %cx, %cx
        jz      leave_service
1:      stosb
        incw    %di
        loop    1b
        jmp     leave_service

// 0Eh
teletype:
        movb    R_AL(%bp), %al
        call    type_character
        jmp     leave_service

// 0Fh
get_mode:
        movb    BDA_VIDEO_MODE, %al
        movb    $COLUMNS, %ah
        movw    %ax, R_AX(%bp)
        movb    $0, R_BH(%bp)
        jmp     leave_service

// 11h: the font in use has 16 lines; there is none in memory to point to.
font_information:
        cmpb    $0x30, R_AL(%bp)
        jne     leave_service
        movw    $16, R_CX(%bp)
        movb    $ROWS - 1, R_DL(%bp)
        jmp     leave_service

// 12h, BL = 10h: colour, 256 KiB.
adapter_information:
        cmpb    $0x10, R_BL(%bp)
        jne     leave_service
        movw    $0x0003, R_EBX(%bp)
        movw    $0x0009, R_CX(%bp)
        jmp     leave_service

// 13h: CX characters at ES:BP, from row DH, column DL on. AL bit 0: the cursor moves; bit 1: an attribute follows each character.
write_string:
        pushw   BDA_CURSOR
        movw    R_DX(%bp), %dx
        call    move_cursor
        movw    R_CX(%bp), %cx
        jcxz    5f
        movw    12(%bp), %si            // the caller's BP
1:      pushw   %ds
        movw    R_ES(%bp), %ds
        lodsb
        movb    R_BL(%bp), %ah
        testb   $2, R_AL(%bp)
        jz      2f
        movb    (%si), %ah
        incw    %si
2:      popw    %ds
        cmpb    $0x0D, %al
        ja      3f
        cmpb    $0x07, %al
        jae     4f
3:      pushw   %ax
        call    cursor_place
        popw    %ax
        movb    %ah, %es:1(%di)
4:      call    type_character
        loop    1b
5:      popw    %dx
        testb   $1, R_AL(%bp)
        jnz     leave_service
        call    move_cursor
        jmp     leave_service

// 1Ah: a VGA in colour.
display_combination:
        cmpb    $0, R_AL(%bp)
        jne     leave_service
        movb    $0x1A, R_AL(%bp)
        movw    $0x0008, R_EBX(%bp)
        jmp     leave_service

// MARK: What they are made of. DS is the data area, ES the screen.

// To row DH, column DL. Changes AX, BX, DX.
move_cursor:
        movw    %dx, BDA_CURSOR
        movb    %dh, %al
        movb    $COLUMNS, %ah
        mulb    %ah
        movzbw  %dl, %bx
        addw    %ax, %bx
        movw    $PORT_CRTC, %dx
        movb    $0x0E, %al
        movb    %bh, %ah
        outw    %ax, %dx
        movb    $0x0F, %al
        movb    %bl, %ah
        outw    %ax, %dx
        ret

// DI: where the cursor stands in the screen's memory. Changes AX.
cursor_place:
        movb    BDA_CURSOR + 1, %al
        movb    $COLUMNS, %ah
        mulb    %ah
        movzbw  BDA_CURSOR, %di
        addw    %ax, %di
        addw    %di, %di
        ret

// CX cells from the cursor on, no more than there are; AL the character.
cells_to_write:
        call    cursor_place
        movw    $COLUMNS * ROWS * 2, %cx
        subw    %di, %cx
        jae     1f
        xorw    %cx, %cx
1:      shrw    $1, %cx
        cmpw    R_CX(%bp), %cx
        jbe     2f
        movw    R_CX(%bp), %cx
2:      movb    R_AL(%bp), %al
        ret

// The character AL as a terminal shows it. Changes AX, BX, DX, DI.
type_character:
        movw    BDA_CURSOR, %dx
        cmpb    $0x07, %al
        je      9f
        cmpb    $0x08, %al
        je      2f
        cmpb    $0x0A, %al
        je      3f
        cmpb    $0x0D, %al
        je      1f
        movb    %al, %bl
        call    cursor_place
        movb    %bl, %es:(%di)
        incb    %dl
        cmpb    $COLUMNS, %dl
        jb      4f
        incb    %dh
1:      movb    $0, %dl
        jmp     4f
2:      subb    $1, %dl
        adcb    $0, %dl
        jmp     4f
3:      incb    %dh
4:      cmpb    $ROWS, %dh
        jb      5f
        movb    $ROWS - 1, %dh
        pushw   %dx
        pushw   %cx
        movb    %es:(COLUMNS * ROWS * 2 - 1), %bh
        movb    $COLUMNS, %bl
        movb    $1, %al
        xorw    %cx, %cx
        movb    $ROWS - 1, %dh
        call    scroll_up
        popw    %cx
        popw    %dx
5:      call    move_cursor
9:      ret

// AL rows, BH attribute, CH CL to DH, BL columns. Carry for a window without cells.
load_window:
        movb    R_AL(%bp), %al
        movb    R_BH(%bp), %bh
        movw    R_CX(%bp), %cx
        movw    R_DX(%bp), %dx
        cmpb    $ROWS, %dh
        jb      1f
        movb    $ROWS - 1, %dh
1:      cmpb    $COLUMNS, %dl
        jb      2f
        movb    $COLUMNS - 1, %dl
2:      cmpb    %ch, %dh
        jb      9f
        subb    %cl, %dl
        jb      9f
        movb    %dl, %bl
        incb    %bl
        cmpb    $ROWS, %al
        ja      3f
        cmpb    $0, %al
        jne     4f
3:      movb    $ROWS, %al
4:      clc
9:      ret

// The window that load_window gives. Changes CH, DL.
scroll_up:
        movb    %ch, %dl
        addb    %al, %dl
        cmpb    %dh, %dl
        jbe     1f
        movb    $0xFF, %dl
1:      call    move_row
        incb    %ch
        cmpb    %dh, %ch
        jbe     scroll_up
        ret

// Row CH from column CL on, BL columns, gets what row DL has; blanks of attribute BH for FFh.
move_row:
        pushaw
        movb    %ch, %al
        call    row_place
        cmpb    $0xFF, %dl
        je      1f
        pushw   %di
        movb    %dl, %al
        call    row_place
        movw    %di, %si
        popw    %di
        movzbw  %bl, %cx
        rep     movsw   %es:(%si), %es:(%di)
        popaw
        ret
1:      movzbw  %bl, %cx
        movb    $0x20, %al
        movb    %bh, %ah
        rep     stosw
        popaw
        ret

// DI: row AL, column CL. Changes AX.
row_place:
        movb    $COLUMNS, %ah
        mulb    %ah
        movzbw  %cl, %di
        addw    %ax, %di
        addw    %di, %di
        ret
