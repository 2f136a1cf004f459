/* From samples to a calibration: limits, refusal, flags, grade. Small real measurements on this
 * machine, whose limits and caches are set by hand, so that the verdicts are known beforehand. */
#include "test.h"

#include <math.h>

#include "choice.h"
#include "session.h"
#include "session_parts.h"

static volatile sig_atomic_t stop;

struct outcome {
    struct tr_machine *machine;
    struct tr_calibration *calibration;
    int code;
    struct tr_err err;
};

/* A bare-metal machine with caches of `llc_bytes`, on which read is measured over 1 MiB. */
static void load(struct outcome *o, int64_t llc_bytes) {
    struct tr_machine_options options = {0};
    *o = (struct outcome){0};
    assert_int_equal(tr_machine_load(&options, &o->machine, NULL), 0);
    o->machine->environment.virtual_machine = false;
    o->machine->llc_bytes = llc_bytes;
    for (size_t i = 0; i < o->machine->n_l3_groups; i++)
        o->machine->l3_groups[i].l3_bytes = llc_bytes;
    for (size_t i = 0; i < o->machine->n_limits; i++)
        tr_limit_finish(&o->machine->limits[i]);
    o->machine->n_limits = 0;
}

static void add_limit_called(struct outcome *o, const char *name, double value, bool hard) {
    struct tr_limit *limits =
        realloc(o->machine->limits, (o->machine->n_limits + 1) * sizeof(*limits));
    assert_non_null(limits);
    o->machine->limits = limits;
    limits[o->machine->n_limits++] = (struct tr_limit){
        .name = strdup(name),
        .place = {.kind = TR_PLACE_MACHINE},
        .value = value,
        .unit = strdup("GB/s"),
        .formula = strdup("by hand"),
        .basis = strdup(hard ? "smbios" : "user"),
        .hard = hard,
    };
}

static void add_limit(struct outcome *o, double value, bool hard) {
    add_limit_called(o, "memory_read", value, hard);
}

static void measure(struct outcome *o, const char *kernel) {
    const char *names[] = {kernel};
    int all[] = {0};
    struct tr_strings notes = {0};
    struct tr_plan plan;
    struct tr_crew crew;
    struct tr_plan_options options = {.isa_cap = -1,
                                      .seconds = 0.3,
                                      .size_bytes = 4 << 20,
                                      .pages = TR_PAGES_4K,
                                      .kernels = names,
                                      .n_kernels = 1,
                                      .threads = all,
                                      .n_threads = 1};
    struct tr_run_options run = {.min_samples = 6, .stop = &stop};
    assert_int_equal(tr_crew_make(o->machine, TR_PLACE_MACHINE, 0, &options, 0, &crew, NULL), 0);
    all[0] = crew.n_threads;
    tr_crew_finish(&crew);
    assert_int_equal(tr_plan_make(o->machine, &options, &notes, &plan, &o->err), 0);
    assert_int_equal(tr_calibration_create(&o->calibration), 0);
    o->code = tr_measure(o->machine, &plan, &run, o->calibration, &o->err);
    tr_plan_finish(&plan);
    tr_strings_finish(&notes);
}

static void finish(struct outcome *o) {
    tr_calibration_destroy(o->calibration);
    tr_machine_destroy(o->machine);
}

static bool warned(const struct outcome *o, const char *text) {
    for (size_t i = 0; i < o->calibration->warnings.n; i++)
        if (strstr(o->calibration->warnings.items[i], text))
            return true;
    return false;
}

static void above_a_hard_limit_is_refused(void **state) {
    (void)state;
    struct outcome o;
    load(&o, 64 << 10);
    add_limit(&o, 1e-3, true);
    measure(&o, "read_plain");
    assert_int_equal(o.calibration->n_measurements, 0);
    assert_true(warned(&o, "above the hard limit memory_read"));
    assert_true(warned(&o, "refused"));
    assert_false(o.calibration->limits[0].refuted);
    finish(&o);
}

/* A curve's points are figures like others. */
static void a_roof_line_above_the_peak_is_refused(void **state) {
    (void)state;
    struct outcome o;
    load(&o, 64 << 10);
    free(o.machine->cpu.uarch); /* the limits are those by hand */
    o.machine->cpu.uarch = NULL;
    for (int isa = 0; isa < TR_ISA_COUNT; isa++) {
        char name[40];
        snprintf(name, sizeof(name), "flop_f64_%s", tr_isa_name((enum tr_isa)isa));
        add_limit_called(&o, name, 1e-3, true);
    }
    measure(&o, "roofline");
    assert_int_equal(o.calibration->n_curves, 0);
    assert_true(warned(&o, "above the hard limit flop_f64_"));
    finish(&o);
}

/* A plateau of reading in the first-level cache that no core can reach, and one in the second that
 * any can. */
