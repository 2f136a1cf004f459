/* Tests of settings measured in several boots, on values by hand and on simulated sessions whose
 * truth is known. Seeds are fixed: a test fails when the code changes, never by chance. */
#include <math.h>

#include "prng.h"
#include "series.h"
#include "simulated.h"
#include "test.h"
#include "tune_statistics.h"

enum { MOST_SETTINGS = 101, MOST_VALUES = 8192 };

static void assert_about(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

struct session {
    struct tr_tune_value values[MOST_VALUES];
    size_t n, n_recordings;
    struct tr_tune_spread spread;
    struct tr_tune_result results[MOST_SETTINGS];
};

/* A recording of rounds with these logarithms. */
static void add(struct session *session, size_t setting, size_t boot, const double *logs,
                size_t n) {
    for (size_t i = 0; i < n; i++)
        session->values[session->n++] =
            (struct tr_tune_value){setting, boot, session->n_recordings, exp(logs[i])};
    session->n_recordings++;
}

static void judge(struct session *session, size_t n_settings, double boots_sd) {
    assert_int_equal(tr_tune_compare(session->values, session->n, n_settings, 0, boots_sd,
                                     &session->spread, session->results),
                     0);
}

#define ADD(session, setting, boot, ...)                       \
    add(session, setting, boot, (const double[]){__VA_ARGS__}, \
        sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

/* Boots of the base at 0, 1, 2; of the other at 4, 5, 6 (times a hundredth): both have variance 1,
 * t = 4 / sqrt(2 / 3), 4 degrees of freedom. */
static void test_by_hand(void **state) {
    (void)state;
    static struct session session;
    session = (struct session){0};
    for (size_t boot = 0; boot < 3; boot++) {
        double base = 0.01 * (double)boot, other = 0.04 + 0.01 * (double)boot;
        ADD(&session, 0, boot, base);
        ADD(&session, 1, 3 + boot, other);
    }
    judge(&session, 2, NAN);
    const struct tr_tune_result *other = &session.results[1];
    assert_int_equal(other->scope, TR_TUNE_ACROSS_BOOTS);
    assert_about(other->p, 2 * tr_student_upper(4 / sqrt(2.0 / 3), 4), 1e-9);
    assert_about(other->change, expm1(0.04), 1e-12);
    double width = 0.01 * sqrt(2.0 / 3) * tr_student_quantile(0.025, 4);
    assert_about(other->change_low, expm1(0.04 - width), 1e-12);
    assert_about(session.spread.between, 0.01, 1e-12);
    assert_true(isnan(session.spread.within));
    assert_about(other->value, exp(0.05), 1e-12);
    assert_true(isnan(session.results[0].change) && isnan(session.results[0].p));
}

/* Rounds of 0, 2, 4 and 1, 3, 5: variance 4 within; boots' means 2 and 3: variance 0.5 between, all
 * of which rounds explain. */
static void test_spread_by_hand(void **state) {
    (void)state;
    static struct session session;
    session = (struct session){0};
    ADD(&session, 0, 0, 0, 0.02, 0.04);
    ADD(&session, 0, 1, 0.01, 0.03, 0.05);
    judge(&session, 1, NAN);
    assert_about(session.spread.within, 0.02, 1e-12);
    assert_int_equal(session.spread.n_within, 4);
    assert_int_equal(session.spread.n_between, 1);
    assert_about(session.spread.between, 0, 1e-12);
}

static void test_few_boots(void **state) {
    (void)state;
    static struct session session;
    session = (struct session){0};
    ADD(&session, 0, 0, 0, 0.001, 0.002);
    ADD(&session, 1, 1, 0.05, 0.051, 0.052);
    judge(&session, 3, NAN);
    assert_int_equal(session.results[1].scope, TR_TUNE_UNTESTED);
    assert_true(isnan(session.results[1].p) && session.results[1].within_boot);
    assert_about(session.results[1].change, expm1(0.05), 1e-12);
    assert_int_equal(session.results[2].n_boots, 0);
    assert_true(isnan(session.results[2].value) && isnan(session.results[2].change));
    /* A known spread is enough: z = 0.05 / (0.01 sqrt 2), rounds add a little. */
    judge(&session, 3, 0.01);
    assert_int_equal(session.results[1].scope, TR_TUNE_KNOWN_SPREAD);
    assert_true(session.results[1].p < 0.001 && session.results[1].p > 0.0003);
    judge(&session, 3, 0.05);
    assert_true(session.results[1].p > 0.4);
    /* Three boots of one setting do not help the other one. */
    ADD(&session, 1, 2, 0.05);
    ADD(&session, 1, 3, 0.05);
    judge(&session, 3, NAN);
    assert_int_equal(session.results[1].scope, TR_TUNE_UNTESTED);
}

/* Three recordings each of one boot are set against each other, whatever other boots say. */
static void test_one_boot(void **state) {
    (void)state;
    static struct session session;
    session = (struct session){0};
    for (size_t i = 0; i < 3; i++) {
        double drift = 0.001 * (double)i;
        ADD(&session, 0, 7, drift, drift);
        ADD(&session, 1, 7, drift - 0.03, drift - 0.03);
        ADD(&session, 2, 7, drift + 0.0005, drift + 0.0005);
    }
    judge(&session, 3, NAN);
    assert_int_equal(session.results[1].scope, TR_TUNE_ONE_BOOT);
    assert_true(session.results[1].p < 1e-4 && session.results[1].change < -0.02);
    assert_int_equal(session.results[2].scope, TR_TUNE_ONE_BOOT);
    assert_true(session.results[2].p > 0.3);
    /* With a recording of the base less it is a single boot again. */
    session.n -= 2;
    session.n_recordings--;
    judge(&session, 3, NAN);
    assert_int_equal(session.results[1].scope, TR_TUNE_ONE_BOOT);
    assert_int_equal(session.results[2].scope, TR_TUNE_UNTESTED);
}

static struct tr_tune_progress progress_of(const struct session *session, size_t rival,
                                           double boots_sd) {
    struct tr_tune_progress progress = {0};
    assert_int_equal(tr_tune_enough(session->values, session->n, 2, session->n_recordings - 1,
                                    rival, boots_sd, &progress),
                     0);
    return progress;
}

/* When a recording may end. Rounds of +-1% each, 3 of the rival's. */
static void test_enough(void **state) {
    (void)state;
    static struct session session;
    const size_t none = (size_t)-1;
    session = (struct session){0};
    ADD(&session, 0, 0, -0.01, 0, 0.01);
    assert_int_equal(progress_of(&session, none, NAN).need, TR_TUNE_MORE);
    ADD(&session, 1, 1, 0.09, 0.10);
    assert_int_equal(progress_of(&session, 0, NAN).need, TR_TUNE_MORE); /* two rounds */
    session.n -= 2;
    session.n_recordings--;
    ADD(&session, 1, 1, 0.09, 0.10, 0.11);
    struct tr_tune_progress apart = progress_of(&session, 0, NAN);
    assert_int_equal(apart.need, TR_TUNE_SEPARATED);
    assert_about(apart.difference, 0.1, 1e-9);
    double error = 0.011 * sqrt(2.0 / 3);
    assert_about(apart.half_width, error * tr_student_quantile(0.025, 4), 1e-9);
    session.n -= 3;
    session.n_recordings--;
    ADD(&session, 1, 1, -0.005, 0.005, 0.015);
    assert_int_equal(progress_of(&session, 0, NAN).need, TR_TUNE_MORE);
    /* Boots that differ by 10%: no number of rounds tells 0.5% apart. */
    assert_int_equal(progress_of(&session, 0, 0.10).need, TR_TUNE_HOPELESS);
    session = (struct session){0};
    ADD(&session, 0, 0, -0.0001, 0, 0.0001);
    assert_int_equal(progress_of(&session, none, NAN).need, TR_TUNE_ALIKE);
    ADD(&session, 1, 1, -0.0001, 0.00005, 0.0001);
    assert_int_equal(progress_of(&session, 0, NAN).need, TR_TUNE_ALIKE);
}

/* --- simulated sessions ---------------------------------------------------------------------- */

static void simulate(struct session *session, struct tr_prng *prng, size_t n_settings, int shape,
                     double within, double between, double gain) {
    session->n = session->n_recordings = 0;
    for (size_t s = 0; s < n_settings; s++) {
        for (size_t b = 0; b < 3; b++) {
            double boot = between * sim_noise(prng, shape), logs[5];
            for (size_t r = 0; r < 5; r++)
                logs[r] = boot + within * sim_noise(prng, shape) + (s == 1 ? gain : 0);
            add(session, s, 3 * s + b, logs, 5);
        }
    }
}

/* What is called better, and what worse, after the correction. */
static void count(const struct session *session, size_t n_settings, size_t *better, size_t *worse) {
    double p[MOST_SETTINGS];
    for (size_t s = 1; s < n_settings; s++) {
        assert_int_equal(session->results[s].scope, TR_TUNE_ACROSS_BOOTS);
        p[s - 1] = session->results[s].p;
    }
    assert_int_equal(tr_holm(p, n_settings - 1), 0);
    for (size_t s = 1; s < n_settings; s++) {
        *better += p[s - 1] <= TR_TUNE_LEVEL && session->results[s].change > 0;
        *worse += p[s - 1] <= TR_TUNE_LEVEL && session->results[s].change < 0;
    }
}

/* 0.2% within, 1.5% between boots, no gain: at most 5 false ones in 100 settings, and at most 5
 * sessions in 100 with any. */
static void test_no_false_gain(void **state) {
    (void)state;
    static struct session session;
    static const size_t sizes[] = {2, 3, 6, 11, 101};
    for (int shape = 0; shape <= SIM_SKEWED_UP; shape++) {
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            size_t n = sizes[k], better = 0, worse = 0, sessions = 0, trials = n > 50 ? 40 : 400;
            struct tr_prng prng = {20261125};
            for (size_t t = 0; t < trials; t++) {
                size_t before = better;
                simulate(&session, &prng, n, shape, 0.002, 0.015, 0);
                judge(&session, n, NAN);
                count(&session, n, &better, &worse);
                sessions += better > before;
            }
            double settings = (double)(trials * (n - 1));
            printf("%zu settings alike, %s noise: better %.2f, worse %.2f in 100 settings; any "
                   "better in %.1f of 100 sessions\n",
                   n - 1, sim_names[shape], 100 * (double)better / settings,
                   100 * (double)worse / settings, 100 * (double)sessions / (double)trials);
            assert_true((double)better <= 0.05 * settings);
            assert_true((double)sessions <= 0.05 * (double)trials);
        }
    }
}

/* One setting at the edge, which scatters five times as much: not better by that. */
static void test_uneven_spread(void **state) {
    (void)state;
    static struct session session;
    struct tr_prng prng = {3};
    size_t better = 0, worse = 0;
    for (int t = 0; t < 1000; t++) {
        simulate(&session, &prng, 6, SIM_NORMAL, 0.002, 0.003, 0);
        for (size_t i = 0; i < session.n; i++)
            if (session.values[i].setting == 1)
                session.values[i].value = pow(session.values[i].value, 5);
        judge(&session, 6, NAN);
        double p = session.results[1].p * 5;
        better += p <= TR_TUNE_LEVEL && session.results[1].change > 0;
        worse += p <= TR_TUNE_LEVEL && session.results[1].change < 0;
    }
    printf("one of 5 settings scatters 5 times as much: better %.1f, worse %.1f of 100\n",
           (double)better / 10, (double)worse / 10);
    assert_true(better <= 50 && worse <= 50);
}

/* A real gain is found as often as so few boots allow. */
static void test_real_gain(void **state) {
    (void)state;
    static struct session session;
    static const struct {
        double between, gain, least;
    } rows[] = {{0.003, 0.03, 0.99}, {0.003, 0.01, 0.5}, {0.015, 0.06, 0.8}};
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct tr_prng prng = {9};
        int found = 0;
        for (int t = 0; t < 400; t++) {
            size_t better = 0, worse = 0;
            simulate(&session, &prng, 4, SIM_NORMAL, 0.002, rows[k].between, rows[k].gain);
            judge(&session, 4, NAN);
            count(&session, 4, &better, &worse);
            found += session.results[1].p * 3 <= TR_TUNE_LEVEL && session.results[1].change > 0;
        }
        printf("gain of %.0f%%, %.1f%% between boots: found in %.1f%%\n", 100 * rows[k].gain,
               100 * rows[k].between, found / 4.0);
        assert_true(found >= rows[k].least * 400);
    }
}

