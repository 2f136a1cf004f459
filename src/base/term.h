/* What an output can show: width, Unicode, colour. */
#ifndef TR_BASE_TERM_H
#define TR_BASE_TERM_H

#include <stdbool.h>
#include <stddef.h>

struct tr_term {
    size_t width; /* columns, at least 40 */
    bool unicode;
    bool color;
    bool is_terminal;
};

/* Width: COLUMNS, else the window size, else 100 (80 if not a terminal is wrong for tables).
 * Unicode: the locale's character set is UTF-8 (setlocale(LC_CTYPE, "") must have been called).
 * Colour: a terminal, NO_COLOR empty, TERM not "dumb". */
void tr_term_detect(int fd, struct tr_term *ret_term);

/* Columns of the terminal's window as it is now, without a smallest; 0 if it has none. */
size_t tr_term_window_columns(int fd);

/* Display columns of a UTF-8 text; invalid bytes count one each, colour sequences nothing. */
size_t tr_display_width(const char *text);

/* Bytes of the longest beginning of `text` that takes at most `width` columns: whole characters. */
size_t tr_display_fit(const char *text, size_t width);

/* A copy in which control characters, escapes and invalid UTF-8 are shown as '?' (or \xNN), so
 * that text from files and firmware cannot drive the terminal. NULL when out of memory. */
char *tr_printable(const char *text);

#endif
