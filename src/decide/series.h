/* What two series of figures say about a difference. Pure functions; p values are two-sided.
 *
 * The unit is what is independent: runs, not the samples within one. */
#ifndef TR_DECIDE_SERIES_H
#define TR_DECIDE_SERIES_H

#include <stddef.h>
#include <stdint.h>

/* NAN for n = 0. The values are left as they are. TR_ENOMEM. */
int tr_series_median(const double *values, size_t n, double *ret_median);
/* Mean of the middle half (the outer quarters weigh nothing, fractions of a value count in part):
 * as robust as it must be against a run that went wrong, and less coarse than a median of five.
 * Sorts the values. NAN for n = 0. */
double tr_series_middle(double *values, size_t n);

/* Rank test of Wilcoxon, Mann and Whitney for "both series come from one distribution". Exact up to
 * TR_RANK_EXACT values together, ties included (all ways to divide the pooled midranks are
 * counted); beyond, the normal approximation with corrections for ties and continuity.
 * *ret_p is 1 where either is empty. TR_ENOMEM. */
enum { TR_RANK_EXACT = 60 };
int tr_rank_test(const double *a, size_t n_a, const double *b, size_t n_b, double *ret_p);
/* The smallest p that so many values can give, when all of one are above all of the other. */
double tr_rank_test_least(size_t n_a, size_t n_b);

/* Welch's test of the means of the logarithms, for positive values: what is left where ranks of so
 * few values can prove nothing. Needs about normal noise. 1 with less than two values a side. */
double tr_student_test(const double *a, size_t n_a, const double *b, size_t n_b);

/* Holm's step-down correction, in place: the family-wise error of "p <= level" is the level.
 * TR_ENOMEM. */
int tr_holm(double *p, size_t n);

/* Relative change from a to b, middle(b) / middle(a) - 1, with its 95% interval: both series are
 * resampled, each within itself; percentiles of 2000 resamples, taken of logarithms and widened
 * about the estimate by sqrt(n / (n - 1)) and Student's over the normal quantile, because
 * percentiles alone are too narrow for few values (Hesterberg 2015, expanded percentile interval).
 * All values must be positive. The interval is NAN where a series has less than two values.
 * TR_ENOMEM. */
int tr_bootstrap_change(const double *a, size_t n_a, const double *b, size_t n_b, uint64_t seed,
                        double *ret_change, double interval[2]);

/* Standard deviation of the logarithms, pooled over two series, about each one's mean; NAN with
 * less than three values. For small spreads it is the relative standard deviation. */
double tr_series_spread(const double *a, size_t n_a, const double *b, size_t n_b);

/* Smallest relative change that a rank test of so many values would find at `level` (two-sided)
 * with a probability of 80%, given the relative standard deviation of one value. NAN where not even
 * complete separation is enough. */
double tr_least_detectable(double spread, size_t n_a, size_t n_b, double level);

/* P(T > t) of Student's distribution with `df` degrees of freedom. */
double tr_student_upper(double t, double df);
/* The t with P(T > t) = p, 0 < p < 0.5. */
double tr_student_quantile(double p, double df);
/* P(|Z| > z) of the normal distribution. */
double tr_normal_two_sided(double z);

#endif
