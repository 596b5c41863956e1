#include "console.h"

#include "machine.h"

/* Reset leaves a 16550 with five data bits a character; nothing else about the line needs setting. Called by start.S. */
void console_init(void) { out8(COM1_LCR, LCR_8N1); }

void print_char(char c) {
  while (!(in8(COM1_LSR) & LSR_THRE)) {
  }
  out8(COM1, (uint8_t)c);
}

void print(const char *text) {
  while (*text)
    print_char(*text++);
}

void print_padded(const char *text, int width) {
  for (; *text; width--)
    print_char(*text++);
  for (; width > 0; width--)
    print_char(' ');
}

void print_decimal(uint32_t value) {
  if (value >= 10)
    print_decimal(value / 10);
  print_char((char)('0' + value % 10));
}

void print_hex(uint64_t value, int digits) {
  if (digits > 1 || value >= 16)
    print_hex(value >> 4, digits - 1);
  print_char("0123456789abcdef"[value & 15]);
}
