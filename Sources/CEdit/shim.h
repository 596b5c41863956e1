// libedit as Swift sees it: line editing with history, by readline's names. Its settings are C globals, which Swift may not
// touch; these functions do.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <editline/readline.h>

/// Completion with `complete` and nothing else; words end at spaces. Keys come from `key`.
static inline void edit_prepare(rl_completion_func_t *complete, int (*key)(FILE *)) {
  static char blanks[] = " \t";
  rl_readline_name = "pagewalk";
  // Signals are the program's business: libedit would leave the terminal behind when one comes.
  rl_catch_signals = 0;
  rl_getc_function = key;
  rl_attempted_completion_function = complete;
  rl_completer_word_break_characters = blanks;
  rl_basic_word_break_characters = blanks;
}

/// No file names where `complete` has found nothing.
static inline void edit_completion_is_over(void) { rl_attempted_completion_over = 1; }

/// The line being edited.
static inline const char *edit_line(void) { return rl_line_buffer; }

/// Shows the prompt and the line again, below what was printed in between.
static inline void edit_show_again(void) {
  rl_on_new_line();
  rl_forced_update_display();
}
