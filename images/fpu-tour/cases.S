/* The cases: what each does to a unit that FNINIT and FLDCW have prepared, and what it must leave. The runner in main.c calls
 * the code and stores the state by FNSAVE. A new case is one more here. */

#include "machine.h"
#include "tour.h"

        /* WANTED is the status word without B, as far as MASK goes; ST(0) is EXPONENT and SIGNIFICAND, 0xFFFF_0 where it must
         * be empty; ULPS is how far off it may be. */
        .macro  begin name, control, wanted, mask, exponent, significand, ulps=0
        .pushsection .rodata.cases, "a"
        .balign 4
        .long   1f, 2f
        .word   \control, \wanted, \mask, \exponent
        .quad   \significand
        .long   \ulps
        .popsection
        .pushsection .rodata.names, "a"
1:      .asciz  "\name"
        .popsection
2:
        .endm

        .macro  title name
        .pushsection .rodata.cases, "a"
        .balign 4
        .long   1f, 0
        .fill   5, 4, 0
        .popsection
        .pushsection .rodata.names, "a"
1:      .asciz  "\name"
        .popsection
        .endm

        .section .rodata.cases, "a"
        .balign 4
        .globl  cases
cases:

        .section .rodata
        .balign 16
three:  .long   3
ten:    .long   10
negative_five_halves: .float -2.5
fdiv_x: .double 4195835
fdiv_y: .double 3145727
huge:   .quad   0xFFFFFFFFFFFFFFFF
        .word   0x7FFE, 0, 0, 0
tiny:   .quad   0x8000000000000000      /* the least normal number */
        .word   0x0001, 0, 0, 0
denormal: .quad 1
        .word   0, 0, 0, 0
unnormal: .quad 0x4000000000000000
        .word   0x3FFF, 0, 0, 0
signaling: .quad 0xA000000000000000
        .word   0x7FFF, 0, 0, 0
quiet:  .quad   0xC000000000000001
        .word   0x7FFF, 0, 0, 0
infinity: .quad 0x8000000000000000
        .word   0x7FFF, 0, 0, 0
decimal: .byte  0x89, 0x67, 0x45, 0x23, 0x01, 0, 0, 0, 0, 0x80
        .balign 4
half:   .float  0.5
single_signaling: .long 0x7FA00000
single_denormal: .long 1
far:    .quad   0x8000000000000000      /* 2^63 */
        .word   0x403E, 0, 0, 0

        .bss
        .balign 16
