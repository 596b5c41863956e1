/* Floating point on SSE2. */

#include "bench.h"

#include "machine.h"

/* CR4.OSFXSR and OSXMMEXCPT, and everything masked. */
void prepare_sse(void) {
  uint32_t cr4;
  __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
  __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | 1u << 9 | 1u << 10));
  uint32_t usual = 0x1f80;
  __asm__ volatile("ldmxcsr %0" : : "m"(usual));
}

enum { BODIES = 5 };

struct body {
  double x[3], v[3], mass;
};

/* The sun and four planets of the Computer Language Benchmarks Game: years, astronomical units, masses of the sun times 4 pi^2. */
static const struct body at_first[BODIES] = {
  {{0, 0, 0}, {0, 0, 0}, 39.47841760435743},
  {{4.84143144246472090, -1.16032004402742839, -0.103622044471123109},
   {0.606326392995832, 2.81198684491626026, -0.02521836165988763},
   0.03769367487038949},
  {{8.34336671824457987, 4.12479856412430479, -0.403523417114321381},
   {-1.01077434617879206, 1.82566237123041186, 0.008415761376584154},
   0.011286326131968767},
  {{12.8943695621391310, -15.1111514016986312, -0.223307578892655734},
   {1.08279100644153536, 0.868713018169608194, -0.010832637401363636},
   0.0017237240570597112},
  {{15.3796971148509165, -25.9193146099879641, 0.179258772950371181},
   {0.979090732243897976, 0.594698998647676060, -0.034755955504078104},
   0.0020336868699246304},
};

static double square_root(double value) {
  __asm__("sqrtsd %0, %0" : "+x"(value));
  return value;
}

/* Steps of a hundredth of a year, from the beginning; a round is a step. */
uint32_t run_nbody(uint32_t rounds) {
  struct body bodies[BODIES];
  for (int i = 0; i < BODIES; i++)
    bodies[i] = at_first[i];
  for (uint32_t round = 0; round < rounds; round++) {
    for (int i = 0; i < BODIES; i++) {
      struct body *a = &bodies[i];
      for (int j = i + 1; j < BODIES; j++) {
        struct body *b = &bodies[j];
        double d[3], distance = 0;
        for (int axis = 0; axis < 3; axis++) {
          d[axis] = a->x[axis] - b->x[axis];
          distance += d[axis] * d[axis];
        }
        double magnitude = 0.01 / (distance * square_root(distance));
        for (int axis = 0; axis < 3; axis++) {
          a->v[axis] -= d[axis] * b->mass * magnitude;
          b->v[axis] += d[axis] * a->mass * magnitude;
        }
      }
    }
    for (int i = 0; i < BODIES; i++)
      for (int axis = 0; axis < 3; axis++)
        bodies[i].x[axis] += 0.01 * bodies[i].v[axis];
  }
  uint32_t checksum = 0;
  for (int i = 0; i < BODIES; i++)
    for (int axis = 0; axis < 3; axis++) {
      union { double value; uint32_t halves[2]; } bits = {bodies[i].x[axis]};
      checksum = checksum * 31 + (bits.halves[0] ^ bits.halves[1]);
    }
  return checksum;
}
