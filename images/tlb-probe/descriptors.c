/* CPUID leaf 2: a byte for each TLB and cache. SDM vol. 2A, table 3-12, as far as P6 processors and machines described
 * like them go. */

#include "tlb-probe.h"

enum { KIB = 1024 };

static const struct {
  uint8_t byte;
  enum structure structure;
  struct geometry geometry;
} descriptors[] = {
  {0x01, ITLB_SMALL, {32, 4, NONE}},     {0xB0, ITLB_SMALL, {128, 4, NONE}},    {0x61, ITLB_SMALL, {48, 48, NONE}},
  {0x02, ITLB_LARGE, {2, 2, NONE}},      {0x0B, ITLB_LARGE, {4, 4, NONE}},      {0x03, DTLB_SMALL, {64, 4, NONE}},
  {0x57, DTLB_SMALL, {16, 4, NONE}},     {0xB3, DTLB_SMALL, {128, 4, NONE}},    {0xB4, DTLB_SMALL, {256, 4, NONE}},
  {0x04, DTLB_LARGE, {8, 4, NONE}},      {0x05, DTLB_LARGE, {32, 4, NONE}},     {0x56, DTLB_LARGE, {16, 4, NONE}},
  {0x06, L1_CODE, {8 * KIB, 4, 32}},     {0x08, L1_CODE, {16 * KIB, 4, 32}},    {0x30, L1_CODE, {32 * KIB, 8, 64}},
  {0x0A, L1_DATA, {8 * KIB, 2, 32}},     {0x0C, L1_DATA, {16 * KIB, 4, 32}},    {0x2C, L1_DATA, {32 * KIB, 8, 64}},
  {0x41, L2, {128 * KIB, 4, 32}},        {0x42, L2, {256 * KIB, 4, 32}},        {0x43, L2, {512 * KIB, 4, 32}},
  {0x44, L2, {1024 * KIB, 4, 32}},       {0x45, L2, {2048 * KIB, 4, 32}},       {0x82, L2, {256 * KIB, 8, 32}},
  {0x83, L2, {512 * KIB, 8, 32}},        {0x84, L2, {1024 * KIB, 8, 32}},       {0x85, L2, {2048 * KIB, 8, 32}},
};

struct geometry described_geometry(enum structure structure) {
  struct geometry unknown = {NONE, NONE, NONE};
  if (cpuid(0).eax < 2)
    return unknown;
  struct cpuid leaf = cpuid(2);
  uint32_t registers[] = {leaf.eax & ~0xFFu /* AL is how often to ask: once on a P6 */, leaf.ebx, leaf.ecx, leaf.edx};
  for (unsigned r = 0; r < 4; r++) {
    if (registers[r] >> 31)
      continue; /* holds no descriptors */
    for (unsigned shift = 0; shift < 32; shift += 8)
      for (unsigned i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        if (descriptors[i].structure == structure && descriptors[i].byte == (registers[r] >> shift & 0xFF))
          return descriptors[i].geometry;
  }
  return unknown;
}
