/* The text report. Parts have a short and a full form; without `verbose` they are chosen so that
 * the whole fits a window of 100 columns and 40 lines. */
#include "report.h"

#include <string.h>

#include "text.h"

int tr_report_text(const struct tr_report_input *input, struct tr_strbuf *out);

enum { WINDOW_WIDTH = 100, WINDOW_LINES = 39, LEAST_WARNINGS = 5, N_PARTS = 9 };
enum form { LEFT_OUT, SHORT, FULL };

/* A row a kernel, or a row a figure. */
static void figures(struct tr_text *text) {
    if (text->full) {
        tr_text_figures(text);
        return;
    }
    tr_strbuf_add(text->out, "\n");
    tr_text_summary(text);
}

static const struct {
    void (*write)(struct tr_text *text);
    int grows;  /* which part gets its full form first where there is room; 0: none of it */
    int leaves; /* which one is left out first where there is none; 0: it stays */
} parts[N_PARTS] = {
    {tr_text_machine, 2, 0},  {figures, 0, 0},
    {tr_text_products, 0, 4}, {tr_text_places, 0, 3},
    {tr_text_times, 0, 2},    {tr_text_curves, 4, 5},
    {tr_text_limits, 3, 1},   {tr_text_predictions, 0, 0},
    {tr_text_warnings, 1, 0},
};

/* All parts in the given forms; the warnings get `most_lines`, 0: all they need. */
static void write_parts(const struct tr_text *like, const enum form forms[N_PARTS],
                        size_t most_lines, struct tr_strbuf *out) {
    struct tr_text text = *like;
    text.out = out;
    for (size_t i = 0; i < N_PARTS; i++) {
        text.full = forms[i] == FULL;
        text.most_lines = text.full ? 0 : most_lines;
        bool for_calibration = parts[i].write != tr_text_predictions;
        if (forms[i] != LEFT_OUT && (text.calibration || !for_calibration))
            parts[i].write(&text);
    }
}

static size_t lines_of(const struct tr_text *like, const enum form forms[N_PARTS],
                       size_t most_lines) {
    struct tr_strbuf trial = {0};
    write_parts(like, forms, most_lines, &trial);
    size_t lines = tr_text_lines(trial.text);
    tr_strbuf_finish(&trial);
    return lines;
}

static void change(enum form forms[N_PARTS], int step, bool grow, enum form form) {
    for (size_t i = 0; i < N_PARTS; i++)
        if ((grow ? parts[i].grows : parts[i].leaves) == step)
            forms[i] = form;
}

/* Leaves out parts until the rest fits, or gives them their full form while it fits; the warnings
 * get the lines that remain. */
static void fit(const struct tr_text *text, enum form forms[N_PARTS], size_t room,
                size_t *ret_warning_lines) {
    for (int step = 1; lines_of(text, forms, LEAST_WARNINGS) > room && step < N_PARTS; step++)
        change(forms, step, false, LEFT_OUT);
    for (int step = 1; step < N_PARTS; step++) {
        enum form tried[N_PARTS];
        memcpy(tried, forms, sizeof(tried));
        change(tried, step, true, FULL);
        if (lines_of(text, tried, LEAST_WARNINGS) <= room)
            memcpy(forms, tried, sizeof(tried));
    }
    enum form others[N_PARTS];
    memcpy(others, forms, sizeof(others));
    others[N_PARTS - 1] = LEFT_OUT;
    size_t used = lines_of(text, others, 0);
    *ret_warning_lines = used + LEAST_WARNINGS < room ? room - used : LEAST_WARNINGS;
}

int tr_report_text(const struct tr_report_input *input, struct tr_strbuf *out) {
    struct tr_text text = {
        .input = input,
        .calibration = input->calibration,
        .term = input->term,
        .out = out,
    };
    /* Wider lines are hard to follow, narrower tables do not fit. */
    if (text.term.width < 40)
        text.term.width = 40;
    if (text.term.width > 200)
        text.term.width = 200;
    enum form forms[N_PARTS];
    size_t warning_lines = 0;
    for (size_t i = 0; i < N_PARTS; i++)
        forms[i] = input->verbose || !input->calibration ? FULL : SHORT;
    if (!input->verbose && input->calibration) {
        size_t room = WINDOW_LINES;
        if (text.term.width < WINDOW_WIDTH) /* the same text takes more lines */
            room = room * WINDOW_WIDTH / text.term.width;
        fit(&text, forms, room, &warning_lines);
    }
    write_parts(&text, forms, warning_lines, out);
    return 0;
}
