/* Comparisons of sets of runs: on simulated runs whose truth is known, and on calibrations. */
#include <math.h>

#include <jansson.h>

#include "changes.h"
#include "compare.h"
#include "series.h"
#include "simulated.h"
#include "test.h"

enum { FIGURES = 12, HEADLINES = 2 };

/* What one run says of a figure: its own truth differs from run to run, samples within it too. */
static double simulate_run(struct tr_prng *prng, int shape, double truth, double between) {
    double samples[10], run = truth * (1 + between * sim_noise(prng, shape));
    for (size_t k = 0; k < 10; k++)
        samples[k] = run * (1 + 0.003 * sim_noise(prng, shape));
    return tr_series_middle(samples, 10);
}

/* `n` runs a side of twelve figures; the figure `changed` (if any) is 1% slower in the second set.
 */
static void simulate_sets(struct tr_figures *figures, struct tr_prng *prng, int shape,
                          double between, size_t n, size_t changed) {
    tr_figures_init(figures, 2);
    for (size_t i = 0; i < FIGURES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "figure %zu", i);
        for (size_t set = 0; set < 2; set++) {
            for (size_t run = 0; run < n; run++) {
                double truth = i == changed && set == 1 ? 99 : 100;
                struct tr_run_figure one = {.value = simulate_run(prng, shape, truth, between),
                                            .error = NAN};
                assert_int_equal(
                    tr_figures_add(figures, set, name, "GB/s",
                                   i < HEADLINES ? TR_FIGURE_HEADLINE : TR_FIGURE_OTHER, false,
                                   &one),
                    0);
            }
        }
    }
}

static const struct tr_compare_options plain = {.threshold = 0.005, .runs_sd = NAN};
static const struct tr_compare_options *options_of_simulation = &plain;

/* Comparisons out of 100 in which something is called different / the changed figure is found. */
static void count_alarms(int shape, double between, size_t n, size_t changed, int *ret_any,
                         int *ret_found) {
    struct tr_prng prng = {99};
    *ret_any = *ret_found = 0;
    for (int trial = 0; trial < 100; trial++) {
        struct tr_figures figures;
        struct tr_comparison comparison;
        bool any = false;
        simulate_sets(&figures, &prng, shape, between, n, changed);
        assert_int_equal(tr_compare(&figures, options_of_simulation, &comparison), 0);
        assert_int_equal(comparison.n, FIGURES);
        for (size_t i = 0; i < FIGURES; i++) {
            bool different = comparison.items[i].verdict != TR_SAME;
            *ret_found += i == changed && comparison.items[i].verdict == TR_REGRESSION;
            any |= different && i != changed;
        }
        *ret_any += any;
        tr_comparison_finish(&comparison);
        tr_figures_finish(&figures);
    }
}

static void test_false_alarms(void **state) {
    (void)state;
    static const double betweens[] = {0.003, 0.03};
    static const size_t sizes[] = {5, 20};
    for (int shape = 0; shape < SIM_SHAPES; shape++) {
        for (size_t k = 0; k < 2; k++) {
            for (size_t s = 0; s < 2; s++) {
                int any, found;
                count_alarms(shape, betweens[k], sizes[s], FIGURES, &any, &found);
                printf("%s, %.1f%% between runs, %zu runs: %d false alarms in 100\n",
                       sim_names[shape], 100 * betweens[k], sizes[s], any);
                assert_in_range(any, 0, 5);
            }
        }
    }
}

static void test_one_percent(void **state) {
    (void)state;
    for (int shape = 0; shape < SIM_SHAPES; shape++) {
        int any, found;
        count_alarms(shape, 0.003, 20, FIGURES - 1, &any, &found);
        printf("%s: 1%% found in %d of 100, other figures accused in %d\n", sim_names[shape], found,
               any);
        assert_in_range(found, 90, 100);
        assert_in_range(any, 0, 5);
        /* Five runs a side judge a headline. */
        count_alarms(shape, 0.003, 5, 0, &any, &found);
        printf("%s: 1%% of a headline, 5 runs a side: found in %d of 100\n", sim_names[shape],
               found);
        assert_in_range(found, 80, 100);
    }
}

