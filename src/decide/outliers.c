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
    free(x);
    return code;
}
