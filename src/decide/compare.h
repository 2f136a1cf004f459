/* What differs between sets of runs, and whether that is more than chance. */
#ifndef TR_DECIDE_COMPARE_H
#define TR_DECIDE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "figure_sets.h"

/* Chances of a false alarm in a whole comparison, all figures together: 1.6% for the headlines,
 * 0.4% for the rest. Divided so because five runs a side cannot give less than p = 2 / 252: enough
 * for two headlines; the rest can be judged from some seven runs a side. */
#define TR_COMPARE_HEADLINE_LEVEL 0.016
#define TR_COMPARE_OTHER_LEVEL 0.004

enum { TR_COMPARE_RUNS = 5 }; /* a side; with less nothing is known of the noise between runs */

struct tr_compare_options {
    double threshold; /* a worsening of less is no regression; 0.01 = 1% */
    double runs_sd;   /* relative standard deviation between runs, if known; NAN unknown */
};

enum tr_difference_verdict { TR_SAME, TR_CHANGED, TR_REGRESSION, TR_NOT_COMPARED };
/* "no significant change", "changed", "regression", "not compared" */
const char *tr_difference_name(enum tr_difference_verdict verdict);

struct tr_difference {
    const struct tr_figure *figure; /* borrowed */
    size_t set;                     /* which set is compared with set 0 */
    enum tr_difference_verdict verdict;
    double before, after;     /* typical values: mean of the middle half of the runs */
    double change, low, high; /* relative, with its 95% interval; NAN unknown */
    double p;                 /* of the test, corrected for the number of figures; NAN untested */
    double least_detectable;  /* smallest relative change that would be found 4 times in 5; NAN:
                               * none with so few runs */
    bool worse;
    bool within_run; /* judged by the samples of one run a side: says nothing about other runs */
    size_t n_before, n_after, n_untrusted;
    char *why; /* one sentence */
};

struct tr_comparison {
    struct tr_difference *items; /* by set, headlines first, derived last */
    size_t n;
    bool regression; /* any */
    bool few_runs;   /* less than TR_COMPARE_RUNS a side somewhere, and no known deviation */
};

/* Set 0 is the base of all others. TR_ENOMEM. */
int tr_compare(const struct tr_figures *figures, const struct tr_compare_options *options,
               struct tr_comparison *ret_comparison);
void tr_comparison_finish(struct tr_comparison *comparison);

#endif
