/* What a series of samples says. */
#ifndef TR_MEASURE_STATISTICS_H
#define TR_MEASURE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

struct tr_summary {
    size_t n;
    double best, median,
        mad; /* best: the largest; mad: median of absolute deviations from the median, not scaled */
    /* 95% interval of the median by order statistics (binomial, exact): distribution-free. With
     * fewer than 6 samples no pair of them covers 95%: the whole range is given. */
    double ci95[2];
    double least;
};

/* NAN everywhere for n = 0. `samples` is left as it is. Returns 0 or TR_ENOMEM. */
int tr_summarize(const double *samples, size_t n, struct tr_summary *ret_summary);

/* Whether a series of 12 samples or more falls into two modes: the split with the least scatter
 * within its sides puts their means more than 6 pooled standard deviations apart, at least a fifth
 * of the samples (and 3) on each side, with a gap that one distribution hardly leaves, and 1% of
 * the median or more between them. On series of one mode (normal, uniform, exponential, log-normal)
 * this says yes in less than 1% (tests). False, too, when out of memory. */
struct tr_modes {
    double lower, upper; /* means */
    double lower_share;
};
bool tr_two_modes(const double *samples, size_t n, struct tr_modes *ret_modes);

/* Half-width of the interval over the median; NAN for n = 0. */
double tr_summary_relative_half_width(const struct tr_summary *summary);

#endif
