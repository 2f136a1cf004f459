#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenroof/err.h"

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_sorted(const double *sorted, size_t n) {
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Largest k with P(Binomial(n, 1/2) < k) <= 2.5%: the k-th smallest and the k-th largest sample
 * enclose the median with at least 95%. 0 if there is none (n < 6). */
static size_t interval_rank(size_t n) {
    double term = pow(0.5, (double)n), sum = 0; /* term = C(n, k) / 2^n */
    size_t k = 0;
    if (term == 0) /* n > 1074: the normal approximation is good there */
        return (size_t)((double)n / 2 - 0.98 * sqrt((double)n));
    while (sum + term <= 0.025) {
        sum += term;
        term = term * (double)(n - k) / (double)(k + 1);
        k++;
    }
    return k;
}

int tr_summarize(const double *samples, size_t n, struct tr_summary *ret_summary) {
    struct tr_summary summary = {n, NAN, NAN, NAN, {NAN, NAN}, NAN};
    if (n) {
        double *sorted = malloc(n * sizeof(*sorted));
        if (!sorted)
            return TR_ENOMEM;
        memcpy(sorted, samples, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare);
        size_t rank = interval_rank(n);
        summary.best = sorted[n - 1];
        summary.least = sorted[0];
        summary.median = median_of_sorted(sorted, n);
        summary.ci95[0] = sorted[rank ? rank - 1 : 0];
        summary.ci95[1] = sorted[rank ? n - rank : n - 1];
        for (size_t i = 0; i < n; i++)
            sorted[i] = fabs(samples[i] - summary.median);
        qsort(sorted, n, sizeof(*sorted), compare);
        summary.mad = median_of_sorted(sorted, n);
        free(sorted);
    }
    *ret_summary = summary;
    return 0;
}

double tr_summary_relative_half_width(const struct tr_summary *summary) {
    return (summary->ci95[1] - summary->ci95[0]) / 2 / summary->median;
}

/* The split of sorted samples with the least scatter within both sides: index of the upper side's
 * first sample, and the two means and the pooled standard deviation. */
struct split {
    size_t at;
    double lower, upper, deviation;
};

static struct split best_split(const double *sorted, size_t n, size_t least) {
    struct split best = {.deviation = INFINITY};
    double total = 0, total_squares = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) { /* relative to the first, against cancellation */
        double x = sorted[i] - sorted[0];
        total += x;
        total_squares += x * x;
    }
    for (size_t k = 1; k + least <= n; k++) {
        double x = sorted[k - 1] - sorted[0];
        sum += x;
        squares += x * x;
        if (k < least)
            continue;
        double n_lower = (double)k, n_upper = (double)(n - k), rest = total - sum;
        double within =
            squares - sum * sum / n_lower + total_squares - squares - rest * rest / n_upper;
        double deviation = sqrt(fmax(within, 0) / (double)(n - 2));
        if (deviation < best.deviation)
            best =
                (struct split){k, sorted[0] + sum / n_lower, sorted[0] + rest / n_upper, deviation};
    }
    return best;
}

bool tr_two_modes(const double *samples, size_t n, struct tr_modes *ret_modes) {
    enum { LEAST_SAMPLES = 12 };
    static const double separation = 6, gap_by_n = 60, least_gap = 0.5, relevant = 0.01;
    if (n < LEAST_SAMPLES)
        return false;
    double *sorted = malloc(n * sizeof(*sorted));
    if (!sorted)
        return false;
    memcpy(sorted, samples, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), compare);
    size_t fifth = (n + 4) / 5, least = fifth > 3 ? fifth : 3;
    struct split split = best_split(sorted, n, least);
    double gap = sorted[split.at] - sorted[split.at - 1];
    double apart = split.upper - split.lower, median = median_of_sorted(sorted, n);
    free(sorted);
    if (!(apart > separation * split.deviation) || !(apart > relevant * fabs(median)) ||
        !(gap > fmax(least_gap, gap_by_n / (double)n) * split.deviation))
        return false;
    *ret_modes = (struct tr_modes){split.lower, split.upper, (double)split.at / (double)n};
    return true;
}