scratch: .skip  128

        .text

        title   "Sums, products, quotients, roots"
        begin   "1 + pi", NEAREST, PRECISION, EXCEPTIONS, 0x4001, 0x8487ED5110B4611A
        fld1
        fldpi
        faddp
        ret
        begin   "1 / 3, to nearest", NEAREST, PRECISION | C1, FLAGS, 0x3FFD, 0xAAAAAAAAAAAAAAAB
        fld1
        fidivl  three
        ret
        begin   "1 / 3, down", DOWN, PRECISION, FLAGS, 0x3FFD, 0xAAAAAAAAAAAAAAAA
        fld1
        fidivl  three
        ret
        begin   "1 / 3, up", UP, PRECISION | C1, FLAGS, 0x3FFD, 0xAAAAAAAAAAAAAAAB
        fld1
        fidivl  three
        ret
        begin   "1 / 3, towards zero", CHOP, PRECISION, FLAGS, 0x3FFD, 0xAAAAAAAAAAAAAAAA
        fld1
        fidivl  three
        ret
        begin   "1 / 3, to 53 bits", DOUBLE, PRECISION, EXCEPTIONS, 0x3FFD, 0xAAAAAAAAAAAAA800
        fld1
        fidivl  three
        ret
        begin   "1 / 3, to 24 bits", SINGLE, PRECISION, EXCEPTIONS, 0x3FFD, 0xAAAAAB0000000000
        fld1
        fidivl  three
        ret
        begin   "1 - 1", NEAREST, 0, EXCEPTIONS, 0x0000, 0
        fld1
        fld1
        fsubrp
        ret
        begin   "1 - 1, down", DOWN, 0, EXCEPTIONS, 0x8000, 0
        fld1
        fld1
        fsubrp
        ret
        begin   "4195835 - (4195835 / 3145727) * 3145727", NEAREST, PRECISION, EXCEPTIONS, 0x0000, 0
        fldl    fdiv_x
        fdivl   fdiv_y
        fmull   fdiv_y
        fsubrl  fdiv_x
        ret
        begin   "the root of 2", NEAREST, PRECISION, EXCEPTIONS, 0x3FFF, 0xB504F333F9DE6484
        fld1
        fadd    %st(0), %st
        fsqrt
        ret

        title   "Exceptions, masked"
        begin   "1 / 0", NEAREST, ZERO_DIVIDE, FLAGS, 0x7FFF, 0x8000000000000000
        fldz
        fld1
        fdivp                           /* AT&T's FDIVP is Intel's FDIVRP: 1 / 0 */
        ret
        begin   "0 / 0", NEAREST, INVALID, FLAGS, 0xFFFF, 0xC000000000000000
        fldz
        fldz
        fdivp
        ret
        begin   "infinity - infinity", NEAREST, INVALID, FLAGS, 0xFFFF, 0xC000000000000000
        fldt    infinity
        fsub    %st(0), %st
        ret
        begin   "the root of -2.5", NEAREST, INVALID, FLAGS, 0xFFFF, 0xC000000000000000
        flds    negative_five_halves
        fsqrt
        ret
        begin   "a signaling NaN", NEAREST, INVALID, FLAGS, 0x7FFF, 0xE000000000000000
        fldt    signaling
        fld1
        faddp
        ret
        begin   "a signaling NaN of 32 bits, loaded", NEAREST, INVALID, FLAGS, 0x7FFF, 0xE000000000000000
        flds    single_signaling
        ret
        begin   "a quiet NaN", NEAREST, 0, FLAGS, 0x7FFF, 0xC000000000000001
        fldt    quiet
        fld1
        faddp
        ret
        begin   "an unnormal", NEAREST, INVALID, FLAGS, 0xFFFF, 0xC000000000000000
        fldt    unnormal
        fld1
        faddp
        ret
        begin   "a denormal of 32 bits, loaded", NEAREST, DENORMAL, EXCEPTIONS, 0x3F6A, 0x8000000000000000
        flds    single_denormal
        ret
        begin   "a denormal times 1", NEAREST, DENORMAL, EXCEPTIONS, 0x0000, 1
        fldt    denormal
        fld1
        fmulp
        ret
        begin   "the greatest number times itself", NEAREST, OVERFLOW | PRECISION, EXCEPTIONS, 0x7FFF, 0x8000000000000000
        fldt    huge
        fmul    %st(0), %st
        ret
        begin   "the same, towards zero", CHOP, OVERFLOW | PRECISION, FLAGS, 0x7FFE, 0xFFFFFFFFFFFFFFFF
        fldt    huge
        fmul    %st(0), %st
        ret
        begin   "the least normal number times 1/3", NEAREST, UNDERFLOW | PRECISION, EXCEPTIONS, 0x0000, 0x2AAAAAAAAAAAAAAB
        fldt    tiny
        fidivl  three
        ret

        title   "Exceptions, not masked: the operands stay, or the exponent is wrapped"
        begin   "1 / 0", NEAREST & ~ZERO_DIVIDE, ZERO_DIVIDE | PENDING, FLAGS, 0x3FFF, 0x8000000000000000
        fldz
        fld1
        fdiv    %st(1), %st
        ret
        begin   "the greatest number times itself", NEAREST & ~OVERFLOW, OVERFLOW | PRECISION | PENDING, EXCEPTIONS | PENDING, 0x5FFE, 0xFFFFFFFFFFFFFFFE
        fldt    huge
        fmul    %st(0), %st
        ret
        begin   "the least normal number times 1/3", NEAREST & ~UNDERFLOW, UNDERFLOW | PRECISION | PENDING, EXCEPTIONS | PENDING, 0x5FFF, 0xAAAAAAAAAAAAAAAB
        fldt    tiny
        fidivl  three
        ret

        title   "The stack"
        begin   "ten loads", NEAREST, INVALID | STACK_FAULT | C1, FLAGS | STACK_FAULT, 0xFFFF, 0xC000000000000000
        .rept   10
        fld1
        .endr
        ret
        begin   "an empty register", NEAREST, INVALID | STACK_FAULT, FLAGS | STACK_FAULT, 0xFFFF, 0xC000000000000000
        fadd    %st(1), %st
        ret
        begin   "FXCH", NEAREST, 0, FLAGS, 0x3FFF, 0x8000000000000000
        fld1
        fldpi
        fxch
        ret
        begin   "FFREE and FINCSTP are a pop", NEAREST, 0, FLAGS, 0x3FFF, 0x8000000000000000
        fld1
        fldpi
        ffree   %st(0)
        fincstp
        ret
        begin   "FCMOVNE moves", NEAREST, 0, EXCEPTIONS, 0x4000, 0xC90FDAA22168C235
        fldpi
        fld1
        testl   %esp, %esp
        fcmovne %st(1), %st
        ret

        title   "Integers and decimals"
        begin   "-2.5 to an integer, to nearest", NEAREST, PRECISION, EXCEPTIONS, 0xC000, 0x8000000000000000
        flds    negative_five_halves
        fistpl  scratch
        fildl   scratch
        ret
        begin   "-2.5 to an integer, down", DOWN, PRECISION, EXCEPTIONS, 0xC000, 0xC000000000000000
        flds    negative_five_halves
        fistpl  scratch
        fildl   scratch
        ret
        begin   "FRNDINT of -2.5, up", UP, PRECISION | C1, EXCEPTIONS, 0xC000, 0x8000000000000000
        flds    negative_five_halves
        frndint
        ret
        begin   "2^63 to 64 bits", NEAREST, INVALID, EXCEPTIONS, 0xC03E, 0x8000000000000000
        fldt    far
        fistpll scratch
        fildll  scratch
        ret
        begin   "-123456789 as a packed decimal", NEAREST, 0, EXCEPTIONS, 0xC019, 0xEB79A2A000000000
        fbld    decimal
        fbstp   scratch
        fbld    scratch
        ret
        begin   "pi to 32 bits and back", NEAREST, PRECISION, EXCEPTIONS, 0x4000, 0xC90FDB0000000000
        fldpi
        fstps   scratch
        flds    scratch
        ret

        title   "Comparisons and classes"
        begin   "FCOM: 1 against pi", NEAREST, C0, CODES, 0x3FFF, 0x8000000000000000
        fldpi
        fld1
        fcom
        ret
        begin   "FCOM: pi against 1", NEAREST, 0, CODES, 0x4000, 0xC90FDAA22168C235
        fld1
        fldpi
        fcom
        ret
        begin   "FCOM: 1 against 1", NEAREST, C3, CODES, 0x3FFF, 0x8000000000000000
        fld1
        fld1
        fcom
        ret
        begin   "FCOM: 1 against a quiet NaN", NEAREST, C3 | C2 | C0 | INVALID, CODES | EXCEPTIONS, 0x3FFF, 0x8000000000000000
        fldt    quiet
        fld1
        fcom
        ret
        begin   "FUCOM: 1 against a quiet NaN", NEAREST, C3 | C2 | C0, CODES | EXCEPTIONS, 0x3FFF, 0x8000000000000000
        fldt    quiet
        fld1
        fucom
        ret
        begin   "FCOMI: 1 against pi, and JB", NEAREST, 0, EXCEPTIONS, 0x3FFF, 0x8000000000000000
        fldpi
        fld1
        fcomi   %st(1), %st
        jb      1f
        fldz
