/* Tables and the score. */

#include "console.h"

#include "tlb-probe.h"

enum { LABEL_WIDTH = 42, FIRST_WIDTH = 17, COLUMN_WIDTH = 18 };

static uint32_t matched, off, not_modelled;

static unsigned length(const char *text) {
  unsigned n = 0;
  while (text[n])
    n++;
  return n;
}

static void print_right(const char *text, int width) {
  for (int space = width - (int)length(text); space > 0; space--)
    print_char(' ');
  print(text);
}

/* Appends `value` in decimal with `decimals` digits after the point; returns the new end. */
static char *append_fixed(char *to, uint32_t value, unsigned decimals) {
  char digits[12];
  unsigned count = 0;
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value || count <= decimals);
  while (count) {
    if (count == decimals)
      *to++ = '.';
    *to++ = digits[--count];
  }
  *to = 0;
  return to;
}

static char *append_text(char *to, const char *text) {
  while (*text)
    *to++ = *text++;
  *to = 0;
  return to;
}

/* Right-aligned; "-" for NONE. */
static void print_fixed(uint32_t value, unsigned decimals, int width) {
  char text[16] = "-";
  if (value != NONE)
    append_fixed(text, value, decimals);
  print_right(text, width);
}

void begin_columns(const char *title, const char *rows, const char *first, const char *second) {
  print("\n");
  print(title);
  print("\n  ");
  print_padded(rows, LABEL_WIDTH);
  print_right(first, COLUMN_WIDTH);
  print_right(second, COLUMN_WIDTH);
  print("\n");
}

void begin_table(const char *title, const char *rows, const char *measured) {
  begin_columns(title, rows, measured, "expected");
}

void print_label(const char *label) {
  print("  ");
  print_padded(label, LABEL_WIDTH);
}

void print_labels(const char *first, const char *second) {
  print("  ");
  print_padded(first, FIRST_WIDTH);
  print_padded(second, LABEL_WIDTH - FIRST_WIDTH);
}

void print_label_number(uint32_t number, const char *after) {
  print("  ");
  print_fixed(number, 0, 5);
  print_padded(after, LABEL_WIDTH - 5);
}

static void print_judgement(bool modelled, bool comparable, bool right) {
  if (!modelled) {
    not_modelled += comparable;
    print("  not modelled\n");
  } else if (!comparable) {
    print("\n");
  } else if (right) {
    matched++;
    print("  ok\n");
  } else {
    off++;
    print("  OFF\n");
  }
}

void judge(uint32_t measured, unsigned decimals, uint32_t low, uint32_t high, bool modelled) {
  char range[32] = "-";
  if (low != NONE) {
    char *end = append_fixed(range, low, decimals);
    if (high != low) {
      *end++ = '-';
      append_fixed(end, high, decimals);
    }
  }
  print_fixed(measured, decimals, COLUMN_WIDTH);
  print_right(range, COLUMN_WIDTH);
  print_judgement(modelled && measured != NONE, low != NONE, measured >= low && measured <= high);
}

void print_values(uint32_t first, unsigned first_decimals, uint32_t second, unsigned second_decimals, bool modelled) {
  print_fixed(first, first_decimals, COLUMN_WIDTH);
  print_fixed(second, second_decimals, COLUMN_WIDTH);
  print(modelled ? "\n" : "  not modelled\n");
}

/* "64/4-way/16 sets", "16K/4-way/32 B". */
static void print_geometry(struct geometry geometry) {
  char text[40] = "-", *end = text;
  if (geometry.size != NONE) {
    bool cache = geometry.line != NONE, kib = cache && geometry.size % 1024 == 0;
    end = append_fixed(end, kib ? geometry.size / 1024 : geometry.size, 0);
    end = append_text(end, kib ? "K/" : "/");
    if (geometry.ways == geometry.size) {
      end = append_text(end, "full");
    } else {
      end = append_fixed(end, geometry.ways, 0);
      end = append_text(end, "-way");
    }
    end = append_text(end, "/");
    uint32_t sets = geometry.ways ? geometry.size / geometry.ways : 0;
    end = append_fixed(end, cache ? geometry.line : sets, 0);
    append_text(end, cache ? " B" : sets == 1 ? " set" : " sets");
  }
  print_right(text, COLUMN_WIDTH);
}

void judge_geometry(struct geometry found, struct geometry wanted) {
  print_geometry(found);
  print_geometry(wanted);
  bool right = found.size == wanted.size && found.ways == wanted.ways && found.line == wanted.line;
  print_judgement(found.size != NONE, wanted.size != NONE, right);
}

bool print_verdict(void) {
  print("\ntlb-probe: ");
  print_decimal(matched + off + not_modelled);
  print(" numbers, ");
  print_decimal(matched);
  print(" match, ");
  print_decimal(off);
  print(" off, ");
  print_decimal(not_modelled);
  print(" not modelled\n");
  return !off;
}
