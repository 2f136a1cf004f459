#include "outliers.h"

#include <math.h>
#include <stdlib.h>

#include "series.h"
#include "tokenroof/err.h"

/* Sums over the parts that were not trimmed; `x` is the logarithm, larger is better. */
struct kept {
    double n, sum, squares;
};

/* Tests one part against the kept ones other than itself. */
static void test_part(double x, bool is_kept, struct kept kept, double floor_sd,
                      struct tr_part_result *ret) {
    if (is_kept) {
        kept.n -= 1;
        kept.sum -= x;
        kept.squares -= x * x;
    }
    *ret = (struct tr_part_result){.change = NAN, .p = 1};
    if (kept.n < 2)
        return;
    double mean = kept.sum / kept.n;
    double variance = fmax(kept.squares - kept.n * mean * mean, 0) / (kept.n - 1);
    double sd = fmax(sqrt(variance), floor_sd);
    ret->change = expm1(x - mean);
    ret->p = tr_student_upper((mean - x) / (sd * sqrt(1 + 1 / kept.n)), kept.n - 1);
}

/* --- parts that trail off -------------------------------------------------------------------- */

static int falling(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Skewness in units of its standard error under normal noise; positive: trails off upwards. */
static double skewness_z(const double *values, size_t n) {
    double mean = 0, square = 0, cube = 0, count = (double)n;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / count;
    for (size_t i = 0; i < n; i++) {
        square += pow(values[i] - mean, 2) / count;
        cube += pow(values[i] - mean, 3) / count;
    }
    return square > 0 ? cube / pow(square, 1.5) / sqrt(6 / count) : 0;
}

/* How likely a gap as wide as that behind the `first` slowest is in an exponential tail: there the
 * gaps of neighbours, times their rank, scatter alike (Renyi), so that the ratio of one to the mean
 * of k others has the F distribution with 2 and 2k degrees of freedom, whose tail is closed. */
static double gap_p(const double *slowness, size_t n, size_t first, double floor_sd) {
    size_t k = (n - first) / 3;
    double sum = 0;
    k = k < 3 ? 3 : k > 20 ? 20 : k;
    if (first + k >= n)
        k = n - first - 1;
    for (size_t i = first; i < first + k; i++)
        sum += (double)(i + 1) * (slowness[i] - slowness[i + 1]);
    double scale = fmax(sum / (double)k, floor_sd);
    double ratio = (slowness[first - 1] - slowness[first]) / scale;
    return pow(1 + ratio / (double)k, -(double)k);
}

/* Student's distribution does not know of parts that trail off to the slow side. Where the parts
 * that were not named do so, only those are still named that a gap sets apart. `x`: larger is
 * better. */
static int spare_tail(const double *x, size_t n, double floor_sd, struct tr_part_result *parts,
                      struct tr_spread *spread) {
    const double clearly = 2, level = 0.03;
    size_t named = spread->n_weak, keep = named;
    double *slowness = malloc((n ? n : 1) * sizeof(*slowness));
    if (!slowness)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        slowness[i] = -x[i];
    qsort(slowness, n, sizeof(*slowness), falling);
    if (skewness_z(slowness + named, n - named) > clearly) {
        while (keep > 0 && gap_p(slowness, n, keep, floor_sd) > level)
            keep--;
        spread->trails_off = true;
        spread->n_weak = 0;
        for (size_t i = 0; i < n; i++) {
            parts[i].weak = parts[i].weak && keep > 0 && -x[i] >= slowness[keep - 1];
            spread->n_weak += parts[i].weak;
        }
    }
    free(slowness);
    return 0;
}

int tr_weak_parts(const double *values, size_t n, bool lower_is_better, double least, double level,
                  struct tr_part_result *ret_parts, struct tr_spread *ret_spread) {
    /* Equal to many digits is what a coarse timer gives, not a spread of nothing. */
    const double floor_sd = 1e-4, cut = 4 * 1.4826;
    double centre = NAN, mad = NAN;
    struct kept kept = {0};
    *ret_spread = (struct tr_spread){.typical = NAN, .spread = NAN, .least_named = NAN};
    double *x = malloc((2 * n + 1) * sizeof(*x));
    if (!x)
        return TR_ENOMEM;
    double *deviation = x + n;
    for (size_t i = 0; i < n; i++)
        x[i] = lower_is_better ? -log(values[i]) : log(values[i]);
    int code = tr_series_median(values, n, &ret_spread->typical);
    if (!code)
        code = tr_series_median(x, n, &centre);
    for (size_t i = 0; i < n; i++)
        deviation[i] = fabs(x[i] - centre);
    if (!code)
        code = tr_series_median(deviation, n, &mad);
    double reach = cut * fmax(mad, floor_sd);
    for (size_t i = 0; !code && i < n; i++) {
        /* About the centre, so that the squares keep their digits. */
        x[i] -= centre;
        if (deviation[i] <= reach) {
            kept.n += 1;
            kept.sum += x[i];
            kept.squares += x[i] * x[i];
        }
    }
    if (!code && kept.n > 1)
        ret_spread->spread =
            sqrt(fmax(kept.squares - kept.sum * kept.sum / kept.n, 0) / (kept.n - 1));
    if (!code && kept.n > 2 && n >= TR_LEAST_PARTS) {
        double sd = fmax(ret_spread->spread, floor_sd) * sqrt(1 + 1 / kept.n);
        double reach_sd = tr_student_quantile(level / (double)n, kept.n - 1);
        ret_spread->least_named = fmax(-expm1(-reach_sd * sd), least);
    }
    for (size_t i = 0; !code && i < n; i++) {
        test_part(x[i], deviation[i] <= reach, kept, floor_sd, &ret_parts[i]);
        ret_parts[i].weak = n >= TR_LEAST_PARTS && ret_parts[i].change <= -least &&
                            ret_parts[i].p <= level / (double)n;
        ret_spread->n_weak += ret_parts[i].weak;
    }
    if (!code && ret_spread->n_weak && ret_spread->n_weak + 3 < n)
        code = spare_tail(x, n, floor_sd, ret_parts, ret_spread);
    free(x);
    return code;
}