1:      ret
        begin   "FXAM: a number", NEAREST, C2, ALL_CODES, 0x3FFF, 0x8000000000000000
        fld1
        fxam
        ret
        begin   "FXAM: minus zero", NEAREST, C3 | C1, ALL_CODES, 0x8000, 0
        fldz
        fchs
        fxam
        ret
        begin   "FXAM: infinity", NEAREST, C2 | C0, ALL_CODES, 0x7FFF, 0x8000000000000000
        fldt    infinity
        fxam
        ret
        begin   "FXAM: a NaN", NEAREST, C0, ALL_CODES, 0x7FFF, 0xC000000000000001
        fldt    quiet
        fxam
        ret
        begin   "FXAM: a denormal", NEAREST, C3 | C2, ALL_CODES, 0x0000, 1
        fldt    denormal
        fxam
        ret
        begin   "FXAM: an unnormal", NEAREST, 0, ALL_CODES, 0x3FFF, 0x4000000000000000
        fldt    unnormal
        fxam
        ret
        begin   "FXAM: an empty register", NEAREST, C3 | C0, CODES, EMPTY, 0
        fxam
        ret

        title   "Functions: the last bit is the processor's"
        begin   "the sine of 1", NEAREST, 0, C2, 0x3FFE, 0xD76AA47848677021, 1
        fld1
        fsin
        ret
        begin   "the cosine of 1", NEAREST, 0, C2, 0x3FFE, 0x8A51407DA8345C92, 1
        fld1
        fcos
        ret
        begin   "the tangent of 1", NEAREST, 0, C2, 0x3FFF, 0xC75922E5F71D2DC5, 1
        fld1
        fptan
        fstp    %st(0)
        ret
        begin   "the arc tangent of 1", NEAREST, 0, 0, 0x3FFE, 0xC90FDAA22168C235, 1
        fld1
        fld1
        fpatan
        ret
        begin   "2^0.5 - 1", NEAREST, 0, 0, 0x3FFD, 0xD413CCCFE7799211, 1
        flds    half
        f2xm1
        ret
        begin   "log2 of 10", NEAREST, 0, 0, 0x4000, 0xD49A784BCD1B8AFE, 1
        fld1
        fildl   ten
        fyl2x
        ret
        begin   "the sine of 2^63: out of range", NEAREST, C2, C2, 0x403E, 0x8000000000000000
        fldt    far
        fsin
        ret
        begin   "10 modulo 3: the quotient's bits in C0, C3, C1", NEAREST, C3 | C1, ALL_CODES, 0x3FFF, 0x8000000000000000
        fildl   three
        fildl   ten
        fprem
        ret
        begin   "10 modulo pi, by a rounded quotient", NEAREST, C3 | C1, ALL_CODES, 0x3FFE, 0x9341C0666F16E584
        fldpi
        fildl   ten
        fprem1
        ret
        begin   "the greatest number modulo pi: not done", NEAREST, C2, C2, ANY, 0
        fldpi
        fldt    huge
        fprem
        ret
        begin   "FSCALE: 3 * 2^10", NEAREST, 0, EXCEPTIONS, 0x400A, 0xC000000000000000
        fildl   ten
        fildl   three
        fscale
        ret
        begin   "FXTRACT of 10: the significand", NEAREST, 0, EXCEPTIONS, 0x3FFF, 0xA000000000000000
        fildl   ten
        fxtract
        ret

        title   "Images in memory"
        begin   "FNSAVE and FRSTOR", NEAREST, 0, FLAGS, 0x4000, 0xC90FDAA22168C235
        fld1
        fldpi
        fnsave  scratch
        frstor  scratch
        ret
        begin   "the same in 16-bit layout", NEAREST, 0, FLAGS, 0x4000, 0xC90FDAA22168C235
        fld1
        fldpi
        .byte   0x66
        fnsave  scratch
        .byte   0x66
        frstor  scratch
        ret
        begin   "FLDENV: all of the status word but B", NEAREST, ALL_CODES, ALL_CODES, ANY, 0
        fnstenv scratch
        movw    $0x4700, scratch + 4
        fldenv  scratch
        ret
        begin   "FNSTENV tells tags: zero, special, empty", NEAREST, 0, 0, 0x400E, 0x9AFF000000000000
        fldt    infinity
        fldz
        fldt    denormal
        fldt    quiet
        fsubl   fdiv_x
        .globl  looked_at
looked_at:                              /* a place for debuggers: something of everything */
        fnstenv scratch
        fninit
        movzwl  scratch + 8, %eax
        andl    $0xFFFF, %eax
        movl    %eax, scratch
                                        /* R7 special, R6 zero, R5 and R4 special, the others empty: 9AFFh */
        fildl   scratch
        ret

        .pushsection .rodata.cases, "a"
        .long   0
        .popsection