/* With a known deviation between runs one run a side judges; its noise may have tails. */
static void test_known_deviation(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 3, 5};
    for (int shape = 0; shape < SIM_SHAPES; shape++) {
        for (size_t s = 0; s < 3; s++) {
            int any, found;
            options_of_simulation = &(struct tr_compare_options){
                .threshold = 0.005, .runs_sd = hypot(0.003, 0.003 / sqrt(8))};
            count_alarms(shape, 0.003, sizes[s], FIGURES, &any, &found);
            printf("%s, known deviation, %zu runs: %d false alarms in 100\n", sim_names[shape],
                   sizes[s], any);
            assert_in_range(any, 0, 5);
            count_alarms(shape, 0.003, 5, 0, &any, &found);
            printf("%s, known deviation: 1%% of a headline, 5 runs a side: found in %d of 100\n",
                   sim_names[shape], found);
            assert_in_range(found, 90, 100);
            options_of_simulation = &plain;
        }
    }
}

/* --- rules, on figures written down ---------------------------------------------------------- */

static void add_runs(struct tr_figures *figures, size_t set, const char *name, const char *unit,
                     enum tr_figure_kind kind, size_t n, double first, double step,
                     bool untrusted) {
    for (size_t i = 0; i < n; i++) {
        struct tr_run_figure run = {
            .value = first + step * (double)i, .error = NAN, .untrusted = untrusted};
        assert_int_equal(tr_figures_add(figures, set, name, unit, kind, !strcmp(unit, "ns"), &run),
                         0);
    }
}

static void compare(struct tr_figures *figures, const struct tr_compare_options *options,
                    struct tr_comparison *comparison) {
    assert_int_equal(tr_compare(figures, options, comparison), 0);
}

static void test_direction_and_threshold(void **state) {
    (void)state;
    struct tr_figures figures;
    struct tr_comparison comparison;
    tr_figures_init(&figures, 2);
    add_runs(&figures, 0, "latency", "ns", TR_FIGURE_HEADLINE, 6, 100, 0.1, false);
    add_runs(&figures, 1, "latency", "ns", TR_FIGURE_HEADLINE, 6, 102, 0.1, false);
    add_runs(&figures, 0, "read", "GB/s", TR_FIGURE_HEADLINE, 6, 100, 0.1, false);
    add_runs(&figures, 1, "read", "GB/s", TR_FIGURE_HEADLINE, 6, 102, 0.1, false);
    compare(&figures, &plain, &comparison);
    assert_int_equal(comparison.items[0].verdict, TR_REGRESSION);
    assert_true(comparison.items[0].worse && comparison.regression);
    assert_true(fabs(comparison.items[0].change - 0.02) < 0.001);
    assert_int_equal(comparison.items[1].verdict, TR_CHANGED);
    assert_false(comparison.items[1].worse);
    tr_comparison_finish(&comparison);
    struct tr_compare_options coarse = plain;
    coarse.threshold = 0.03;
    compare(&figures, &coarse, &comparison);
    assert_int_equal(comparison.items[0].verdict, TR_CHANGED);
    assert_non_null(strstr(comparison.items[0].why, "below the threshold of 3%"));
    assert_false(comparison.regression);
    tr_comparison_finish(&comparison);
    tr_figures_finish(&figures);
}

/* A clear difference is a regression from five runs a side on, or with a known standard deviation.
 */
static void test_number_of_runs(void **state) {
    (void)state;
    struct tr_compare_options known = plain;
    known.runs_sd = 0.003;
    for (size_t n = 1; n <= 6; n++) {
        struct tr_figures figures;
        struct tr_comparison comparison;
        tr_figures_init(&figures, 2);
        add_runs(&figures, 0, "read", "GB/s", TR_FIGURE_HEADLINE, n, 100, 0.1, false);
        add_runs(&figures, 1, "read", "GB/s", TR_FIGURE_HEADLINE, n, 97, 0.1, false);
        compare(&figures, &plain, &comparison);
        const struct tr_difference *at = &comparison.items[0];
        assert_int_equal(at->verdict, n == 1  ? TR_NOT_COMPARED
                                      : n < 5 ? TR_CHANGED
                                              : TR_REGRESSION);
        assert_true(isnan(at->least_detectable) == (n < 5));
        if (n > 1 && n < 5)
            assert_non_null(strstr(at->why, "a proof needs 5 runs a side"));
        tr_comparison_finish(&comparison);
        compare(&figures, &known, &comparison);
        assert_int_equal(comparison.items[0].verdict, TR_REGRESSION);
        assert_true(comparison.items[0].least_detectable > 0.003);
        assert_true(comparison.items[0].low < -0.03 && comparison.items[0].high > -0.0301);
        tr_comparison_finish(&comparison);
        tr_figures_finish(&figures);
    }
}

