/* The stops of the tour. To add one, add a row: everything else follows from it. Where a row needs something done
 * before the access or looked at after it, the functions are above the table.
 *
 * Every stop is checked without saying so for: CR2 is the address that faulted; a read saw the right frame and a
 * write reached it; a fault left both frames as they were and set no D; A is set in every entry used, D in the leaf
 * of a write alone. Rules from SDM vol. 3A, 4.3 to 4.10. */

#include "tour.h"

/* A verdict that has something to say only when it is a complaint. */
static struct verdict demand(bool ok, const char *complaint) {
  return (struct verdict){ok, ok ? "" : complaint};
}

static uint32_t look(void) { return *(volatile uint32_t *)VA; }

static bool dirty_after_read;

static void look_at_dirty(void) {
  look();
  dirty_after_read = window_table[0] & D;
}

static struct verdict dirty_came_with_write(struct outcome outcome) {
  (void)outcome;
  return demand(!dirty_after_read && (window_table[0] & D), "D set by the read");
}

/* Page-table edits behind the TLB's back --------------------------------------------------------------------- */

static void read_then_move_to_b(void) {
  look();
  window_table[0] = physical(frame_b) | (window_table[0] & (PAGE_SIZE - 1));
}

static void move_to_b_reload_cr3(void) {
  read_then_move_to_b();
  write_cr3(read_cr3());
}

static void move_to_b_invlpg(void) {
  read_then_move_to_b();
  invlpg((void *)VA);
}

static void move_to_b_toggle_pge(void) {
  read_then_move_to_b();
  write_cr4(read_cr4() ^ CR4_PGE);
  write_cr4(read_cr4() ^ CR4_PGE);
}

/* After these the new frame must be seen. */
static struct verdict sees_b(struct outcome outcome) { return demand(outcome.value == MARK_B, "old frame still used"); }

/* A TLB may keep an entry or have dropped it: both are right, and it is worth knowing which. */
static struct verdict sees_either(struct outcome outcome) {
  if (outcome.value == MARK_A)
    return (struct verdict){true, "entry kept"};
  return (struct verdict){outcome.value == MARK_B, "entry dropped early"};
}

static void read_then_revoke_and_restore(void) {
  look();
  window_table[0] &= ~(pae_entry)P;
  invlpg((void *)VA);
  probe(probe_read, VA, 0, SUPERVISOR); /* a fault; not-present entries are never kept, */
  window_table[0] |= P;                 /* so this needs no INVLPG */
}

/* PDPTE registers -------------------------------------------------------------------------------------------- */

static void clear_pdpte_in_memory(void) {
  pdpt[1] = 0;
  invlpg((void *)VA);
}

/* In memory VA's PDPTE leads to frame B now; the register doesn't know. The INVLPGs below make the access walk. */
static void move_pdpte_to_b(void) {
  look();
  pdpt[1] = other_pdpt[1];
}

static void move_pdpte_toggle_wp(void) {
  move_pdpte_to_b();
  write_cr0(read_cr0() ^ CR0_WP);
  write_cr0(read_cr0() ^ CR0_WP);
  invlpg((void *)VA);
}

/* Whichever of the caching bits the loader left: NW without CD is not a valid setting. */
static void move_pdpte_toggle_caching(void) {
  move_pdpte_to_b();
  uint32_t old = read_cr0();
  write_cr0((old & (CR0_CD | CR0_NW)) == CR0_CD ? old & ~CR0_CD : (old | CR0_CD) & ~CR0_NW);
  write_cr0(old);
  invlpg((void *)VA);
}

static void move_pdpte_toggle_pse(void) {
  move_pdpte_to_b();
  write_cr4(read_cr4() ^ CR4_PSE);
  write_cr4(read_cr4() ^ CR4_PSE);
  invlpg((void *)VA);
}

static void move_pdpte_reload_cr3(void) {
  move_pdpte_to_b();
  write_cr3(read_cr3());
}

static struct verdict pdpte_untouched(struct outcome outcome) {
  (void)outcome;
  return demand(pdpt[1] == (physical(window_directory) | P), "the PDPTE in memory changed");
}

