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
    struct tr_summary summary = {n, NAN, NAN, NAN, {NAN, NAN}};
    if (n) {
        double *sorted = malloc(n * sizeof(*sorted));
        if (!sorted)
            return TR_ENOMEM;
        memcpy(sorted, samples, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare);
        size_t rank = interval_rank(n);
        summary.best = sorted[n - 1];
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
