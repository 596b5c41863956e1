#ifndef HOST_ORACLE_H
#define HOST_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

/// Instructions that the host's own processor executes for the tests of the emulated ones.
///
/// Operands are in the register `a` unless said otherwise.
typedef enum __attribute__((enum_extensibility(closed))) HostInstruction : uint32_t {
  // a := a op d
  HostInstructionAdd, HostInstructionAdc, HostInstructionSub, HostInstructionSbb,
  HostInstructionAnd, HostInstructionOr, HostInstructionXor, HostInstructionCmp, HostInstructionTest,
  // a := op a
  HostInstructionInc, HostInstructionDec, HostInstructionNeg,
  // a := a op by c's low byte
  HostInstructionShl, HostInstructionShr, HostInstructionSar,
  HostInstructionRol, HostInstructionRor, HostInstructionRcl, HostInstructionRcr,
  // a := a op with bits from d, by c's low byte; 16 and 32 bits
  HostInstructionShld, HostInstructionShrd,
  // d:a := a * d; a := a * d truncated (16 and 32 bits)
  HostInstructionMul, HostInstructionImul, HostInstructionImulTruncating,
  // a := d:a / c, d := the remainder
  HostInstructionDiv, HostInstructionIdiv,
  // a := op d; 16 and 32 bits
  HostInstructionBsf, HostInstructionBsr,
  // bit d of a; 16 and 32 bits
  HostInstructionBt, HostInstructionBts, HostInstructionBtr, HostInstructionBtc,
  // a := bytes of a reversed; 32 bits
  HostInstructionBswap,
  // d := the sign of a in every bit; 16 and 32 bits
  HostInstructionCwd,
} HostInstruction;

/// What goes into an instruction and what comes out. For 8 bits, d stands for AH where the instruction uses AX.
typedef struct {
  uint32_t a, d, c;
  /// CF, PF, AF, ZF, SF and OF in their places.
  uint32_t flags;
} HostOperands;

/// What came of an execution.
typedef enum __attribute__((enum_extensibility(closed))) HostOutcome : uint32_t {
  HostOutcomeExecuted,
  /// The instruction would raise #DE, and was not executed.
  HostOutcomeDivideError,
  /// The host has no such instruction: it is not x86-64, or the form does not exist.
  HostOutcomeNoSuchInstruction,
} HostOutcome;

/// Whether the host is an x86-64.
bool host_oracle_is_available(void);

/// Executes one instruction of `width` bits (8, 16 or 32) on the host's processor.
HostOutcome host_oracle_execute(HostInstruction instruction, uint32_t width, HostOperands *operands);

#endif