/* One run a side: the samples decide, and nothing more than "changed" comes of it. */
static void test_pair(void **state) {
    (void)state;
    double before[9], after[9], same[9];
    for (size_t i = 0; i < 9; i++) {
        before[i] = 100 + 0.1 * (double)i;
        after[i] = 98 + 0.1 * (double)(i * 2 % 9);
        same[i] = 100.05 + 0.1 * (double)(i * 4 % 9);
    }
    const double *const second[] = {after, same};
    for (size_t k = 0; k < 2; k++) {
        struct tr_figures figures;
        struct tr_comparison comparison;
        struct tr_run_figure a = {.value = before[4], .samples = before, .n_samples = 9};
        struct tr_run_figure b = {.value = second[k][4], .samples = second[k], .n_samples = 9};
        tr_figures_init(&figures, 2);
        assert_int_equal(tr_figures_add(&figures, 0, "read", "GB/s", TR_FIGURE_HEADLINE, false, &a),
                         0);
        assert_int_equal(tr_figures_add(&figures, 1, "read", "GB/s", TR_FIGURE_HEADLINE, false, &b),
                         0);
        compare(&figures, &plain, &comparison);
        assert_int_equal(comparison.items[0].verdict, k ? TR_SAME : TR_CHANGED);
        assert_true(comparison.items[0].within_run);
        assert_false(comparison.regression);
        assert_true(comparison.items[0].low <= comparison.items[0].change &&
                    comparison.items[0].change <= comparison.items[0].high);
        if (!k)
            assert_non_null(strstr(comparison.items[0].why, "beyond the noise within a run"));
        tr_comparison_finish(&comparison);
        tr_figures_finish(&figures);
    }
}

/* Five samples a side say nothing by ranks; a change of nine tenths is seen all the same. */
static void test_few_samples(void **state) {
    (void)state;
    const double before[] = {100, 100.2, 99.9, 100.1, 100}, after[] = {10, 10.1, 9.9, 10, 10.05};
    struct tr_figures figures;
    struct tr_comparison comparison;
    struct tr_run_figure a = {.value = 100, .samples = before, .n_samples = 5};
    struct tr_run_figure b = {.value = 10, .samples = after, .n_samples = 5};
    tr_figures_init(&figures, 2);
    assert_int_equal(tr_figures_add(&figures, 0, "copy", "GB/s", TR_FIGURE_OTHER, false, &a), 0);
    assert_int_equal(tr_figures_add(&figures, 1, "copy", "GB/s", TR_FIGURE_OTHER, false, &b), 0);
    compare(&figures, &plain, &comparison);
    assert_int_equal(comparison.items[0].verdict, TR_CHANGED);
    tr_comparison_finish(&comparison);
    tr_figures_finish(&figures);
}

/* Figures that are not to be trusted never make a regression. */
static void test_untrusted(void **state) {
    (void)state;
    struct tr_figures figures;
    struct tr_comparison comparison;
    tr_figures_init(&figures, 2);
    add_runs(&figures, 0, "read", "GB/s", TR_FIGURE_HEADLINE, 6, 100, 0.1, true);
    add_runs(&figures, 1, "read", "GB/s", TR_FIGURE_HEADLINE, 6, 90, 0.1, true);
    compare(&figures, &plain, &comparison);
    assert_int_equal(comparison.items[0].verdict, TR_CHANGED);
    assert_non_null(strstr(comparison.items[0].why, "12 of 12 runs"));
    tr_comparison_finish(&comparison);
    tr_figures_finish(&figures);
}

/* What is predicted changes with what it rests on, and not alone. */
static void test_derived_and_missing(void **state) {
    (void)state;
    for (int changed = 0; changed < 2; changed++) {
        struct tr_figures figures;
        struct tr_comparison comparison;
        tr_figures_init(&figures, 2);
        add_runs(&figures, 0, "tg", "tok/s", TR_FIGURE_DERIVED, 6, 10, 0.01, false);
        add_runs(&figures, 1, "tg", "tok/s", TR_FIGURE_DERIVED, 6, 9, 0.01, false);
        add_runs(&figures, 0, "read", "GB/s", TR_FIGURE_HEADLINE, 6, 100, 0.1, false);
        add_runs(&figures, 1, "read", "GB/s", TR_FIGURE_HEADLINE, 6, changed ? 90 : 100, 0.1,
                 false);
        add_runs(&figures, 0, "gone", "GB/s", TR_FIGURE_OTHER, 2, 100, 1, false);
        compare(&figures, &plain, &comparison);
        assert_int_equal(comparison.n, 3);
        assert_string_equal(comparison.items[2].figure->name, "tg");
        assert_int_equal(comparison.items[2].verdict, changed ? TR_CHANGED : TR_SAME);
        assert_true(comparison.items[2].high < 0);
        assert_int_equal(comparison.items[1].verdict, TR_NOT_COMPARED);
        assert_string_equal(comparison.items[1].why, "only in the first set");
        tr_comparison_finish(&comparison);
        tr_figures_finish(&figures);
    }
}

