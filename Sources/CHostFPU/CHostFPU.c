// Everything is inline; this file compiles the header once by itself.
#include "CHostFPU.h"
