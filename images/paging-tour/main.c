/* Walks through the stops, compares what came with what the manual says, and prints a line for each. */

#include <string.h>

#include "console.h"
#include "multiboot.h"

#include "tour.h"

enum { NAME_WIDTH = 42, OUTCOME_WIDTH = 12 };

/* How to say what a machine hasn't got, by setup bit. */
static const struct {
  unsigned setup;
  const char *reason;
} reasons[] = {
  {PAE, "no PAE"}, {PSE, "no PSE"},      {PGE, "no global pages"},
  {NXE, "no NX"},  {PSE36, "no PSE-36"}, {ABOVE4G, "no RAM at 4 GiB"},
};

static bool has_ram_at_4g(const struct multiboot_info *info) {
  if (!(info->flags & MULTIBOOT_HAS_MMAP))
    return false;
  for (uint32_t at = info->mmap_addr, end = at + info->mmap_length; at < end;) {
    const struct multiboot_mmap_entry *entry = (const void *)at;
    if (entry->type == MULTIBOOT_MMAP_AVAILABLE && entry->base <= HIGH_FRAME &&
        entry->base + entry->length >= HIGH_FRAME + PAGE_SIZE)
      return true;
    at += entry->size + sizeof entry->size;
  }
  return false;
}

static unsigned find_lacking(const struct multiboot_info *info) {
  uint32_t features = cpuid(1).edx;
  return (features & CPUID_PAE ? 0 : PAE) | (features & CPUID_PSE ? 0 : PSE) | (features & CPUID_PGE ? 0 : PGE) |
         (features & CPUID_PSE36 ? 0 : PSE36) | (has_ram_at_4g(info) ? 0 : ABOVE4G) |
         (cpuid_extended_edx(0x80000001) & CPUID_NX ? 0 : NXE);
}

/* Entries as the processor sees them --------------------------------------------------------------------------- */

struct entries {
  pae_entry pde, pte, next_pte;
};

static struct entries entries_of(const struct stop *stop) {
  if (stop->setup & PAE)
    return (struct entries){window_directory[0], window_table[0], window_table[1]};
  return (struct entries){directory32[VA >> 22], window_table32[0], window_table32[1]};
}

static bool is_large(const struct stop *stop) { return (stop->pde & PS) && (stop->setup & (PAE | PSE)); }
static bool is_write(const struct stop *stop) { return stop->access == WRITE || stop->access == USER_WRITE; }
static bool is_read(const struct stop *stop) { return stop->access == READ || stop->access == USER_READ; }

/* Checks --------------------------------------------------------------------------------------------------------- */

/* A and D after the access; the rules are in stops.c. */
static const char *check_entries(const struct stop *stop, struct entries before, struct outcome outcome) {
  struct entries now = entries_of(stop);
  if (stop->access == LOAD_CR3)
    return NULL;

  pae_entry leaf = is_large(stop) ? now.pde : now.pte;
  if (outcome.vector != VECTOR_DONE) {
    bool in_next = stop->fault_offset == PAGE_SIZE;
    pae_entry old_leaf = is_large(stop) ? before.pde : before.pte;
    bool new_dirty = in_next ? ~before.next_pte & now.next_pte & D : ~old_leaf & leaf & D;
    return new_dirty ? "D set by an access that faulted" : NULL;
  }
  if (!(now.pde & A) || !(leaf & A))
    return "A not set";
  if (is_write(stop) != !!(leaf & D))
    return is_write(stop) ? "D not set" : "D set without a write";
  if (!is_large(stop) && (now.pde & D))
    return "D set in a PDE that maps no page";
  if (stop->next_pte && (!(now.next_pte & A) || is_write(stop) != !!(now.next_pte & D)))
    return "A or D wrong in the second page";
  return NULL;
}

/* Data: what a read saw, what a write left. Paging is off. */
static const char *check_data(const struct stop *stop, struct outcome outcome) {
  const uint8_t *frame = is_large(stop) ? (const uint8_t *)LARGE_FRAME : frame_a;
  uint32_t mark = is_large(stop) ? MARK_LARGE : MARK_A, found;
  if (outcome.vector != VECTOR_DONE) {
    uint32_t low, high;
    memcpy(&low, frame_b, sizeof low);
    memcpy(&high, frame_a, sizeof high);
    bool intact = low == MARK_B && high == MARK_A && frame_a[LAST_TWO] == MOV_EAX && !frame_a[LAST_TWO + 1];
    return intact ? NULL : "written in spite of the fault";
  }
  if (is_read(stop) && outcome.value != mark)
    return "read from the wrong frame";
  memcpy(&found, frame + stop->offset, sizeof found);
  return is_write(stop) && found != WRITTEN ? "not written" : NULL;
}

static const char *check_outcome(const struct stop *stop, struct outcome outcome) {
  if (outcome.vector != stop->expected.vector || outcome.error_code != stop->expected.error_code)
    return "another outcome";
  uint32_t address = VA + (stop->fault_offset ? stop->fault_offset : stop->offset);
  return outcome.vector == VECTOR_PF && outcome.cr2 != address ? "wrong CR2" : NULL;
}

