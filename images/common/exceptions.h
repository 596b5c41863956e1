/* Exceptions of a bare guest: every vector below 32, and VECTOR_DONE, which ring 3 may call, come to one
 * function. */

#ifndef EXCEPTIONS_H
#define EXCEPTIONS_H

#include <stdint.h>

/* The stack as an exception leaves it, lowest address first. */
struct exception_frame {
  uint32_t edi, esi, ebp, unused_esp, ebx, edx, ecx, eax; /* PUSHA */
  uint32_t vector;
  uint32_t error_code; /* 0 where the processor pushes none */
  uint32_t eip, cs, eflags;
};

/* A guest that expects exceptions defines this. Returning resumes at frame->eip. Without a definition of its
 * own, an exception is reported on the console and ends the run. */
void handle_exception(struct exception_frame *frame);

/* Says on the console what came and where, and ends the run with status 32 + vector. */
_Noreturn void die_of_exception(const struct exception_frame *frame);

#endif
