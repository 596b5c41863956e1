// libelf as Swift sees it: the generic access layer that reads both byte orders and checks bounds.
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
