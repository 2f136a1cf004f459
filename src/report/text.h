/* The parts of the text report. Each appends to text->out; running out of memory is remembered
 * there. */
#ifndef TR_REPORT_TEXT_H
#define TR_REPORT_TEXT_H

#include <jansson.h>

#include "report.h"
#include "table.h"

struct tr_text {
    const struct tr_report_input *input;
    const struct tr_calibration *calibration; /* not NULL but for the predictions */
    struct tr_term term;
    struct tr_strbuf *out;
    bool full;          /* the part being written: with all details */
    size_t most_lines;  /* warnings: as many as these hold; 0: all */
    char explained[16]; /* letters of flags whose meaning was told */
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
/* As many digits as the interval supports: four where its half is within 0.5 % of the value, else
 * three. `value` is shown with the places that `median` gets. */
struct tr_number tr_text_measured(double value, double median, double half_width);
/* "32 MiB", "1.5 GiB"; "?" if unknown. Heap. */
char *tr_text_bytes(int64_t bytes);
/* Columns of the longest line. */
size_t tr_text_columns(const char *lines);

/* Half of the 95 % interval; NAN if unknown. */
double tr_text_half_width(const struct tr_measurement *measurement);
/* Lines in a text. */
size_t tr_text_lines(const char *text);

/* text_machine.c */
void tr_text_machine(struct tr_text *text);
/* The read rate looks like k of n channels: fills both and returns true. */
bool tr_text_suspicion(const struct tr_calibration *calibration, int *ret_fits, int *ret_of);
/* text_figures.c: a row a figure */
void tr_text_figures(struct tr_text *text);
/* A latency or the cost of a barrier: shown with the curves, not among the rates. */
bool tr_text_is_time(const struct tr_measurement *measurement);
/* Letters of the flags; "?" for one without a letter. */
struct tr_number tr_text_flags(const struct tr_measurement *measurement);
/* What the letters in these figures mean: a line each, or briefly on one. */
void tr_text_flag_legend(struct tr_text *text, const struct tr_measurement *const *figures,
                         size_t n);
struct tr_figure;
/* The same for rows of a table: of the best form of each, and which wider forms were passed over.
 */
void tr_text_figure_legend(struct tr_text *text, const struct tr_figure *rows, size_t n);
/* A bar with `width` cells for the share of the limit, in the colour of the verdict. */
void tr_text_share(struct tr_text *text, struct tr_strbuf *out, double efficiency, size_t width);
/* NULL where there is none. */
const struct tr_limit *tr_text_limit_of(const struct tr_calibration *calibration,
                                        const struct tr_measurement *measurement);
/* text_summary.c: a row a kernel, all threads beside one */
void tr_text_summary(struct tr_text *text);
/* text_products.c: matrix products and attention of language models */
void tr_text_products(struct tr_text *text);
/* text_places.c: the same figure at each node, CCD, core */
void tr_text_places(struct tr_text *text);
/* text_times.c: latencies and barriers */
void tr_text_times(struct tr_text *text);
/* text_curves.c */
void tr_text_curves(struct tr_text *text);
/* "32 MiB", "12 ns": a place on the x axis of a curve. Heap. */
char *tr_text_x(const struct tr_curve *curve, double x, bool unit);
/* "L1 1.10 (4 KiB to 32 KiB)", or without the places. */
void tr_text_marks(struct tr_text *text, const struct tr_curve *curve, bool places,
                   struct tr_strbuf *line);
/* text_plot.c: the curve as an area of blocks, `rows` lines high, with both axes. */
void tr_text_plot(struct tr_text *text, const struct tr_curve *curve, size_t rows);
/* 0 to 1: where `value` stands on the axis of the curve's values. */
double tr_text_height(const struct tr_curve *curve, double value);
/* Its values span so much that they are drawn by logarithms. */
bool tr_text_by_logarithm(const struct tr_curve *curve);
/* text_matrices.c */
void tr_text_matrix(struct tr_text *text, const struct tr_matrix *matrix);
/* text_limits.c */
void tr_text_limits(struct tr_text *text);
/* text_predictions.c */
void tr_text_predictions(struct tr_text *text);
/* Of the class of a use case's result: I, B, O, N; ? without one. */
char tr_text_class_letter(const json_t *result);
/* text_warnings.c */
void tr_text_warnings(struct tr_text *text);

#endif
