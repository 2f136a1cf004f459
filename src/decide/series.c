#include "series.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "prng.h"
#include "tokenroof/err.h"

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int tr_series_median(const double *values, size_t n, double *ret_median) {
    double *sorted = n ? malloc(n * sizeof(*sorted)) : NULL;
    if (n && !sorted)
        return TR_ENOMEM;
    if (sorted) {
        memcpy(sorted, values, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), rising);
    }
    *ret_median = n ? (sorted[(n - 1) / 2] + sorted[n / 2]) / 2 : NAN;
    free(sorted);
    return 0;
}

double tr_series_middle(double *values, size_t n) {
    double cut = (double)n / 4, sum = 0, weight = 0;
    qsort(values, n, sizeof(*values), rising);
    for (size_t i = 0; i < n; i++) {
        /* The part of [i, i+1] that lies within [cut, n - cut]. */
        double from = fmax((double)i, cut), to = fmin((double)i + 1, (double)n - cut);
        if (to > from) {
            sum += values[i] * (to - from);
            weight += to - from;
        }
    }
    return weight > 0 ? sum / weight : NAN;
}

/* --- rank test ------------------------------------------------------------------------------- */

/* Pooled values with their origin, then twice their midranks (whole numbers even with ties). */
struct ranked {
    double value;
    bool of_a;
    size_t rank2;
};

static int rising_ranked(const void *a, const void *b) {
    double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;
    return (x > y) - (x < y);
}

/* Returns the sum of t^3 - t over groups of t equal values. */
static double rank_all(struct ranked *all, size_t n) {
    double ties = 0;
    qsort(all, n, sizeof(*all), rising_ranked);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && all[end].value == all[i].value)
            end++;
        for (size_t k = i; k < end; k++)
            all[k].rank2 = i + 1 + end; /* twice the mean of i+1 .. end */
        double t = (double)(end - i);
        ties += t * t * t - t;
        i = end;
    }
    return ties;
}

/* Of all ways to pick n_a of the ranks, the shares whose sum is at most / at least `sum2`. */
static int exact_tails(const struct ranked *all, size_t n, size_t n_a, size_t sum2,
                       double ret_tails[2]) {
    size_t most = n * (n + 1); /* twice the sum of all ranks */
    double *ways = calloc((n_a + 1) * (most + 1), sizeof(*ways));
    if (!ways)
        return TR_ENOMEM;
    ways[0] = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = n_a < i + 1 ? n_a : i + 1; k >= 1; k--)
            for (size_t s = most; s >= all[i].rank2; s--)
                ways[k * (most + 1) + s] += ways[(k - 1) * (most + 1) + s - all[i].rank2];
    double total = 0, low = 0, high = 0;
    for (size_t s = 0; s <= most; s++) {
        double count = ways[n_a * (most + 1) + s];
        total += count;
        low += s <= sum2 ? count : 0;
        high += s >= sum2 ? count : 0;
    }
    free(ways);
    ret_tails[0] = low / total;
    ret_tails[1] = high / total;
    return 0;
}

static double normal_p(double sum, double n_a, double n_b, double ties) {
    double n = n_a + n_b;
    double mean = n_a * (n + 1) / 2;
    double variance = n_a * n_b / 12 * (n + 1 - ties / (n * (n - 1)));
    double distance = fmax(fabs(sum - mean) - 0.5, 0);
    return variance > 0 ? tr_normal_two_sided(distance / sqrt(variance)) : 1;
}

int tr_rank_test(const double *a, size_t n_a, const double *b, size_t n_b, double *ret_p) {
    size_t n = n_a + n_b, sum2 = 0;
    double tails[2];
    int code = 0;
    *ret_p = 1;
    if (n_a == 0 || n_b == 0)
        return 0;
    struct ranked *all = malloc(n * sizeof(*all));
    if (!all)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        all[i] = (struct ranked){.value = i < n_a ? a[i] : b[i - n_a], .of_a = i < n_a};
    double ties = rank_all(all, n);
    for (size_t i = 0; i < n; i++)
        sum2 += all[i].of_a ? all[i].rank2 : 0;
    if (n > TR_RANK_EXACT) {
        *ret_p = normal_p((double)sum2 / 2, (double)n_a, (double)n_b, ties);
    } else {
        code = exact_tails(all, n, n_a, sum2, tails);
        if (!code)
            *ret_p = fmin(1, 2 * fmin(tails[0], tails[1]));
    }
    free(all);
    return code;
}

double tr_rank_test_least(size_t n_a, size_t n_b) {
    double ways = 1; /* C(n_a + n_b, n_a) */
    for (size_t i = 1; i <= n_a; i++)
        ways = ways * (double)(n_b + i) / (double)i;
    return fmin(1, 2 / ways);
}

struct moments {
    double mean, error2; /* of logarithms; squared standard error of the mean */
};

static struct moments moments_of(const double *values, size_t n) {
    struct moments of = {0};
    for (size_t i = 0; i < n; i++)
        of.mean += log(values[i]) / (double)n;
    for (size_t i = 0; i < n; i++)
        of.error2 += pow(log(values[i]) - of.mean, 2) / (double)n / (double)(n - 1);
    return of;
}

double tr_student_test(const double *a, size_t n_a, const double *b, size_t n_b) {
    if (n_a < 2 || n_b < 2)
        return 1;
    struct moments of_a = moments_of(a, n_a), of_b = moments_of(b, n_b);
    double error2 = of_a.error2 + of_b.error2, distance = fabs(of_a.mean - of_b.mean);
    if (!(error2 > 0))
        return distance > 0 ? 0 : 1;
    /* Welch and Satterthwaite's degrees of freedom. */
    double df = error2 * error2 /
                (of_a.error2 * of_a.error2 / (double)(n_a - 1) +
                 of_b.error2 * of_b.error2 / (double)(n_b - 1));
    return fmin(1, 2 * tr_student_upper(distance / sqrt(error2), df));
}

