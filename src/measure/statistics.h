/* What a series of samples says. */
#ifndef TR_MEASURE_STATISTICS_H
#define TR_MEASURE_STATISTICS_H

#include <stddef.h>

struct tr_summary {
    size_t n;
    double best, median, mad; /* mad: median of absolute deviations from the median, not scaled */
    /* 95% interval of the median by order statistics (binomial, exact): distribution-free. With
     * fewer than 6 samples no pair of them covers 95%: the whole range is given. */
    double ci95[2];
};

/* NAN everywhere for n = 0. `samples` is left as it is. Returns 0 or TR_ENOMEM. */
int tr_summarize(const double *samples, size_t n, struct tr_summary *ret_summary);

/* Half-width of the interval over the median; NAN for n = 0. */
double tr_summary_relative_half_width(const struct tr_summary *summary);

#endif