/* The report ----------------------------------------------------------------------------------------------------- */

static void print_outcome(uint32_t vector, uint32_t error_code) {
  char text[OUTCOME_WIDTH] = "#PF -----";
  if (vector == VECTOR_DONE) {
    print_padded("no fault", OUTCOME_WIDTH);
    return;
  }
  if (vector != VECTOR_PF) {
    bool gp = vector == VECTOR_GP;
    print(gp ? "#GP " : "vector ");
    print_hex(gp ? error_code : vector, 2);
    print_padded("", OUTCOME_WIDTH - (gp ? 6 : 9));
    return;
  }
  for (unsigned bit = 0; bit < 5; bit++)
    if (error_code & 1u << bit)
      text[4 + bit] = "PWURI"[bit];
  print_padded(text, OUTCOME_WIDTH);
}

static void print_accessed_dirty(pae_entry entry) {
  print_char(entry & A ? 'A' : '-');
  print_char(entry & D ? 'D' : '-');
  print_char(' ');
}

static void print_head(void) {
  print_padded("case", NAME_WIDTH);
  print_padded("mode", 8);
  print_padded("expected", OUTCOME_WIDTH);
  print_padded("came", OUTCOME_WIDTH);
  print("CR2       PDE PTE\n");
}

static void print_stop(const struct stop *stop) {
  print_padded(stop->name, NAME_WIDTH);
  print_padded(stop->setup & PAE ? "PAE" : "32-bit", 8);
  print_outcome(stop->expected.vector, stop->expected.error_code);
}

/* One stop --------------------------------------------------------------------------------------------------- */

static struct outcome make_access(const struct stop *stop) {
  static void (*const accesses[])(void) = {probe_read, probe_write, probe_fetch};
  if (stop->access == LOAD_CR3)
    return probe(probe_load_cr3, physical(other_pdpt), 0, SUPERVISOR);
  bool user = stop->access >= USER_READ;
  return probe(accesses[stop->access - (user ? USER_READ : READ)], VA + stop->offset, WRITTEN,
               user ? USER : SUPERVISOR);
}

/* The name is the debugger's and the reader's way in: break here, and stop->name says where the tour is. */
static __attribute__((noinline)) bool visit(const struct stop *stop) {
  print_stop(stop);

  enter_paging(stop);
  if (stop->before)
    stop->before();
  struct entries before = entries_of(stop);
  struct outcome outcome = make_access(stop);
  struct entries now = entries_of(stop);
  const char *complaint = check_outcome(stop, outcome);
  if (!complaint)
    complaint = check_entries(stop, before, outcome);
  const char *remark = "";
  if (!complaint && stop->after) {
    struct verdict verdict = stop->after(outcome);
    if (verdict.ok)
      remark = verdict.remark;
    else
      complaint = verdict.remark;
  }
  leave_paging();
  if (!complaint && !stop->after)
    complaint = check_data(stop, outcome);

  print_outcome(outcome.vector, outcome.error_code);
  if (outcome.vector == VECTOR_PF)
    print_hex(outcome.cr2, 8);
  else
    print("--------");
  print("  ");
  print_accessed_dirty(now.pde);
  print_char(' ');
  print_accessed_dirty(now.pte);
  print_char(' ');
  print(complaint ? "FAIL" : "ok");
  if (complaint)
    remark = complaint;
  if (*remark)
    print(": ");
  print(remark);
  print("\n");
  return !complaint;
}

int guest_main(uint32_t magic, const struct multiboot_info *info) {
  if (magic != MULTIBOOT_BOOT_MAGIC) {
    print("paging-tour: not entered by a Multiboot loader\n");
    return 1;
  }
  unsigned lacking = find_lacking(info);
  print("Every kind of page fault. Error code: P protection, W write, U ring 3, R reserved bit, I fetch;\n");
  print("A and D are what the processor made of the entries. Physical addresses have ");
  print_decimal(physical_address_width());
  print(" bits.\n\n");
  print_head();
  if (!(lacking & (PAE | ABOVE4G)))
    mark_high_frame();

  unsigned ok = 0, failed = 0, skipped = 0;
  for (const struct stop *stop = stops; stop < stops + stop_count; stop++) {
    unsigned missing = stop->setup & lacking;
    if (missing) {
      print_stop(stop);
      print("skipped:");
      for (unsigned i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (missing & reasons[i].setup) {
          print(" ");
          print(reasons[i].reason);
        }
      print("\n");
      skipped++;
    } else if (visit(stop))
      ok++;
    else
      failed++;
  }
  print("\npaging-tour: ");
  print_decimal(stop_count);
  print(" cases, ");
  print_decimal(ok);
  print(" ok, ");
  print_decimal(failed);
  print(" failed, ");
  print_decimal(skipped);
  print(" skipped\n");
  return failed ? 1 : 0;
}
