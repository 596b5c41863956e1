/* Text on the serial console, COM1, polled. */

#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

void console_init(void);

void print_char(char c);
void print(const char *text);

/* Prints `text` and then spaces up to `width` characters. */
void print_padded(const char *text, int width);

void print_decimal(uint32_t value);

/* Prints `value` in hexadecimal, at least `digits` digits, no prefix. */
void print_hex(uint64_t value, int digits);

#endif
