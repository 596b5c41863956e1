/* One access, made where a fault is welcome. */

#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

enum ring { SUPERVISOR = 0, USER = 3 };

/* What one access came to. */
struct outcome {
  uint32_t vector; /* VECTOR_DONE when nothing went wrong */
  uint32_t error_code;
  uint32_t cr2;
  uint32_t value; /* EAX at the end: what a read saw */
};

/* The accesses. Each is a piece of code in pages that both rings may run: it gets the address in ECX, a value in
 * EDX, and ends with INT 80h. So the same instructions run in ring 0 and in ring 3. */
void probe_read(void);     /* mov (%ecx), %eax */
void probe_write(void);    /* mov %edx, (%ecx) */
void probe_fetch(void);    /* call *%ecx */
void probe_load_cr3(void); /* mov %ecx, %cr3; ring 0 only */

/* Runs `access` in `ring` and comes back, whatever happens. */
struct outcome probe(void (*access)(void), uint32_t address, uint32_t value, enum ring ring);

#endif