int tr_holm(double *p, size_t n) {
    bool *done = calloc(n ? n : 1, sizeof(*done));
    double before = 0;
    if (!done)
        return TR_ENOMEM;
    for (size_t step = 0; step < n; step++) {
        size_t least = n;
        for (size_t i = 0; i < n; i++)
            if (!done[i] && (least == n || p[i] < p[least]))
                least = i;
        done[least] = true;
        before = fmax(before, fmin(1, p[least] * (double)(n - step)));
        p[least] = before;
    }
    free(done);
    return 0;
}

/* --- intervals ------------------------------------------------------------------------------- */

enum { RESAMPLES = 2000 };

/* Of values in rising order; `counts` says how often each was drawn. */
static double resampled_middle(struct tr_prng *prng, const double *sorted, size_t n,
                               size_t *counts) {
    double cut = (double)n / 4, sum = 0, weight = 0, at = 0;
    memset(counts, 0, n * sizeof(*counts));
    for (size_t i = 0; i < n; i++)
        counts[tr_prng_below(prng, n)]++;
    for (size_t i = 0; i < n; i++) {
        double from = fmax(at, cut), to = fmin(at += (double)counts[i], (double)n - cut);
        if (to > from) {
            sum += sorted[i] * (to - from);
            weight += to - from;
        }
    }
    return sum / weight;
}

/* How much wider than its percentiles the interval has to be. */
static double widening(size_t n_a, size_t n_b) {
    double least = (double)(n_a < n_b ? n_a : n_b);
    double df = (double)(n_a + n_b) - 2;
    return sqrt(least / (least - 1)) * tr_student_quantile(0.025, df) / 1.959964;
}

int tr_bootstrap_change(const double *a, size_t n_a, const double *b, size_t n_b, uint64_t seed,
                        double *ret_change, double interval[2]) {
    size_t n = n_a + n_b;
    double *logs = malloc((n + RESAMPLES) * sizeof(*logs));
    size_t *counts = malloc((n ? n : 1) * sizeof(*counts));
    int code = logs && counts ? 0 : TR_ENOMEM;
    interval[0] = interval[1] = NAN;
    for (size_t i = 0; !code && i < n; i++)
        logs[i] = log(i < n_a ? a[i] : b[i - n_a]);
    if (!code) {
        double *changes = logs + n;
        struct tr_prng prng = {seed};
        double change = tr_series_middle(logs + n_a, n_b) - tr_series_middle(logs, n_a);
        for (size_t i = 0; n_a > 1 && n_b > 1 && i < RESAMPLES; i++)
            changes[i] = resampled_middle(&prng, logs + n_a, n_b, counts) -
                         resampled_middle(&prng, logs, n_a, counts);
        if (n_a > 1 && n_b > 1) {
            double factor = widening(n_a, n_b);
            qsort(changes, RESAMPLES, sizeof(*changes), rising);
            interval[0] = expm1(change + factor * (changes[RESAMPLES / 40] - change));
            interval[1] =
                expm1(change + factor * (changes[RESAMPLES - 1 - RESAMPLES / 40] - change));
        }
        *ret_change = expm1(change);
    }
    free(logs);
    free(counts);
    return code;
}

static double squares_of(const double *values, size_t n) {
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += log(values[i]) / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += (log(values[i]) - mean) * (log(values[i]) - mean);
    return sum;
}

double tr_series_spread(const double *a, size_t n_a, const double *b, size_t n_b) {
    if (n_a == 0 || n_b == 0 || n_a + n_b < 3)
        return NAN;
    return sqrt((squares_of(a, n_a) + squares_of(b, n_b)) / (double)(n_a + n_b - 2));
}

double tr_least_detectable(double spread, size_t n_a, size_t n_b, double level) {
    if (n_a == 0 || n_b == 0 || tr_rank_test_least(n_a, n_b) > level)
        return NAN;
    double df = (double)(n_a + n_b) - 2;
    double error = spread * sqrt(1 / (double)n_a + 1 / (double)n_b);
    /* The rank test needs pi / 3 times the values of a t test under normal noise. */
    error *= sqrt(acos(-1) / 3);
    return expm1((tr_student_quantile(level / 2, df) + tr_student_quantile(0.2, df)) * error);
}

/* --- distributions --------------------------------------------------------------------------- */

double tr_normal_two_sided(double z) {
    return erfc(fabs(z) / sqrt(2));
}

/* Continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22). */
static double beta_fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double result = d;
    for (int m = 1; m <= 300; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double before = result;
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        result *= d * (fabs(c) < tiny ? tiny : c);
        d = 1 + odd * d;
        c = 1 + odd / (fabs(c) < tiny ? tiny : c);
        d = 1 / (fabs(d) < tiny ? tiny : d);
        result *= d * c;
        if (fabs(result - before) <= 1e-15 * fabs(result))
            break;
    }
    return result;
}

/* Regularised incomplete beta function I_x(a, b). */
static double beta_share(double a, double b, double x) {
    if (x <= 0 || x >= 1)
        return x >= 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double tr_student_upper(double t, double df) {
    double tail = beta_share(df / 2, 0.5, df / (df + t * t)) / 2;
    return t >= 0 ? tail : 1 - tail;
}

double tr_student_quantile(double p, double df) {
    double low = 0, high = 1;
    while (tr_student_upper(high, df) > p && high < 1e12)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-12 * high; i++) {
        double middle = (low + high) / 2;
        if (tr_student_upper(middle, df) > p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