static struct verdict nothing_loaded(struct outcome outcome) {
  (void)outcome;
  if (read_cr3() != physical(pdpt))
    return demand(false, "CR3 changed");
  struct outcome read = probe(probe_read, VA, 0, SUPERVISOR);
  return demand(read.vector == VECTOR_DONE && read.value == MARK_A, "a PDPTE register changed");
}

static struct verdict everything_loaded(struct outcome outcome) {
  (void)outcome;
  struct outcome read = probe(probe_read, VA, 0, SUPERVISOR);
  return demand(read.vector == VECTOR_DONE && read.value == MARK_B, "the new PDPTEs are not in force");
}

/* Large pages ------------------------------------------------------------------------------------------------ */

static struct verdict sees_high(struct outcome outcome) {
  return demand(outcome.value == MARK_HIGH, "read from the wrong frame");
}

/* Crossing accesses ------------------------------------------------------------------------------------------ */

static struct verdict both_halves_written(struct outcome outcome) {
  (void)outcome;
  bool ok = *(uint16_t *)(frame_a + LAST_TWO) == (uint16_t)WRITTEN && *(uint16_t *)frame_b == WRITTEN >> 16;
  return demand(ok, "not written as a whole");
}

static struct verdict both_halves_read(struct outcome outcome) {
  return demand(outcome.value == (MARK_B << 16 | MOV_EAX), "not read as a whole");
}

/* ------------------------------------------------------------------------------------------------------------ */

#define RW (P | W)
#define RWU (P | W | U)
#define RO (P)
#define ROU (P | U)
#define BIT(n) (1ull << (n))

