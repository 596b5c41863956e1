#include "probe.h"

#include <stdbool.h>

#include "exceptions.h"
#include "machine.h"

void probe_enter(void (*access)(void), uint32_t address, uint32_t value, enum ring ring);
_Noreturn void probe_leave(void);

static bool probing;
static struct outcome outcome;

void handle_exception(struct exception_frame *frame) {
  if (!probing)
    die_of_exception(frame);
  outcome = (struct outcome){frame->vector, frame->error_code, read_cr2(), frame->eax};
  probe_leave();
}

struct outcome probe(void (*access)(void), uint32_t address, uint32_t value, enum ring ring) {
  probing = true;
  probe_enter(access, address, value, ring);
  probing = false;
  return outcome;
}
