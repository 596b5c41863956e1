#include "bug.h"

#include "multiboot.h"

_Alignas(32) pae_entry pdpt[4], other_pdpt[4];
PAGE_ALIGNED pae_entry low_directory[512];
PAGE_ALIGNED pae_entry directory_old[512], table_old[512], directory_new[512], table_new[512];
PAGE_ALIGNED uint32_t frames_old[PAGES][1024], frames_new[PAGES][1024];
volatile bool faulted;

__asm__(".globl va\n.set va, 0x40000000");
_Static_assert(VA == 0x40000000u, "va is spelled out above");

__attribute__((noinline)) uint32_t stale_read(uint32_t address) {
  uint32_t value;
  __asm__ volatile(".globl stale_use, after_use\nstale_use: movl (%1), %0\nafter_use:" : "=r"(value) : "r"(address) : "memory");
  return value;
}

__attribute__((noinline)) void stale_write(uint32_t address, uint32_t value) {
  __asm__ volatile(".globl stale_store, after_store\nstale_store: movl %1, (%0)\nafter_store:" : : "r"(address), "r"(value) : "memory");
}

extern const char stale_use[], after_use[], stale_store[], after_store[];

__attribute__((weak)) bool handles(struct exception_frame *frame) {
  (void)frame;
  return false;
}

void handle_exception(struct exception_frame *frame) {
  if (handles(frame))
    return;
  if (frame->vector == VECTOR_PF && frame->eip == (uint32_t)stale_use)
    frame->eip = (uint32_t)after_use;
  else if (frame->vector == VECTOR_PF && frame->eip == (uint32_t)stale_store)
    frame->eip = (uint32_t)after_store;
  else
    die_of_exception(frame);
  faulted = true;
}

static void say(const char *what) {
  print(bug_name);
  print(", used: ");
  print(what);
  print("\n");
}

void report_value(uint32_t value) {
  bool stale = value == OLD;
  say(stale ? "old translation (stale)" : value == NEW ? "new translation" : "neither");
  exit_guest(value == OLD || value == NEW ? 0 : 1);
}

void report_fault(bool has_faulted) {
  say(has_faulted ? "new translation (page fault)" : "old translation (stale)");
  exit_guest(0);
}

int guest_main(uint32_t magic, const struct multiboot_info *info) {
  (void)info;
  if (magic != MULTIBOOT_BOOT_MAGIC || !(cpuid(1).edx & CPUID_PAE))
    return 1;
  for (uint32_t i = 0; i < PAGES; i++) {
    frames_old[i][0] = OLD;
    frames_new[i][0] = NEW;
  }
  for (uint32_t i = 0; i < 512; i++) {
    table_old[i] = physical(frames_old[i % PAGES]) | P | W;
    table_new[i] = physical(frames_new[i % PAGES]) | P | W;
  }
  directory_old[0] = physical(table_old) | P | W;
  directory_new[0] = physical(table_new) | P | W;
  for (uint32_t i = 0; i < 4; i++)
    low_directory[i] = (pae_entry)i << 21 | P | W | PS;
  pdpt[0] = other_pdpt[0] = physical(low_directory) | P;
  pdpt[1] = physical(directory_old) | P;
  other_pdpt[1] = physical(directory_new) | P;
  write_cr4(read_cr4() | CR4_PAE | CR4_PGE);
  write_cr3(physical(pdpt));
  write_cr0(read_cr0() | CR0_PG | CR0_WP);
  bug();
  return 1;
}