static void a_plateau_above_the_peak_is_refused(void **state) {
    (void)state;
    struct tr_run_options run = {.min_samples = 1, .stop = &stop};
    struct tr_plan plan = {0};
    struct outcome o;
    load(&o, 64 << 10);
    free(o.machine->cpu.uarch);
    o.machine->cpu.uarch = strdup("zen4");
    plan.curves = calloc(1, sizeof(*plan.curves));
    assert_non_null(plan.curves);
    struct tr_curve *curve = &plan.curves[0].curve;
    *curve = (struct tr_curve){.name = strdup("sweep"),
                               .kernel = strdup("read"),
                               .threads = (int)o.machine->n_cores,
                               .page_bytes = -1,
                               .metric = strdup("bandwidth"),
                               .unit = strdup("GB/s"),
                               .x = strdup("working_set_bytes"),
                               .x_unit = strdup("bytes"),
                               .marks = calloc(2, sizeof(struct tr_mark)),
                               .n_marks = 2};
    curve->marks[0] = (struct tr_mark){.name = strdup("L1"), .from = 1, .to = 9, .value = 1e9};
    curve->marks[1] = (struct tr_mark){.name = strdup("L2"), .from = 1, .to = 9, .value = 1e-3};
    plan.n_curves = 1;
    assert_int_equal(tr_curve_add(curve, &(struct tr_point){.x = 2, .median = 1, .core_ghz = 1}),
                     0);
    assert_int_equal(tr_calibration_create(&o.calibration), 0);
    assert_int_equal(tr_measure(o.machine, &plan, &run, o.calibration, &o.err), TR_EUNTRUSTED);
    assert_int_equal(o.calibration->n_curves, 1);
    assert_int_equal(o.calibration->curves[0].n_marks, 1);
    assert_string_equal(o.calibration->curves[0].marks[0].name, "L2");
    assert_string_equal(o.calibration->curves[0].marks[0].limit, "l2_read");
    assert_true(warned(&o, "above the hard limit l1_read"));
    tr_plan_finish(&plan);
    finish(&o);
}

static void above_a_users_limit_refutes_the_limit(void **state) {
    (void)state;
    struct outcome o;
    load(&o, 64 << 10);
    add_limit(&o, 1e-3, false);
    measure(&o, "read_plain");
    assert_int_equal(o.calibration->n_measurements, 1);
    assert_true(o.calibration->limits[0].refuted);
    assert_true(warned(&o, "refuted"));
    assert_true(warned(&o, "overclock"));
    assert_string_equal(o.calibration->measurements[0].limit, "memory_read");
    assert_true(o.calibration->measurements[0].efficiency > 1);
    finish(&o);
}

static void below_a_limit_there_is_an_efficiency(void **state) {
    (void)state;
    struct outcome o;
    load(&o, 64 << 10);
    add_limit(&o, 1e6, true);
    measure(&o, "read_plain");
    assert_int_equal(o.calibration->n_measurements, 1);
    const struct tr_measurement *m = &o.calibration->measurements[0];
    assert_true(fabs(m->efficiency - m->median / 1e6) < 1e-12);
    assert_true(m->working_set_bytes >= 4 << 20 && m->working_set_bytes < 5 << 20);
    assert_true(m->ci95[0] <= m->median && m->median <= m->ci95[1] && m->best >= m->median);
    assert_true(m->core_ghz > 0.1 && m->core_ghz < 20);
    finish(&o);
}

static void the_hosts_limit_rates_nothing(void **state) {
    (void)state;
    struct outcome o;
    load(&o, 64 << 10);
    add_limit(&o, 1e-3, false);
    o.machine->limits[0].host_only = true;
    measure(&o, "read_plain");
    assert_int_equal(o.calibration->n_measurements, 1);
    assert_true(isnan(o.calibration->measurements[0].efficiency));
    assert_false(o.calibration->limits[0].refuted);
    finish(&o);
}

static void in_cache_is_no_memory_figure(void **state) {
    (void)state;
    struct outcome o;
    load(&o, (int64_t)1 << 30); /* 4 MiB are far inside it */
    add_limit(&o, 1e6, true);
    measure(&o, "read_plain");
    assert_null(o.calibration->measurements[0].limit);
    finish(&o);
}

static void floating_point_gets_the_limit_of_its_clock(void **state) {
    (void)state;
    struct outcome o;
    load(&o, 64 << 10);
    if (!o.machine->cpu.uarch) {
        printf("skipped: this micro-architecture is not in data/uarch.csv\n");
        finish(&o);
        skip();
    }
    measure(&o, "fma_f64");
    for (size_t i = 0; i < o.calibration->n_measurements; i++) {
        const struct tr_measurement *m = &o.calibration->measurements[i];
        const struct tr_limit *limit =
            tr_limit_find(o.calibration->limits, o.calibration->n_limits, m->limit ? m->limit : "",
                          m->place.kind, m->place.index);
        if (!strcmp(m->isa, "scalar")) /* no column of its own */
            continue;
        assert_non_null(limit);
        assert_string_equal(limit->basis, "measured_clock");
        assert_true(limit->hard);
        assert_true(m->efficiency > 0.01 && m->efficiency <= 1.02);
    }
    finish(&o);
}

/* Latency between eight cores of which four and four are near to each other, as a run leaves it in
 * its plan. */
