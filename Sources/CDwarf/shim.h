// libdw as Swift sees it: the reader of DWARF that comes with libelf.
#include <elfutils/libdw.h>
