#ifndef PAGEWALK_BOOT_ROM_H
#define PAGEWALK_BOOT_ROM_H

/// The boot ROM's bytes, in the order in which they lie below 4 GiB; the last one is at FFFFFFFFh.
extern const unsigned char pagewalk_boot_rom[];
extern const unsigned char pagewalk_boot_rom_end[];

#endif
