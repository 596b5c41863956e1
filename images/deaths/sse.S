/* What a compiler makes of a loop where nobody told it to leave SSE alone. */
#include "deaths.h"
main:   xorps   %xmm0, %xmm0
        ret
