#include "test.h"

#include <math.h>

#include "statistics.h"

static void summary_of_known_series(void **state) {
    (void)state;
    const double samples[] = {5, 1, 9, 3, 7};
    struct tr_summary s;
    assert_int_equal(tr_summarize(samples, 5, &s), 0);
    assert_true(s.n == 5 && s.best == 9 && s.least == 1 && s.median == 5 && s.mad == 2);
    /* Five samples cannot enclose the median with 95%: the whole range. */
    assert_true(s.ci95[0] == 1 && s.ci95[1] == 9);
    const double even[] = {4, 1, 3, 2};
    assert_int_equal(tr_summarize(even, 4, &s), 0);
    assert_true(s.median == 2.5);
}

static void nothing_is_unknown(void **state) {
    (void)state;
    struct tr_summary s;
    assert_int_equal(tr_summarize(NULL, 0, &s), 0);
    assert_true(s.n == 0 && isnan(s.median) && isnan(s.best) && isnan(s.ci95[0]));
}

/* Ranks from the table of the sign test: n = 6: 1, 9: 2, 15: 4, 21: 6, 50: 18. */
static void interval_ranks(void **state) {
    (void)state;
    static const struct {
        size_t n, rank;
    } rows[] = {{6, 1}, {8, 1}, {9, 2}, {12, 3}, {15, 4}, {20, 6}, {21, 6}, {25, 8}, {50, 18}};
    double samples[50];
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct tr_summary s;
        for (size_t i = 0; i < rows[r].n; i++) /* 1..n, shuffled by a step prime to n */
            samples[i] = (double)(i * 31 % rows[r].n) + 1;
        assert_int_equal(tr_summarize(samples, rows[r].n, &s), 0);
        assert_true(s.ci95[0] == (double)rows[r].rank);
        assert_true(s.ci95[1] == (double)(rows[r].n + 1 - rows[r].rank));
    }
}

static uint64_t next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* The promise itself, on skewed noise with a known median: covered in at least 95% of series, less
 * the error of 2000 trials. Seed fixed. */
static void interval_covers_the_median(void **state) {
    (void)state;
    enum { TRIALS = 2000, N = 15 };
    uint64_t random = 7;
    int covered = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double samples[N];
        struct tr_summary s;
        for (int i = 0; i < N; i++) { /* exponential, median ln 2 */
            double u = ((double)next(&random) + 0.5) / 2147483648.0;
            samples[i] = -log(u);
        }
        assert_int_equal(tr_summarize(samples, N, &s), 0);
        covered += s.ci95[0] <= log(2) && log(2) <= s.ci95[1];
    }
    assert_true(covered >= (int)(TRIALS * 0.94));
    assert_true(covered <= (int)(TRIALS * 0.99)); /* and it is not the whole range either */
}

static void large_series(void **state) {
    (void)state;
    enum { N = 4000 };
    double *samples = malloc(N * sizeof(*samples));
    struct tr_summary s;
    assert_non_null(samples);
    for (int i = 0; i < N; i++)
        samples[i] = i;
    assert_int_equal(tr_summarize(samples, N, &s), 0);
    /* n / 2 - 0.98 sqrt(n) = 1938 */
    assert_true(s.ci95[0] > 1930 && s.ci95[0] < 1945);
    assert_true(tr_summary_relative_half_width(&s) > 0.02);
    free(samples);
}

static double uniform(uint64_t *random) {
    return ((double)next(random) + 0.5) / 2147483648.0;
}

/* One of four shapes with one mode, around 100. */
static double one_mode(uint64_t *random, int shape) {
    double u = uniform(random), v = uniform(random);
    double normal = sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
    return shape == 0   ? 100 + 4 * normal
           : shape == 1 ? 90 + 20 * u
           : shape == 2 ? 100 + 10 * log(u) /* a floor of disturbance below the best */
                        : 110 - 10 * exp(0.7 * normal);
}

/* Called bimodal: hardly ever with one mode, nearly always with two that are far apart. */
static void modes_are_told(void **state) {
    (void)state;
    enum { TRIALS = 2000 };
    static const size_t sizes[] = {12, 20, 50, 200};
    double samples[200];
    uint64_t random = 12345;
    struct tr_modes modes;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        size_t n = sizes[k];
        int false_alarms = 0, found = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            for (size_t i = 0; i < n; i++)
                samples[i] = one_mode(&random, trial % 4);
            false_alarms += tr_two_modes(samples, n, &modes);
            for (size_t i = 0; i < n; i++)
                samples[i] = one_mode(&random, 1) / 10 + (i % 3 ? 0 : 20);
            found += tr_two_modes(samples, n, &modes) && modes.lower > 9 && modes.lower < 11 &&
                     modes.upper > 29 && modes.upper < 31 &&
                     fabs(modes.lower_share - 2.0 / 3) < 0.1;
        }
        if (false_alarms > TRIALS / 100 || found < TRIALS * 95 / 100)
            fail_msg("%zu samples: %d false alarms, %d found of %d", n, false_alarms, found,
                     TRIALS);
    }
    assert_false(tr_two_modes(samples, 9, &modes)); /* too few to tell */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_of_known_series),
        cmocka_unit_test(nothing_is_unknown),
        cmocka_unit_test(interval_ranks),
        cmocka_unit_test(interval_covers_the_median),
        cmocka_unit_test(large_series),
        cmocka_unit_test(modes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
