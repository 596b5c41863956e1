/* A kernel that wants long mode, which this processor does not have. */
#include "deaths.h"
main:   mov     $MSR_EFER, %ecx
        rdmsr
        or      $0x100, %eax            /* LME */
enter_long_mode:
        wrmsr
        ret