static void add_core_latencies(struct tr_plan *plan) {
    struct tr_matrix *matrix = calloc(1, sizeof(*matrix));
    assert_non_null(matrix);
    assert_int_equal(tr_matrix_init(matrix, 8, 8), 0);
    matrix->name = strdup("core_to_core");
    matrix->metric = strdup("latency");
    matrix->unit = strdup("ns");
    for (int a = 0; a < 8; a++) {
        matrix->row_ids[a] = matrix->column_ids[a] = a;
        for (int b = 0; b < 8; b++)
            matrix->values[a * 8 + b] = a == b ? NAN : a / 4 == b / 4 ? 25 : 105;
    }
    plan->matrices = matrix;
    plan->n_matrices = 1;
}

/* Warnings about caches after such a run on a machine of this shape. */
static int cache_warnings(const char *shape, bool virtual_machine, char **ret_text) {
    struct tr_machine_options options = {.source = shape};
    struct tr_run_options run = {.min_samples = 1, .stop = &stop};
    struct outcome o = {0};
    struct tr_plan plan = {0};
    int n = 0;
    assert_int_equal(tr_machine_load(&options, &o.machine, NULL), 0);
    o.machine->environment.virtual_machine = virtual_machine;
    add_core_latencies(&plan);
    assert_int_equal(tr_calibration_create(&o.calibration), 0);
    assert_int_equal(tr_measure(o.machine, &plan, &run, o.calibration, &o.err), 0);
    assert_int_equal(o.calibration->n_matrices, 1);
    for (size_t i = 0; i < o.calibration->warnings.n; i++)
        if (!strncmp(o.calibration->warnings.items[i], "Caches: ", 8)) {
            free(*ret_text);
            *ret_text = strdup(o.calibration->warnings.items[i]);
            n++;
        }
    tr_plan_finish(&plan);
    finish(&o);
    return n;
}

/* One L3 for all that a hypervisor shows, where latency tells two: said. Two shown: nothing to say.
 * On hardware the topology is the processor's own. */
static void latency_is_the_witness_in_a_virtual_machine(void **state) {
    (void)state;
    static const char one[] = "synthetic:pack:1 l3:1(size=33554432) core:8 pu:1";
    static const char two[] = "synthetic:pack:1 l3:2(size=33554432) core:4 pu:1";
    char *text = NULL;
    assert_int_equal(cache_warnings(one, true, &text), 1);
    assert_non_null(strstr(text ? text : "", "says 2 groups"));
    assert_non_null(strstr(text ? text : "", "the topology shows 1 L3 group"));
    assert_non_null(strstr(text ? text : "", "The hypervisor's topology is not"));
    assert_int_equal(cache_warnings(two, true, &text), 0);
    assert_int_equal(cache_warnings(one, false, &text), 0);
    free(text);
}

static void a_stop_leaves_a_partial_file(void **state) {
    (void)state;
    struct outcome o;
    load(&o, 64 << 10);
    stop = 1;
    measure(&o, "read_plain");
    stop = 0;
    assert_int_equal(o.code, TR_ESTOPPED);
    assert_true(o.calibration->partial);
    assert_string_equal(o.calibration->grade, "D");
    finish(&o);
}

/* --- grade of a recorded calibration --- */

static void a_doubt_about_the_widest_counts(void **state) {
    (void)state;
    struct outcome o;
    struct tr_plan plan = {0};
    char *path = test_data("calibration/disturbed.json");
    load(&o, 64 << 10);
    assert_int_equal(tr_calibration_read(path, &o.calibration, NULL), 0);
    tr_strings_finish(&o.calibration->reasons);
    free(o.calibration->grade);
    o.calibration->grade = NULL;
    struct tr_session session = {.machine = o.machine, .plan = &plan, .calibration = o.calibration};
    assert_int_equal(tr_session_grade(&session, &o.code, &o.err), 0);
    assert_int_equal(o.code, TR_EUNTRUSTED);
    assert_string_equal(o.calibration->grade, "D");
    /* Faster and slower than the narrower set; reading with it was slower and tells nothing. */
    assert_true(tr_strings_has(&o.calibration->reasons,
                               "fma f32, 32 threads: most samples were disturbed"));
    assert_true(tr_strings_has(&o.calibration->reasons,
                               "fma f64, 32 threads: most samples were disturbed"));
    assert_false(tr_strings_has(&o.calibration->reasons,
                                "read f64, 32 threads: most samples were disturbed"));
    finish(&o);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(above_a_hard_limit_is_refused),
        cmocka_unit_test(a_roof_line_above_the_peak_is_refused),
        cmocka_unit_test(a_plateau_above_the_peak_is_refused),
        cmocka_unit_test(above_a_users_limit_refutes_the_limit),
        cmocka_unit_test(below_a_limit_there_is_an_efficiency),
        cmocka_unit_test(the_hosts_limit_rates_nothing),
        cmocka_unit_test(in_cache_is_no_memory_figure),
        cmocka_unit_test(floating_point_gets_the_limit_of_its_clock),
        cmocka_unit_test(latency_is_the_witness_in_a_virtual_machine),
        cmocka_unit_test(a_stop_leaves_a_partial_file),
        cmocka_unit_test(a_doubt_about_the_widest_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