/* --- calibrations ---------------------------------------------------------------------------- */

static struct tr_calibration *calibration_from(const char *name) {
    struct tr_calibration *calibration = NULL;
    struct tr_err err = {0};
    char *path = test_data(name);
    if (tr_calibration_read(path, &calibration, &err))
        fail_msg("%s", err.text);
    free(path);
    return calibration;
}

static const struct tr_figure *figure_named(const struct tr_figures *figures, const char *name) {
    for (size_t i = 0; i < figures->n; i++)
        if (!strcmp(figures->items[i].name, name))
            return &figures->items[i];
    fail_msg("no figure '%s'", name);
    return NULL;
}

static void test_figures_of_run(void **state) {
    (void)state;
    struct tr_calibration *calibration = calibration_from("calibration/server.json");
    struct tr_figures figures;
    tr_figures_init(&figures, 1);
    assert_int_equal(tr_figures_add_run(&figures, 0, calibration), 0);
    const struct tr_figure *read = figure_named(&figures, "read f64, all threads");
    assert_int_equal(read->kind, TR_FIGURE_HEADLINE);
    assert_string_equal(read->unit, "GB/s");
    assert_true(read->sets[0].runs[0].value == tr_calibration_read_rate(calibration)->median);
    /* Two kinds of stores are one figure, the better one. */
    const struct tr_figure *triad = figure_named(&figures, "triad f64, all threads");
    assert_int_equal(triad->sets[0].n, 1);
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (!strcmp(m->kernel, "triad") && m->threads == 32)
            assert_true(m->median <= triad->sets[0].runs[0].value);
    }
    assert_int_equal(figure_named(&figures, "fma f32 avx512, all threads")->kind,
                     TR_FIGURE_HEADLINE);
    assert_int_equal(figure_named(&figures, "fma f64 avx512, core 0")->kind, TR_FIGURE_OTHER);
    figure_named(&figures, "clock, core 0");
    tr_figures_finish(&figures);
    tr_calibration_destroy(calibration);
}

/* Where the widest instruction set lost its place to a narrower one in one of two runs, both are
 * headlines: the lost one would not be compared as such. */
static void test_headlines_of_both(void **state) {
    (void)state;
    struct tr_calibration *runs[2] = {calibration_from("calibration/disturbed.json"),
                                      calibration_from("calibration/disturbed.json")};
    struct tr_figures figures;
    for (size_t i = 0; i < runs[1]->n_measurements; i++) {
        struct tr_measurement *m = &runs[1]->measurements[i];
        if (!strcmp(m->kernel, "fma") && !strcmp(m->isa, "avx512"))
            m->median = m->ci95[0] = m->ci95[1] = 1000;
        if (!strcmp(m->kernel, "read") && !strcmp(m->isa, "avx512"))
            m->median = 243.2;
    }
    tr_figures_init(&figures, 2);
    for (size_t set = 0; set < 2; set++)
        assert_int_equal(tr_figures_add_run(&figures, set, runs[set]), 0);
    assert_int_equal(figure_named(&figures, "fma f32 avx512, all threads")->kind,
                     TR_FIGURE_HEADLINE);
    assert_int_equal(figure_named(&figures, "fma f32 avx2, all threads")->kind, TR_FIGURE_HEADLINE);
    assert_int_equal(figure_named(&figures, "fma f64 avx2, all threads")->kind, TR_FIGURE_OTHER);
    assert_int_equal(figure_named(&figures, "read f64, all threads")->kind, TR_FIGURE_HEADLINE);
    tr_figures_finish(&figures);
    for (size_t set = 0; set < 2; set++)
        tr_calibration_destroy(runs[set]);
}

