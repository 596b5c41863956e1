/* One guest that is built in three ways, for comparing traces of two builds: as it is; with more code and more data in front of
 * its own (padding.c), so that everything lies elsewhere and does the same; and with that and a change that a test must find.
 *
 * Its first tables lie in the image, all others in frames that it allocates behind the image. */

#include <stdbool.h>

#include "console.h"
#include "exceptions.h"
#include "machine.h"
#include "multiboot.h"
#include "paging.h"

#define WINDOW 0x40000000u
#define PAGE(i) (WINDOW + (i) * PAGE_SIZE)
/* All memory that the guest uses is mapped to itself, page by page. */
#define IDENTITY_PAGES 1024u

/* CHANGED: the pages of the window can't be written any more. */
#ifdef CHANGED
#define WINDOW_RIGHTS P
#else
#define WINDOW_RIGHTS (P | W)
#endif

_Alignas(32) pae_entry pdpt[4];
PAGE_ALIGNED pae_entry low_directory[512], window_directory[512];
uint32_t next_frame, faults;
extern char image_end[];

static uint32_t allocate(void) {
  uint32_t frame = next_frame;
  next_frame += PAGE_SIZE;
  for (uint32_t i = 0; i < PAGE_SIZE / 4; i++)
    ((volatile uint32_t *)frame)[i] = 0;
  return frame;
}

static pae_entry *entry_of(pae_entry *directory, uint32_t address) {
  pae_entry *pde = &directory[address >> 21 & 511];
  if (!(*pde & P))
    *pde = allocate() | P | W;
  return (pae_entry *)((uint32_t)*pde & ~(PAGE_SIZE - 1)) + (address >> 12 & 511);
}

__attribute__((noinline)) static void map(uint32_t address, uint32_t frame, uint32_t rights) {
  *(volatile pae_entry *)entry_of(window_directory, address) = frame | rights;
}

__attribute__((noinline)) static void unmap(uint32_t address) {
  *(volatile pae_entry *)entry_of(window_directory, address) = 0;
  invlpg((void *)address);
}

/* Pages of the window come when they are touched. */
void handle_exception(struct exception_frame *frame) {
  uint32_t address = read_cr2();
  if (frame->vector != VECTOR_PF || address < WINDOW || address >= PAGE(512))
    die_of_exception(frame);
  faults++;
  map(address, allocate(), P | W);
}

__attribute__((noinline)) static uint32_t touch_all(uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++)
    sum += *(volatile uint32_t *)PAGE(i);
  return sum;
}

int guest_main(uint32_t magic, const struct multiboot_info *info) {
  (void)info;
  if (magic != MULTIBOOT_BOOT_MAGIC || !(cpuid(1).edx & CPUID_PAE))
    return 1;
  next_frame = ((uint32_t)image_end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
  for (uint32_t i = 0; i < IDENTITY_PAGES; i++)
    *entry_of(low_directory, i * PAGE_SIZE) = i * PAGE_SIZE | P | W;
  pdpt[0] = physical(low_directory) | P;
  pdpt[1] = physical(window_directory) | P;
  write_cr4(read_cr4() | CR4_PAE);
  write_cr3(physical(pdpt));
  write_cr0(read_cr0() | CR0_PG | CR0_WP);

  for (uint32_t i = 0; i < 8; i++)
    map(PAGE(i), allocate(), WINDOW_RIGHTS);
  uint32_t sum = touch_all(8);
  unmap(PAGE(2));
  unmap(PAGE(5));
  sum += touch_all(10);
  write_cr3(physical(pdpt));
  sum += touch_all(12);
  print(sum == 0 && faults == 6 ? "rebuilt: ok\n" : "rebuilt: wrong\n");
  return sum != 0 || faults != 6;
}