const struct stop stops[] = {
  /* name                                        setup       PDPTE  PDE        PTE        access      at  expected */

  /* Not present, level by level. */
  {"PDPTE not present",                          PAE | WP,   0,     RWU,       RWU,       READ,       0, PAGE_FAULT(0)},
  {"PDE not present",                            PAE | WP,   P,     0,         RWU,       READ,       0, PAGE_FAULT(0)},
  {"PTE not present",                            PAE | WP,   P,     RWU,       0,         READ,       0, PAGE_FAULT(0)},
  {"PTE not present, write",                     PAE | WP,   P,     RWU,       0,         WRITE,      4, PAGE_FAULT(PF_W)},
  {"PTE not present, ring 3",                    PAE | WP,   P,     RWU,       0,         USER_READ,  8, PAGE_FAULT(PF_U)},
  {"PTE not present, ring 3 write",              PAE | WP,   P,     RWU,       0,         USER_WRITE, 0, PAGE_FAULT(PF_W | PF_U)},
  {"PTE not present, fetch",                     PAE | WP,   P,     RWU,       0,         FETCH,      0, PAGE_FAULT(0)},
  {"PTE not present, all other bits set",        PAE | WP,   P,     RWU,       ~1ull,     READ,       0, PAGE_FAULT(0)},
  {"PDE not present",                            WP,         0,     0,         RWU,       READ,       0, PAGE_FAULT(0)},
  {"PTE not present",                            WP,         0,     RWU,       0,         READ,       0, PAGE_FAULT(0)},
  {"PTE not present, ring 3 write",              WP,         0,     RWU,       0,         USER_WRITE, 0, PAGE_FAULT(PF_W | PF_U)},

  /* Present and allowed: what A and D become. */
  {"read sets A",                                PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT},
  {"write sets A and D",                         PAE | WP,   P,     RWU,       RWU,       WRITE,      0, NO_FAULT},
  {"ring 3 read",                                PAE | WP,   P,     RWU,       RWU,       USER_READ,  0, NO_FAULT},
  {"ring 3 write",                               PAE | WP,   P,     RWU,       RWU,       USER_WRITE, 0, NO_FAULT},
  {"ring 3 fetch",                               PAE | WP,   P,     RWU,       RWU,       USER_FETCH, RET_OFFSET, NO_FAULT},
  {"read, then write: D comes with the write",   PAE | WP,   P,     RWU,       RWU,       WRITE,      0, NO_FAULT, .before = look_at_dirty, .after = dirty_came_with_write},
  {"read sets A",                                WP,         0,     RWU,       RWU,       READ,       0, NO_FAULT},
  {"write sets A and D",                         WP,         0,     RWU,       RWU,       WRITE,      0, NO_FAULT},
  {"ring 3 write",                               WP,         0,     RWU,       RWU,       USER_WRITE, 0, NO_FAULT},

  /* Read-only pages, and the switch that decides whether ring 0 cares. */
  {"PTE read-only, write, WP=1",                 PAE | WP,   P,     RWU,       ROU,       WRITE,      0, PAGE_FAULT(PF_P | PF_W)},
  {"PDE read-only, write, WP=1",                 PAE | WP,   P,     ROU,       RWU,       WRITE,      0, PAGE_FAULT(PF_P | PF_W)},
  {"PTE read-only, write, WP=0",                 PAE,        P,     RWU,       ROU,       WRITE,      0, NO_FAULT},
  {"PTE read-only, ring 3 write, WP=1",          PAE | WP,   P,     RWU,       ROU,       USER_WRITE, 0, PAGE_FAULT(PF_P | PF_W | PF_U)},
  {"PTE read-only, ring 3 write, WP=0",          PAE,        P,     RWU,       ROU,       USER_WRITE, 0, PAGE_FAULT(PF_P | PF_W | PF_U)},
  {"PDE read-only, ring 3 write",                PAE | WP,   P,     ROU,       RWU,       USER_WRITE, 0, PAGE_FAULT(PF_P | PF_W | PF_U)},
  {"PTE read-only, write, WP=1",                 WP,         0,     RWU,       ROU,       WRITE,      0, PAGE_FAULT(PF_P | PF_W)},
  {"PTE read-only, write, WP=0",                 0,          0,     RWU,       ROU,       WRITE,      0, NO_FAULT},
  {"PDE read-only, ring 3 write, WP=0",          0,          0,     ROU,       RWU,       USER_WRITE, 0, PAGE_FAULT(PF_P | PF_W | PF_U)},

  /* Supervisor pages. */
  {"PTE supervisor, ring 3 read",                PAE | WP,   P,     RWU,       RW,        USER_READ,  0, PAGE_FAULT(PF_P | PF_U)},
  {"PDE supervisor, ring 3 read",                PAE | WP,   P,     RW,        RWU,       USER_READ,  0, PAGE_FAULT(PF_P | PF_U)},
  {"PTE supervisor, ring 3 write",               PAE | WP,   P,     RWU,       RW,        USER_WRITE, 0, PAGE_FAULT(PF_P | PF_W | PF_U)},
  {"PTE supervisor, ring 3 fetch",               PAE | WP,   P,     RWU,       RW,        USER_FETCH, RET_OFFSET, PAGE_FAULT(PF_P | PF_U)},
  {"PTE supervisor, ring 3 read",                WP,         0,     RWU,       RW,        USER_READ,  0, PAGE_FAULT(PF_P | PF_U)},
  {"PDE supervisor, ring 3 write",               WP,         0,     RW,        RWU,       USER_WRITE, 0, PAGE_FAULT(PF_P | PF_W | PF_U)},

  /* Reserved bits. In a PDPTE they are found when it is loaded; nothing may be loaded then. */
  {"MOV CR3, a PDPTE with bit 1",                PAE | WP,   P | BIT(1), RWU,  RWU,       LOAD_CR3,   0, GP, .after = nothing_loaded},
  {"MOV CR3, a PDPTE with bit 5",                PAE | WP,   P | BIT(5), RWU,  RWU,       LOAD_CR3,   0, GP, .after = nothing_loaded},
  {"MOV CR3, a PDPTE too wide",                  PAE | WP,   P | BEYOND, RWU,  RWU,       LOAD_CR3,   0, GP, .after = nothing_loaded},
  {"MOV CR3, a PDPTE with bit 63",               PAE | WP,   P | NX,     RWU,  RWU,       LOAD_CR3,   0, GP, .after = nothing_loaded},
  {"MOV CR3, the same bits, P=0",                PAE | WP,   BIT(1) | BIT(5) | NX, RWU, RWU, LOAD_CR3, 0, NO_FAULT, .after = everything_loaded},
  {"PDE too wide",                               PAE | WP,   P,     RWU | BEYOND, RWU,    READ,       0, PAGE_FAULT(PF_P | PF_R)},
  {"PTE too wide",                               PAE | WP,   P,     RWU,  RWU | BEYOND,   READ,       0, PAGE_FAULT(PF_P | PF_R)},
  {"PDE bit 62",                                 PAE | WP,   P,     RWU | BIT(62), RWU,   WRITE,      0, PAGE_FAULT(PF_P | PF_W | PF_R)},
  {"PTE bit 62, ring 3 write",                   PAE | WP,   P,     RWU,  RWU | BIT(62),  USER_WRITE, 0, PAGE_FAULT(PF_P | PF_W | PF_U | PF_R)},
  {"PTE bit 62 and supervisor, ring 3",          PAE | WP,   P,     RWU,  RW | BIT(62),   USER_READ,  0, PAGE_FAULT(PF_P | PF_U | PF_R)},
  {"PTE bit 63, NXE=0",                          PAE | WP,   P,     RWU,  RWU | NX,       READ,       0, PAGE_FAULT(PF_P | PF_R)},
  {"PDE bit 63, NXE=0, fetch",                   PAE | WP,   P,     RWU | NX, RWU,        FETCH,      0, PAGE_FAULT(PF_P | PF_R)},
  {"2M PDE bit 13",                              PAE | WP,   P,     RWU | PS | BIT(13), 0, READ,      0, PAGE_FAULT(PF_P | PF_R)},
  {"2M PDE bit 20",                              PAE | WP,   P,     RWU | PS | BIT(20), 0, WRITE,     0, PAGE_FAULT(PF_P | PF_W | PF_R)},
  {"4M PDE bit 21",                              WP | PSE,   0,     RWU | PS | BIT(21), 0, READ,      0, PAGE_FAULT(PF_P | PF_R)},

  /* No execute. */
  {"PTE no-execute, fetch",                      PAE | WP | NXE, P, RWU,       RWU | NX,  FETCH,      RET_OFFSET, PAGE_FAULT(PF_P | PF_I)},
  {"PDE no-execute, fetch",                      PAE | WP | NXE, P, RWU | NX,  RWU,       FETCH,      RET_OFFSET, PAGE_FAULT(PF_P | PF_I)},
  {"PTE no-execute, ring 3 fetch",               PAE | WP | NXE, P, RWU,       RWU | NX,  USER_FETCH, RET_OFFSET, PAGE_FAULT(PF_P | PF_U | PF_I)},
  {"PTE no-execute, read",                       PAE | WP | NXE, P, RWU,       RWU | NX,  READ,       0, NO_FAULT},
  {"PTE not present, NXE=1, fetch",              PAE | WP | NXE, P, RWU,       0,         FETCH,      0, PAGE_FAULT(PF_I)},
  {"PTE supervisor, NXE=1, ring 3 fetch",        PAE | WP | NXE, P, RWU,       RW,        USER_FETCH, RET_OFFSET, PAGE_FAULT(PF_P | PF_U | PF_I)},
  {"2M page no-execute, fetch",                  PAE | WP | NXE, P, RWU | PS | NX, 0,     FETCH,      RET_OFFSET, PAGE_FAULT(PF_P | PF_I)},
  {"MOV CR3, a PDPTE with bit 63, NXE=1",        PAE | WP | NXE, P | NX, RWU,  RWU,       LOAD_CR3,   0, GP, .after = nothing_loaded},

  /* Large pages. */
  {"2M page, PSE=0, read",                       PAE | WP,   P,     RWU | PS,  0,         READ,       0, NO_FAULT},
  {"2M page, ring 3 write",                      PAE | WP,   P,     RWU | PS,  0,         USER_WRITE, 0, NO_FAULT},
  {"2M page read-only, write",                   PAE | WP,   P,     ROU | PS,  0,         WRITE,      0x12344, PAGE_FAULT(PF_P | PF_W)},
  {"2M page supervisor, ring 3 read",            PAE | WP,   P,     RW | PS,   0,         USER_READ,  0x12344, PAGE_FAULT(PF_P | PF_U)},
  {"4M page, PSE=1, write",                      WP | PSE,   0,     RWU | PS,  0,         WRITE,      0, NO_FAULT},
  {"4M page read-only, write",                   WP | PSE,   0,     ROU | PS,  0,         WRITE,      0x312344, PAGE_FAULT(PF_P | PF_W)},
  {"PS means nothing when PSE=0",                WP,         0,     RWU | PS,  RWU,       READ,       0, NO_FAULT},
  {"4M page at 4 GiB through PSE-36",            WP | PSE | PSE36 | ABOVE4G, 0, RWU | PS, 0, READ,    0, NO_FAULT, .after = sees_high},

  /* Accesses that cross into the next page: both pages are checked before the first byte is written. */
  {"write across, both present",                 PAE | WP,   P,     RWU,       RWU,       WRITE,      LAST_TWO, NO_FAULT, .next_pte = RWU, .after = both_halves_written},
  {"read across, both present",                  PAE | WP,   P,     RWU,       RWU,       READ,       LAST_TWO, NO_FAULT, .next_pte = RWU, .after = both_halves_read},
  {"write across, second not present",           PAE | WP,   P,     RWU,       RWU,       WRITE,      LAST_TWO, PAGE_FAULT(PF_W), .fault_offset = PAGE_SIZE},
  {"write across, second read-only",             PAE | WP,   P,     RWU,       RWU,       WRITE,      LAST_TWO, PAGE_FAULT(PF_P | PF_W), .next_pte = ROU, .fault_offset = PAGE_SIZE},
  {"write across, first not present",            PAE | WP,   P,     RWU,       0,         WRITE,      LAST_TWO, PAGE_FAULT(PF_W), .next_pte = RWU},
  {"read across, second supervisor, ring 3",     PAE | WP,   P,     RWU,       RWU,       USER_READ,  LAST_TWO, PAGE_FAULT(PF_P | PF_U), .next_pte = RW, .fault_offset = PAGE_SIZE},
  {"fetch across, second not present",           PAE | WP,   P,     RWU,       RWU,       FETCH,      LAST_TWO, PAGE_FAULT(0), .fault_offset = PAGE_SIZE},
  {"write across, second not present",           WP,         0,     RWU,       RWU,       WRITE,      LAST_TWO, PAGE_FAULT(PF_W), .fault_offset = PAGE_SIZE},

  /* What stays in force, and what must not. */
  {"PDPTE has no accessed bit",                  PAE | WP,   P,     RWU,       RWU,       WRITE,      0, NO_FAULT, .after = pdpte_untouched},
  {"PDPTE cleared in memory: register stays",    PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = clear_pdpte_in_memory},
  {"PDPTE changed, CR0.WP toggled: stays",       PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = move_pdpte_toggle_wp},
  {"PDPTE changed, CR0.CD or NW too: loaded",    PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = move_pdpte_toggle_caching, .after = sees_b},
  {"PDPTE changed, CR4.PSE toggled: loaded",     PAE | WP | PSE, P, RWU,       RWU,       READ,       0, NO_FAULT, .before = move_pdpte_toggle_pse, .after = sees_b},
  {"PDPTE changed, MOV CR3: loaded",             PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = move_pdpte_reload_cr3, .after = sees_b},
  {"frame changed, no INVLPG",                   PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = read_then_move_to_b, .after = sees_either},
  {"frame changed, INVLPG",                      PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = move_to_b_invlpg, .after = sees_b},
  {"frame changed, MOV CR3",                     PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = move_to_b_reload_cr3, .after = sees_b},
  {"global page, frame changed, MOV CR3",        PAE | WP | PGE, P, RWU,       RWU | G,   READ,       0, NO_FAULT, .before = move_to_b_reload_cr3, .after = sees_either},
  {"global page, frame changed, INVLPG",         PAE | WP | PGE, P, RWU,       RWU | G,   READ,       0, NO_FAULT, .before = move_to_b_invlpg, .after = sees_b},
  {"global page, frame changed, PGE toggled",    PAE | WP | PGE, P, RWU,       RWU | G,   READ,       0, NO_FAULT, .before = move_to_b_toggle_pge, .after = sees_b},
  {"G without PGE, frame changed, MOV CR3",      PAE | WP,   P,     RWU,       RWU | G,   READ,       0, NO_FAULT, .before = move_to_b_reload_cr3, .after = sees_b},
  {"made present again, no INVLPG",              PAE | WP,   P,     RWU,       RWU,       READ,       0, NO_FAULT, .before = read_then_revoke_and_restore},
};

const unsigned stop_count = sizeof stops / sizeof stops[0];
