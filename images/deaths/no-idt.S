/* An exception, and nobody has executed LIDT. */
#include "deaths.h"
main:   ud2
