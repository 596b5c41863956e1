/* Floating point on the x87. */

#include "bench.h"

/* FNINIT: 64 bits of precision, everything masked. */
void prepare_x87(void) { __asm__ volatile("fninit"); }

/* How often z = z^2 + c stays within a circle of radius 2, from z = 0. */
static uint32_t escape_time(double re, double im) {
  enum { LIMIT = 256 };
  double x = 0, y = 0;
  uint32_t count = 0;
  while (count < LIMIT) {
    double xx = x * x, yy = y * y;
    if (xx + yy > 4)
      break;
    y = 2 * x * y + im;
    x = xx - yy + re;
    count++;
  }
  return count;
}

/* The Mandelbrot set in rows of 192 points, 128 rows of which are a picture; a round is a row. */
uint32_t run_mandelbrot(uint32_t rounds) {
  enum { WIDTH = 192, HEIGHT = 128 };
  uint32_t checksum = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    double im = (int)(round % HEIGHT) * (2.4 / HEIGHT) - 1.2;
    for (int column = 0; column < WIDTH; column++)
      checksum = checksum * 31 + escape_time(column * (3.2 / WIDTH) - 2.2, im);
  }
  return checksum;
}
