/// What an instruction does: one case per behaviour, not per encoding.
///
/// The names are the manual's mnemonics in lower camel case. Where the mnemonic only tells sizes apart (CBW and CWDE, PUSHF
/// and PUSHFD) there is one case, and the operand size says which; where one mnemonic names several behaviours (near and far
/// CALL, the five kinds of MOV) there are several. SDM vol. 2, chapters 3 and 4.
@frozen
public enum Operation: UInt16, CaseIterable, Sendable {
  case aaa, aad, aam, aas, adc, add, and, arpl
  case bound, bsf, bsr, bswap, bt, btc, btr, bts
  case call, callFar
  /// CBW, and CWDE with a 32-bit operand size.
  case cbw
  case clc, cld, cli, clts, cmc, cmovcc, cmp, cmps, cmpxchg, cmpxchg8b, cpuid
  /// CWD, and CDQ with a 32-bit operand size.
  case cwd
  case daa, das, dec, div
  case enter, hlt, idiv
  /// IMUL with one operand: the double-width product goes to AX, DX:AX or EDX:EAX.
  case imul
  /// IMUL with two or three operands: `op0 = op1 * op2`; in the two-operand form `op1` is `op0`.
  case imul2
  case `in`, inc, ins, int, int3, into, int1, invd, invlpg, iret
  case jcc, jcxz, jmp, jmpFar
  case lahf, lar, lds, les, lfs, lgs, lss, lea, leave, lgdt, lidt, lldt, lmsw, lods, loop, loope, loopne, lsl,
    ltr
  case mov, movs, movsx, movzx
  case movToCR, movFromCR, movToDR, movFromDR, movToSegment, movFromSegment
  case mul, neg, nop, not, or, out, outs
  case pop, popSegment, popa, popf, push, pushSegment, pusha, pushf
  case rcl, rcr, rdmsr, rdpmc, rdtsc, ret, retFar, rol, ror, rsm
  case sahf, salc, sar, sbb, scas, setcc, sgdt, shl, shld, shr, shrd, sidt, sldt, smsw, stc, std, sti, stos,
    str, sub
  case sysenter, sysexit
  case test, ud1, ud2, verr, verw, wait, wbinvd, wrmsr
  case xadd, xchg, xlat, xor
  /// Every instruction of the floating-point unit (D8 to DF). The table's row tells which.
  case x87
}
