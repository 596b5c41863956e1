#ifndef HOST_CODE_H
#define HOST_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Single floating-point instructions, given by their bytes, on the host's own units.
///
/// Whether that is possible here: the host is an x86-64 Linux that lets us write code.
bool host_code_is_available(void);

/// Restores the unit from `image` (108 bytes, as FNSAVE stores them in 32-bit protected mode), loads the control word,
/// executes the instruction and saves to `image`. Unmasked exceptions stay pending there and trap nobody.
///
/// The instruction addresses memory as [RDX] (ModRM byte 02h with its digit). EFLAGS go in and come back.
uint32_t host_code_x87(
    const uint8_t *instruction, size_t length, uint8_t *image, uint16_t control, uint32_t eflags, void *memory);

typedef struct {
  /// XMM0 and XMM1; XMM0 comes back.
  uint64_t xmm[4];
  uint32_t mxcsr;
  /// EAX, in and out.
  uint32_t eax;
  /// Comes out.
  uint32_t eflags;
} HostSSEState;

/// Executes the instruction with the registers of `state`. Returns whether it raised an exception that MXCSR did not mask.
bool host_code_sse(const uint8_t *instruction, size_t length, HostSSEState *state);

typedef struct {
  /// EAX and ECX, in and out.
  uint32_t eax, ecx;
  /// The arithmetic flags of EFLAGS, in and out.
  uint64_t eflags;
  /// As FXSAVE stores it: x87, MMX, XMM0 to XMM7, MXCSR. In and out.
  uint8_t *image;
  /// Where [RDX] and [RDI] point, `offset` bytes behind a boundary of 16 bytes. In and out, 64 bytes from that boundary on.
  uint8_t *memory;
  uint32_t offset;
} HostSIMDState;

/// Executes an instruction of MMX, SSE or SSE2 with that state. Returns the vector of the exception that it raised, or -1.
int host_code_simd(const uint8_t *instruction, size_t length, HostSIMDState *state);

#endif
