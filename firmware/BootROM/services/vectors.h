// Where the interrupt vectors lead, in segment F000h, for the loader to write them: 00h to 77h.

        .balign 2
        .globl  pagewalk_boot_rom_vectors
pagewalk_boot_rom_vectors:
        .rept   8
        .word   OFFSET(ignore)          // 00h: the processor's own
        .endr
        .word   OFFSET(irq0), OFFSET(irq1)
        .rept   6
        .word   OFFSET(ignore_irq)      // 0Ah
        .endr
        .word   OFFSET(int10), OFFSET(int11), OFFSET(int12), OFFSET(int13)
        .word   OFFSET(ignore), OFFSET(int15), OFFSET(int16), OFFSET(ignore)
        .word   OFFSET(int18), OFFSET(int19), OFFSET(int1a), OFFSET(ignore)
        .rept   0x70 - 0x1C
        .word   OFFSET(ignore)
        .endr
        .rept   8
        .word   OFFSET(ignore_irq2)     // 70h
        .endr
