/* Multiboot 1: what a guest tells its loader (the header) and what the loader tells the guest (the info).
 * Source: The Multiboot Specification, version 0.6.96, sections 3.1 and 3.3. Used from assembly and C. */

#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#define MULTIBOOT_HEADER_MAGIC 0x1BADB002 /* first word of the header, in the first 8 KiB of the file */
#define MULTIBOOT_BOOT_MAGIC 0x2BADB002   /* in EAX when the guest is entered */

/* Header flags. */
#define MULTIBOOT_WANT_MEMORY 0x00000002 /* fill in the memory fields of the info */

/* Info flags: which fields are valid. */
#define MULTIBOOT_HAS_MEMORY 0x00000001  /* mem_lower, mem_upper */
#define MULTIBOOT_HAS_CMDLINE 0x00000004 /* cmdline */
#define MULTIBOOT_HAS_MMAP 0x00000040    /* mmap_length, mmap_addr */

/* Byte offsets of the info's fields, for assembly. */
#define MULTIBOOT_INFO_FLAGS 0
#define MULTIBOOT_INFO_CMDLINE 16
#define MULTIBOOT_INFO_MMAP_LENGTH 44
#define MULTIBOOT_INFO_MMAP_ADDR 48

/* Byte offsets in an entry of the memory map. `size` doesn't count itself. */
#define MULTIBOOT_MMAP_SIZE 0
#define MULTIBOOT_MMAP_BASE 4
#define MULTIBOOT_MMAP_LENGTH 12
#define MULTIBOOT_MMAP_TYPE 20
#define MULTIBOOT_MMAP_AVAILABLE 1 /* the one type that means usable RAM */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct multiboot_info {
  uint32_t flags;
  uint32_t mem_lower, mem_upper; /* KiB below 640 KiB, KiB above 1 MiB up to the first hole */
  uint32_t boot_device;
  uint32_t cmdline; /* physical address of a NUL-terminated string */
  uint32_t mods_count, mods_addr;
  uint32_t syms[4];
  uint32_t mmap_length, mmap_addr;
};

struct multiboot_mmap_entry {
  uint32_t size;
  uint64_t base, length;
  uint32_t type;
} __attribute__((packed));

#endif
#endif