/* Both spreads come out as they were put in. */
static void test_spreads(void **state) {
    (void)state;
    static struct session session;
    struct tr_prng prng = {17};
    double within = 0, between = 0;
    for (int t = 0; t < 200; t++) {
        simulate(&session, &prng, 6, SIM_NORMAL, 0.002, 0.015, 0);
        judge(&session, 6, NAN);
        within += session.spread.within * session.spread.within / 200;
        between += session.spread.between * session.spread.between / 200;
    }
    assert_about(sqrt(within), 0.002, 0.00005);
    assert_about(sqrt(between), 0.015, 0.0005);
    /* What looks like a spread between boots is rounds alone. */
    between = 0;
    for (int t = 0; t < 200; t++) {
        simulate(&session, &prng, 6, SIM_NORMAL, 0.01, 0, 0);
        judge(&session, 6, NAN);
        between += session.spread.between * session.spread.between / 200;
    }
    assert_true(sqrt(between) < 0.002);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),       cmocka_unit_test(test_spread_by_hand),
        cmocka_unit_test(test_few_boots),     cmocka_unit_test(test_one_boot),
        cmocka_unit_test(test_enough),        cmocka_unit_test(test_spreads),
        cmocka_unit_test(test_real_gain),     cmocka_unit_test(test_uneven_spread),
        cmocka_unit_test(test_no_false_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
