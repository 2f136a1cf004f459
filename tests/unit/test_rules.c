/* Rules by which people tune: what binds decides what a faster clock gives. Over all rows of the
 * catalogue that have both a fabric and channels of their own. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "spec_platforms.h"

static struct tr_model *model;

static double gain_of(const struct tr_spec_change *changes, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(changes[i].what, what))
            return changes[i].tg_gain;
    return NAN;
}

struct gains {
    double mts, fclk, clock, dram_gb_per_s, fabric_gb_per_s;
};

static struct gains gains_of(const struct tr_platform *row) {
    struct tr_machine *machine = NULL;
    struct tr_spec spec = {.has_cpu = true, .gpu_layers = -1};
    struct tr_basis basis = {.memory_bytes = NAN, .spec = &spec};
    static const struct tr_use_case use_case = {"tg", "", 0, 128, 0};
    struct tr_spec_change changes[TR_SPEC_MAX_CHANGES];
    assert_int_equal(tr_machine_of_platform(row, 1, NULL, &machine, NULL), 0);
    tr_spec_cpu_of_machine(machine, &spec.cpu);
    tr_machine_destroy(machine);
    size_t n = tr_spec_sensitivity(model, &basis, &use_case, changes);
    return (struct gains){gain_of(changes, n, "MT/s +10%"), gain_of(changes, n, "FCLK +10%"),
                          gain_of(changes, n, "clock +10%"), spec.cpu.dram_gb_per_s,
                          spec.cpu.fabric_gb_per_s};
}

/* More than this is a gain, even with 144 cores that wait for each other; less than a thousandth is
 * none. */
static const double gain = 0.015, none = 0.001;

static void test_named(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool fabric;
    } rows[] = {
        {"AMD Ryzen Threadripper PRO 7945WX", true},  {"AMD Ryzen Threadripper PRO 7955WX", true},
        {"AMD Ryzen Threadripper PRO 7965WX", true},  {"AMD Ryzen Threadripper PRO 7975WX", true},
        {"AMD Ryzen Threadripper 7970X", false},      {"AMD Ryzen Threadripper 7980X", false},
        {"AMD Ryzen Threadripper PRO 7985WX", false}, {"AMD Ryzen 5 7400F", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tr_platform *row = tr_platform_by_name(rows[i].name);
        assert_non_null(row);
        struct gains gains = gains_of(row);
        double binds = rows[i].fabric ? gains.fclk : gains.mts;
        double other = rows[i].fabric ? gains.mts : gains.fclk;
        if (!(binds > gain) || !(fabs(other) < none))
            fail_msg("%s: FCLK +10%% gives %.1f%%, MT/s +10%% gives %.1f%%", rows[i].name,
                     100 * gains.fclk, 100 * gains.mts);
    }
}

/* Where the two limits differ clearly only the lesser one gains. Two kinds of rows refute the rule:
 * where the limits are about equal (EPYC with eight dies) neither gains much alone, and where few
 * cores cannot take in what the memory gives (EPYC 9275F) only a faster core gains. */
static void test_all_rows(void **state) {
    (void)state;
    size_t n, n_fabric = 0, n_memory = 0, n_both = 0, n_cores = 0;
    const struct tr_platform *rows = tr_platforms(&n);
    for (size_t i = 0; i < n; i++) {
        const struct tr_platform *row = &rows[i];
        if (!strstr(row->name, "Threadripper") && !strstr(row->name, "EPYC"))
            continue;
        struct gains gains = gains_of(row);
        if (isnan(gains.dram_gb_per_s) || isnan(gains.fabric_gb_per_s) || isnan(gains.mts))
            continue;
        double ratio = gains.fabric_gb_per_s / gains.dram_gb_per_s;
        bool fabric = gains.fclk > gain && gains.mts < none;
        bool memory = gains.mts > gain && gains.fclk < none;
        assert_true(gains.mts > -none && gains.fclk > -none);
        if (ratio >= 0.9 && ratio <= 1.12) {
            n_both++;
            assert_true(gains.mts < 0.1 && gains.fclk < 0.1);
        } else if (gains.mts < gain && gains.fclk < gain && gains.clock > gain) {
            printf("%s: neither MT/s nor FCLK, clock +10%% gives %.1f%%\n", row->name,
                   100 * gains.clock);
            assert_true(row->cores <= 24);
            n_cores++;
        } else {
            n_fabric += ratio < 0.9;
            n_memory += ratio > 1.12;
            if (ratio < 0.9 ? !fabric : !memory)
                fail_msg("%s: fabric %.4g, channels %.4g GB/s, FCLK %.1f%%, MT/s %.1f%%", row->name,
                         gains.fabric_gb_per_s, gains.dram_gb_per_s, 100 * gains.fclk,
                         100 * gains.mts);
        }
    }
    printf("the fabric binds in %zu rows, the channels in %zu, both in %zu, the cores in %zu\n",
           n_fabric, n_memory, n_both, n_cores);
    assert_true(n_fabric > 5 && n_memory > 50 && n_both > 5 && n_cores < 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_all_rows),
    };
    struct tr_err err = {0};
    if (tr_model_from_catalogue("qwen2.5-14b-q4_k_m", &model, &err))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tr_model_destroy(model);
    return failed;
}
