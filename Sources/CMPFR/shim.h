// GNU MPFR as Swift sees it.
#include <mpfr.h>
