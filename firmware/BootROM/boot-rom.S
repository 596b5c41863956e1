        .section .rodata
        .globl  pagewalk_boot_rom, pagewalk_boot_rom_end
pagewalk_boot_rom:
        .code16
        hlt
pagewalk_boot_rom_end:
        .section .note.GNU-stack,"",@progbits
