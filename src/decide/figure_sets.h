/* Figures of runs, side by side: what one calibration calls by several names of variants is one
 * figure here, its best form, so that runs can be set against each other. */
#ifndef TR_DECIDE_FIGURE_SETS_H
#define TR_DECIDE_FIGURE_SETS_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenroof/calibration.h"

/* Headlines are the read and the FP32 FMA rate of the whole machine: with few runs only they can be
 * judged. Derived figures follow from measured ones (predictions). */
enum tr_figure_kind { TR_FIGURE_HEADLINE, TR_FIGURE_OTHER, TR_FIGURE_DERIVED };

/* A figure of one run. */
struct tr_run_figure {
    double value;          /* median, positive */
    double error;          /* relative standard error within the run; NAN unknown */
    const double *samples; /* borrowed; NULL without */
    size_t n_samples;
    bool untrusted; /* unsteady, throttled, disturbed, ... */
};

/* A figure of a set of runs: one entry for each run that has it. */
struct tr_set_figure {
    struct tr_run_figure *runs;
    size_t n;
};

struct tr_figure {
    char *name; /* "read f64, all threads" */
    char *unit;
    enum tr_figure_kind kind;
    bool lower_is_better;
    struct tr_set_figure *sets; /* tr_figures.n_sets of them */
};

struct tr_figures {
    size_t n_sets;
    struct tr_figure *items;
    size_t n;
};

void tr_figures_init(struct tr_figures *figures, size_t n_sets);
void tr_figures_finish(struct tr_figures *figures);
/* Values that are not positive are left out. TR_ENOMEM. */
int tr_figures_add(struct tr_figures *figures, size_t set, const char *name, const char *unit,
                   enum tr_figure_kind kind, bool lower_is_better, const struct tr_run_figure *run);
/* All that one run measured: measurements, marks of curves, medians of matrices. The calibration
 * must outlive the figures. TR_ENOMEM. */
int tr_figures_add_run(struct tr_figures *figures, size_t set,
                       const struct tr_calibration *calibration);

/* Latencies and times: less is better. */
bool tr_lower_is_better(const char *metric, const char *unit);
/* The flag that makes a figure doubtful; NULL if it has none of them. */
const char *tr_doubt_of(const struct tr_measurement *measurement);

#endif
