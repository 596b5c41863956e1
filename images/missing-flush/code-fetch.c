/* The page that code runs in is moved to another frame with other code, and execution goes on in the old one. */
#include "bug.h"
const char bug_name[] = "code-fetch";

/* mov $value, %eax; ret */
static void put_function(uint32_t *frame, uint32_t value) {
  volatile uint8_t *code = (volatile uint8_t *)frame;
  code[0] = 0xB8;
  for (int i = 0; i < 4; i++)
    code[1 + i] = (uint8_t)(value >> 8 * i);
  code[5] = 0xC3;
}

void bug(void) {
  put_function(frames_old[0], OLD);
  put_function(frames_new[0], NEW);
  ((uint32_t (*)(void))VA)();
  bad_store(&table_old[0], physical(frames_new[0]) | P | W);
  FIX(invlpg((void *)VA));
  report_value(((uint32_t (*)(void))VA)());
}
