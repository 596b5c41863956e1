#ifndef PAGEWALK_BOOT_ROM_H
#define PAGEWALK_BOOT_ROM_H

/// The boot ROM's size in bytes; its last byte is at FFFFFFFFh. The PC shows the same bytes at F0000h-FFFFFh.
#define PAGEWALK_BOOT_ROM_SIZE 0x10000

/// Where the hand-over block lies in the image. The loader writes it before the ROM is mapped.
#define PAGEWALK_HANDOVER_OFFSET 0xFF80

/// The block's first eight bytes, "PAGEWALK", by which a loader knows that ROM and loader agree on the layout.
#define PAGEWALK_HANDOVER_SIGNATURE_SIZE 8

/// The doublewords that follow the signature, in order.
#define PAGEWALK_HANDOVER_ENTRY 0
#define PAGEWALK_HANDOVER_EAX 1
#define PAGEWALK_HANDOVER_EBX 2
#define PAGEWALK_HANDOVER_ESI 3

#ifndef __ASSEMBLER__

/// The boot ROM's bytes, in the order in which they lie below 4 GiB.
extern const unsigned char pagewalk_boot_rom[];
extern const unsigned char pagewalk_boot_rom_end[];
/// The doubleword in the ROM's code that is loaded into ESP.
extern const unsigned char pagewalk_boot_rom_stack[];
/// A word for each interrupt vector from 00h to 77h: where in segment F000h it leads.
extern const unsigned char pagewalk_boot_rom_vectors[];
/// Where a start without a kernel begins.
extern const unsigned char pagewalk_boot_rom_post[];

/// The same bytes as a pointer: Swift does not import an array of unknown length.
static inline const unsigned char *pagewalk_boot_rom_bytes(void) { return pagewalk_boot_rom; }

/// The number of bytes assembled, which is PAGEWALK_BOOT_ROM_SIZE.
static inline unsigned long pagewalk_boot_rom_length(void) {
  return (unsigned long)(pagewalk_boot_rom_end - pagewalk_boot_rom);
}

/// The offset of the doubleword that is loaded into ESP.
static inline unsigned long pagewalk_boot_rom_stack_offset(void) {
  return (unsigned long)(pagewalk_boot_rom_stack - pagewalk_boot_rom);
}

/// The offset of the interrupt vectors' words.
static inline unsigned long pagewalk_boot_rom_vectors_offset(void) {
  return (unsigned long)(pagewalk_boot_rom_vectors - pagewalk_boot_rom);
}

/// The offset of where a start without a kernel begins.
static inline unsigned long pagewalk_boot_rom_post_offset(void) {
  return (unsigned long)(pagewalk_boot_rom_post - pagewalk_boot_rom);
}

#endif
#endif