static void test_changes(void **state) {
    (void)state;
    struct tr_calibration *server = calibration_from("calibration/server.json");
    struct tr_calibration *laptop = calibration_from("calibration/laptop.json");
    struct tr_calibration *const first[] = {server}, *const second[] = {laptop};
    struct tr_calibration *const *const sets[] = {first, second, first};
    const size_t n_runs[] = {1, 1, 1};
    struct tr_changes changes;
    json_t *machine = json_object_get(laptop->document, "machine");
    json_object_set_new(machine, "os", json_pack("{s:s}", "kernel", "6.2.0"));
    json_object_set_new(machine, "sensors", json_pack("{s:f}", "cpu_celsius", 71.0));
    machine = json_object_get(server->document, "machine");
    json_object_set_new(machine, "sensors", json_pack("{s:f}", "cpu_celsius", 52.0));
    assert_int_equal(tr_changes_find(sets, n_runs, 3, &changes), 0);
    static const char *const expected[][3] = {
        {"host", "0123456789ab", "ba9876543210"},
        {"CPU", "AMD EPYC 9354 32-Core Processor", "13th Gen Intel(R) Core(TM) i5-1335U"},
        {"kernel", "6.1.0", "6.2.0"},
        {"CPU temperature, Celsius", "52", "71"},
    };
    assert_int_equal(changes.n, 4); /* none of the third set: it is the first one again */
    for (size_t i = 0; i < changes.n; i++) {
        assert_int_equal(changes.items[i].set, 1);
        assert_string_equal(changes.items[i].what, expected[i][0]);
        assert_string_equal(changes.items[i].before, expected[i][1]);
        assert_string_equal(changes.items[i].after, expected[i][2]);
    }
    tr_changes_finish(&changes);
    /* The same runs in another order are the same conditions. */
    struct tr_calibration *const forwards[] = {server, laptop, server};
    struct tr_calibration *const backwards[] = {laptop, server, server};
    struct tr_calibration *const *const mixed[] = {forwards, backwards};
    const size_t three_each[] = {3, 3};
    assert_int_equal(tr_changes_find(mixed, three_each, 2, &changes), 0);
    if (changes.n)
        fail_msg("%s: %s, then %s", changes.items[0].what, changes.items[0].before,
                 changes.items[0].after);
    tr_changes_finish(&changes);
    tr_calibration_destroy(server);
    tr_calibration_destroy(laptop);
}

static void set_boots(struct tr_calibration *const *runs, size_t n, const char *const *boots) {
    for (size_t i = 0; i < n; i++)
        json_object_set_new(json_object_get(runs[i]->document, "conditions"), "boot_id",
                            json_string(boots[i]));
}

/* Memory is trained anew in each boot: whether the sets share theirs is a condition. */
static void test_boots(void **state) {
    (void)state;
    static const char what[] = "boot (memory is trained anew in each)";
    static const char *const boots[] = {"11111111-a", "22222222-b", "33333333-c", "44444444-d",
                                        "55555555-e"};
    struct tr_calibration *runs[5];
    for (size_t i = 0; i < 5; i++)
        runs[i] = calibration_from("calibration/server.json");
    struct tr_calibration *const one[] = {runs[0]}, *const other[] = {runs[1]};
    struct tr_calibration *const both[] = {runs[1], runs[0]}, *const same[] = {runs[0], runs[1]};
    const struct {
        struct tr_calibration *const *runs[2];
        size_t n[2];
        const char *before, *after; /* NULL: no change */
    } rows[] = {
        {{one, other}, {1, 1}, "11111111", "22222222"},
        {{one, one}, {1, 1}, NULL, NULL},
        {{both, same}, {2, 2}, NULL, NULL},
        {{one, both}, {1, 2}, "11111111", "11111111 | 22222222"},
        {{both, runs + 2}, {2, 3}, "11111111 | 22222222", "33333333 | 44444444 | 55555555"},
    };
    set_boots(runs, 5, boots);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_changes changes;
        assert_int_equal(tr_changes_find(rows[i].runs, rows[i].n, 2, &changes), 0);
        assert_int_equal(changes.n, rows[i].before ? 1 : 0);
        if (changes.n) {
            assert_string_equal(changes.items[0].what, what);
            assert_string_equal(changes.items[0].before, rows[i].before);
            assert_string_equal(changes.items[0].after, rows[i].after);
        }
        tr_changes_finish(&changes);
    }
    /* Another machine has another boot anyway. */
    struct tr_changes changes;
    json_object_set_new(json_object_get(runs[1]->document, "machine"), "host_id",
                        json_string("ba9876543210"));
    assert_int_equal(tr_changes_find(rows[0].runs, rows[0].n, 2, &changes), 0);
    assert_int_equal(changes.n, 1);
    assert_string_equal(changes.items[0].what, "host");
    tr_changes_finish(&changes);
    for (size_t i = 0; i < 5; i++)
        tr_calibration_destroy(runs[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_one_percent),
        cmocka_unit_test(test_known_deviation),
        cmocka_unit_test(test_direction_and_threshold),
        cmocka_unit_test(test_number_of_runs),
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_few_samples),
        cmocka_unit_test(test_untrusted),
        cmocka_unit_test(test_derived_and_missing),
        cmocka_unit_test(test_figures_of_run),
        cmocka_unit_test(test_headlines_of_both),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_boots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
