/* The parts of the text report. Each appends to text->out; running out of memory is remembered
 * there. */
#ifndef TR_REPORT_TEXT_H
#define TR_REPORT_TEXT_H

#include "report.h"
#include "table.h"

struct tr_text {
    const struct tr_report_input *input;
    const struct tr_calibration *calibration; /* not NULL but for the predictions */
    struct tr_term term;
    struct tr_strbuf *out;
};

enum tr_tone { TR_TONE_PLAIN, TR_TONE_GOOD, TR_TONE_DOUBTFUL, TR_TONE_BAD, TR_TONE_HEAD };

/* text_parts.c: pieces of lines. What comes from files is made printable, and plain ASCII where the
 * terminal has no Unicode. */
void tr_text_add(struct tr_text *text, struct tr_strbuf *out, const char *from_file);
/* A cell of at most `max` columns. */
void tr_text_cell(struct tr_text *text, struct tr_table *table, const char *from_file, size_t max);
/* Breaks `line` into lines of the terminal's width; all but the first begin with `hanging` blanks.
 */
void tr_text_wrap(struct tr_text *text, const char *line, size_t hanging);
void tr_text_wrapf(struct tr_text *text, size_t hanging, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A headline. */
void tr_text_head(struct tr_text *text, const char *line);
/* Escape sequences around a piece of text; "" without colour. */
const char *tr_text_tone(const struct tr_text *text, enum tr_tone tone);
const char *tr_text_plain(const struct tr_text *text);
/* Three to four significant digits; "-" if unknown. */
struct tr_number {
    char text[32];
};
struct tr_number tr_text_number(double value);
/* `value` with the decimals that tr_text_number gives to `like`. */
struct tr_number tr_text_number_like(double value, double like);
/* "32 MiB", "1.5 GiB"; "?" if unknown. Heap. */
char *tr_text_bytes(int64_t bytes);
/* Columns of the longest line. */
size_t tr_text_columns(const char *lines);

/* text_machine.c */
void tr_text_notice(struct tr_text *text);
void tr_text_machine(struct tr_text *text);
/* The read rate looks like k of n channels: fills both and returns true. */
bool tr_text_suspicion(const struct tr_calibration *calibration, int *ret_fits, int *ret_of);
/* text_figures.c */
void tr_text_figures(struct tr_text *text);
/* text_curves.c */
void tr_text_curves(struct tr_text *text);
/* A latency or the cost of a barrier: shown with the curves, not among the rates. */
bool tr_text_is_time(const struct tr_measurement *measurement);
/* text_limits.c */
void tr_text_limits(struct tr_text *text);
/* text_predictions.c */
void tr_text_predictions(struct tr_text *text);
/* text_warnings.c */
void tr_text_warnings(struct tr_text *text);

#endif
