/* Latency, loaded latency, pairs of cores and barriers: real samples on this machine, small ones,
 * whose figures are not judged by their size; and plans for machines that are not here. */
#include "test.h"

#include <math.h>

#include "chase.h"
#include "clock.h"
#include "plan.h"
#include "run_latency.h"
#include "tokenroof/calibration.h"

/* ---- runners ---- */

struct fixture {
    struct tr_machine *machine;
    struct tr_crew crew;
};

static volatile sig_atomic_t stop;
static double stopped_at_ns;

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct tr_machine_options options = {0};
    struct tr_plan_options plan = {.isa_cap = -1};
    assert_non_null(fixture);
    assert_int_equal(tr_machine_load(&options, &fixture->machine, NULL), 0);
    assert_int_equal(
        tr_crew_make(fixture->machine, TR_PLACE_MACHINE, 0, &plan, 0, &fixture->crew, NULL), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    tr_crew_finish(&fixture->crew);
    tr_machine_destroy(fixture->machine);
    free(fixture);
    return 0;
}

static void need_two_cores(const struct fixture *fixture) {
    if (fixture->crew.n_threads < 2) {
        printf("skipped: one core is usable here, two are needed\n");
        skip();
    }
}

static void stop_at_once(void *context, const struct tr_run_progress *progress) {
    (void)context;
    (void)progress;
    stop = 1;
    stopped_at_ns = tr_now_ns();
}

static int run(struct fixture *fixture, tr_group_runner *runner, struct tr_step *steps, size_t n,
               tr_run_progress_fn *progress, struct tr_series *series) {
    struct tr_group group = {.name = "test",
                             .crew = fixture->crew,
                             .steps = steps,
                             .n_steps = n,
                             .seconds = 0.3,
                             .metric = "latency",
                             .unit = "ns"};
    struct tr_run_options options = {
        .pages = TR_PAGES_4K, .min_samples = 5, .stop = &stop, .n_stages = 1, .progress = progress};
    struct tr_err err = {0};
    int code = runner(fixture->machine, &group, &options, series, &err);
    if (code && code != TR_ESTOPPED)
        fail_msg("%s", err.text);
    return code;
}

static void expect_samples(struct tr_series *series) {
    assert_true(series->n >= 5);
    assert_false(series->wrong);
    assert_true(series->disturbed || !series->not_pinned);
    for (size_t i = 0; i < series->n; i++) {
        assert_true(isfinite(series->rates[i]) && series->rates[i] > 0);
        assert_true(series->rates[i] < 1e6); /* a millisecond */
    }
    assert_true(series->core_ghz > 0.1 && series->core_ghz < 10);
    /* The mean of all samples lies among them. */
    double mean = series->units_total / series->span_total_ns, least = INFINITY, most = 0;
    for (size_t i = 0; i < series->n; i++) {
        least = fmin(least, series->rates[i]);
        most = fmax(most, series->rates[i]);
    }
    assert_true(mean >= least * 0.999 && mean <= most * 1.001);
}

static struct tr_step chase_step(int64_t bytes) {
    return (struct tr_step){.kernel = tr_kernel_find("chase_1", "scalar"),
                            .slice_bytes = bytes,
                            .result = TR_RESULT_POINT,
                            .shape = TR_NO_SHAPE};
}

static void latency_and_its_levels(void **state) {
    struct fixture *fixture = *state;
    enum { POINTS = 8 };
    struct tr_step steps[POINTS + 3];
    struct tr_series series[POINTS + 3];
    for (int i = 0; i < POINTS; i++)
        steps[i] = chase_step(4096 << i / 2 | (i % 2) << (11 + i / 2)); /* 4 to 48 KiB */
    steps[POINTS] = chase_step(64 << 12);
    steps[POINTS].one_line_a_page = true;
    steps[POINTS + 1] = chase_step(4096);
    steps[POINTS + 1].variant = "L1";
    steps[POINTS + 2] = chase_step(4096);
    steps[POINTS + 2].variant = "memory";
    steps[POINTS + 1].result = steps[POINTS + 2].result = TR_RESULT_MEASUREMENT;
    assert_int_equal(run(fixture, tr_run_latency, steps, POINTS + 3, NULL, series), 0);
    for (int i = 0; i <= POINTS; i++)
        expect_samples(&series[i]);
    /* Nothing here was as large as memory: no figure for it, and it does not stay at its start. */
    assert_int_equal(series[POINTS + 2].n, 0);
    assert_int_equal(steps[POINTS + 2].slice_bytes, 0);
    if (series[POINTS + 1].n) /* a plateau was found, as on every quiet machine */
        assert_true(steps[POINTS + 1].slice_bytes > 4096 && steps[POINTS + 1].slice_bytes < 49152);
    for (int i = 0; i < POINTS + 3; i++)
        tr_series_finish(&series[i]);
}

/* No point was measured (each was wrong, say): no level has a place then. */
static void levels_without_points(void **state) {
    struct fixture *fixture = *state;
    struct tr_step step = chase_step(4096);
    struct tr_series series;
    step.result = TR_RESULT_MEASUREMENT;
    step.variant = "memory";
    assert_int_equal(run(fixture, tr_run_latency, &step, 1, NULL, &series), 0);
    assert_int_equal(series.n, 0);
    assert_int_equal(step.slice_bytes, 0);
    tr_series_finish(&series);
}

struct order {
    const struct tr_step *last;
    int turns; /* how often another step than the last one had a sample */
};

static void note_order(void *context, const struct tr_step *step, double rate) {
    struct order *order = context;
    (void)rate;
    order->turns += order->last && order->last != step;
    order->last = step;
}

/* Up, down and up again: 2 changes a round. */
static void working_sets_take_turns(void **state) {
    struct fixture *fixture = *state;
    struct tr_step steps[] = {chase_step(4096), chase_step(8192), chase_step(16384)};
    struct tr_series series[3];
    struct order order = {0};
    struct tr_group group = {.name = "test",
                             .crew = fixture->crew,
                             .steps = steps,
                             .n_steps = 3,
                             .seconds = 0.3,
                             .metric = "latency",
                             .unit = "ns"};
    struct tr_run_options options = {.pages = TR_PAGES_4K,
                                     .min_samples = 9,
                                     .stop = &stop,
                                     .n_stages = 1,
                                     .sample = note_order,
                                     .sample_context = &order};
    struct tr_err err = {0};
    assert_int_equal(tr_run_latency(fixture->machine, &group, &options, series, &err), 0);
    assert_in_range(order.turns, 6, 8);
    for (int i = 0; i < 3; i++) {
        assert_true(series[i].n >= 9);
        tr_series_finish(&series[i]);
    }
}

static void several_chains(void **state) {
    struct fixture *fixture = *state;
    struct tr_step steps[] = {chase_step(8 << 20), chase_step(8 << 20)};
    struct tr_series series[2];
    steps[1].kernel = tr_kernel_find("chase_8", "scalar");
    assert_int_equal(run(fixture, tr_run_latency, steps, 2, NULL, series), 0);
    expect_samples(&series[0]);
    expect_samples(&series[1]);
    /* Per load; eight independent misses cannot take as long as eight dependent ones. */
    assert_true(series[1].rates[0] < series[0].rates[0]);
    tr_series_finish(&series[0]);
    tr_series_finish(&series[1]);
}

static void half_a_chase(struct tr_kargs *args) {
    struct tr_kargs part = *args;
    part.n /= 2;
    tr_kernel_find("chase_1", "scalar")->function(&part);
}

static void loads_left_out_are_noticed(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel broken = *tr_kernel_find("chase_1", "scalar");
    struct tr_step step = chase_step(1 << 16);
    struct tr_series series;
    broken.function = half_a_chase;
    step.kernel = &broken;
    assert_int_equal(run(fixture, tr_run_latency, &step, 1, NULL, &series), 0);
    assert_true(series.wrong && series.n == 0);
    tr_series_finish(&series);
}

static struct tr_step loaded_step(const struct tr_kernel *load, int64_t pause_cycles) {
    struct tr_step step = chase_step(1 << 20);
    step.load = load;
    step.load_pause_cycles = pause_cycles;
    return step;
}

static void latency_under_load(void **state) {
    struct fixture *fixture = *state;
    const struct tr_kernel *read = tr_kernel_find("read_plain", "sse2");
    struct tr_step steps[] = {loaded_step(read, -1), loaded_step(read, 100000),
                              loaded_step(read, 0)};
    struct tr_series series[3];
    need_two_cores(fixture);
    assert_int_equal(run(fixture, tr_run_loaded_latency, steps, 3, NULL, series), 0);
    for (int i = 0; i < 3; i++) {
        expect_samples(&series[i]);
        tr_series_finish(&series[i]);
    }
    assert_true(steps[0].x == 0);
    assert_true(steps[1].x > 0 && steps[2].x > 2 * steps[1].x);
}

static void read_nothing(struct tr_kargs *args) {
    args->sum = 1;
}

static void a_load_that_reads_nothing_is_noticed(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel broken = *tr_kernel_find("read_plain", "sse2");
    struct tr_step step = loaded_step(&broken, 0);
    struct tr_series series;
    need_two_cores(fixture);
    broken.function = read_nothing;
    assert_int_equal(run(fixture, tr_run_loaded_latency, &step, 1, NULL, &series), 0);
    assert_true(series.wrong && series.n == 0);
    tr_series_finish(&series);
}

static const struct tr_op op_sync = {.name = "sync", .kind = TR_KIND_SYNC};
static const struct tr_kernel kernel_sync = {.id = "sync", .isa = "scalar", .op = &op_sync};

static void a_line_between_two_cores(void **state) {
    struct fixture *fixture = *state;
    struct tr_step steps[] = {{.kernel = &kernel_sync, .row = 0, .column = 1},
                              {.kernel = &kernel_sync, .row = 1, .column = 0}};
    struct tr_series series[2];
    need_two_cores(fixture);
    assert_int_equal(run(fixture, tr_run_pairs, steps, 2, NULL, series), 0);
    for (int i = 0; i < 2; i++) {
        expect_samples(&series[i]);
        assert_true(series[i].rates[0] > 1); /* no line moves in a nanosecond */
        tr_series_finish(&series[i]);
    }
}

static void barriers(void **state) {
    struct fixture *fixture = *state;
    struct tr_step steps[] = {{.kernel = &kernel_sync, .variant = "own"},
                              {.kernel = &kernel_sync, .variant = "openmp"}};
    struct tr_series series[2];
    need_two_cores(fixture);
    assert_int_equal(run(fixture, tr_run_barriers, steps, 2, NULL, series), 0);
    for (int i = 0; i < 2; i++) {
        expect_samples(&series[i]);
        assert_true(series[i].rates[0] > 1);
        tr_series_finish(&series[i]);
    }
}

/* From the signal to the runner's return: 100 ms are promised for the look at the flag; the rest is
 * for unmapping on a loaded machine. */
static void a_stop_ends_each_runner(void **state) {
    struct fixture *fixture = *state;
    tr_group_runner *runners[] = {tr_run_latency, tr_run_loaded_latency, tr_run_pairs,
                                  tr_run_barriers};
    const struct tr_kernel *read = tr_kernel_find("read_plain", "sse2");
    need_two_cores(fixture);
    for (size_t i = 0; i < 4; i++) {
        struct tr_step step = loaded_step(read, 0);
        struct tr_series series;
        step.slice_bytes = 32 << 20;
        step.column = 1;
        if (i == 3)
            step.variant = "own";
        assert_int_equal(run(fixture, runners[i], &step, 1, stop_at_once, &series), TR_ESTOPPED);
        assert_true(tr_now_ns() - stopped_at_ns < 1e9);
        stop = 0;
        tr_series_finish(&series);
    }
}

/* ---- plans ---- */

static struct tr_machine *synthetic(const char *description) {
    struct tr_machine *machine = NULL;
    struct tr_machine_options options = {.source = description};
    struct tr_err err = {0};
    if (tr_machine_load(&options, &machine, &err))
        fail_msg("%s: %s", description, err.text);
    for (int isa = 0; isa <= TR_ISA_AVX2; isa++)
        machine->cpu.levels[isa].available = true;
    machine->environment.memory_available_bytes = (int64_t)512 << 30;
    return machine;
}

static void plan_by_name(const struct tr_machine *machine, const char *name, enum tr_effort effort,
                         struct tr_strings *notes, struct tr_plan *plan) {
    struct tr_plan_options options = {
        .isa_cap = -1, .seconds = 30, .kernels = &name, .n_kernels = 1, .effort = effort};
    struct tr_err err = {0};
    if (tr_plan_make(machine, &options, notes, plan, &err))
        fail_msg("%s", err.text);
}

static void few_cores_are_all_paired(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:2 l3:2(size=33554432) core:8 pu:2");
    struct tr_strings notes = {0};
    struct tr_plan plan;
    plan_by_name(machine, "core_to_core", TR_EFFORT_FULL, &notes, &plan);
    assert_int_equal(notes.n, 0);
    assert_int_equal(plan.n_matrices, 1);
    assert_int_equal(plan.matrices[0].n_rows, 32);
    assert_int_equal(plan.groups[0].n_steps, 32 * 31);
    assert_ptr_equal(plan.groups[0].run, tr_run_pairs);
    for (int i = 0; i < 32; i++) /* one hardware thread a core */
        assert_int_equal(plan.groups[0].crew.cpus[i], 2 * i);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* 24 L3 groups of 8 cores: two of each. 2 of 96 cores: 32 of each. 40 groups of 2: 32 of them. */
static void many_cores_are_thinned_out(void **state) {
    (void)state;
    static const struct {
        const char *description;
        size_t paired, groups, of_each;
    } rows[] = {{"synthetic:pack:2 l3:12(size=33554432) core:8 pu:2", 48, 24, 2},
                {"synthetic:pack:2 l3:1(size=503316480) core:96 pu:1", 64, 2, 32},
                {"synthetic:pack:2 l3:20(size=33554432) core:2 pu:1", 64, 32, 2}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct tr_machine *machine = synthetic(rows[r].description);
        struct tr_strings notes = {0};
        struct tr_plan plan;
        size_t in_group[64] = {0}, groups = 0;
        plan_by_name(machine, "core_to_core", TR_EFFORT_FULL, &notes, &plan);
        const struct tr_matrix *matrix = &plan.matrices[0];
        assert_int_equal(notes.n, 1);
        assert_non_null(strstr(notes.items[0], "are paired"));
        assert_int_equal(matrix->n_rows, rows[r].paired);
        assert_int_equal(plan.groups[0].n_steps, rows[r].paired * (rows[r].paired - 1));
        for (size_t i = 0; i < matrix->n_rows; i++) {
            assert_true(i == 0 || matrix->row_ids[i] > matrix->row_ids[i - 1]);
            in_group[machine->cores[matrix->row_ids[i]].l3_group]++;
        }
        for (size_t i = 0; i < 64; i++) {
            groups += in_group[i] > 0;
            assert_true(in_group[i] == 0 || in_group[i] == rows[r].of_each);
        }
        assert_int_equal(groups, rows[r].groups);
        /* Cores of one group are not its first ones alone. */
        if (rows[r].of_each == 32)
            assert_true(matrix->row_ids[31] > 90);
        tr_strings_finish(&notes);
        tr_plan_finish(&plan);
        tr_machine_destroy(machine);
    }
}

static void plan_of_latency(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:2 l3:2(size=33554432) core:8 pu:2");
    struct tr_strings notes = {0};
    struct tr_plan plan;
    plan_by_name(machine, "latency", TR_EFFORT_FULL, &notes, &plan);
    assert_int_equal(plan.n_groups, 2);
    assert_int_equal(plan.groups[0].pages, TR_PAGES_THP);
    assert_int_equal(plan.groups[1].pages, TR_PAGES_4K);
    size_t points = 0, levels = 0, page_lines = 0;
    for (size_t g = 0; g < 2; g++) {
        const struct tr_group *group = &plan.groups[g];
        double last = 0;
        assert_int_equal(group->crew.n_threads, 1);
        for (size_t i = 0; i < group->n_steps; i++) {
            const struct tr_step *step = &group->steps[i];
            levels += step->variant != NULL;
            page_lines += step->one_line_a_page;
            if (step->variant || step->one_line_a_page || step->target > 2 ||
                strcmp(plan.curves[step->target].curve.name, "latency") != 0)
                continue;
            assert_true(step->x > last && step->slice_bytes % TR_LINE_BYTES == 0);
            last = step->x;
            points++;
        }
        assert_true(last == 8.0 * 33554432); /* eight times the one L3 that the core reaches */
    }
    assert_int_equal(levels, 4);
    assert_true(points == 2 * 65); /* 16 octaves, four points each, and the end */
    assert_true(page_lines > 40);
    assert_int_equal(plan.curves[0].curve.place.kind, TR_PLACE_CORE);
    tr_plan_finish(&plan);
    tr_strings_finish(&notes);
    tr_machine_destroy(machine);
}

/* The row that loads the memory exists: a plan without it would have nothing to run. */
static void plan_of_loaded_latency(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:2(size=33554432) core:6 pu:2");
    struct tr_strings notes = {0};
    struct tr_plan plan;
    plan_by_name(machine, "loaded_latency", TR_EFFORT_FULL, &notes, &plan);
    assert_int_equal(plan.n_groups, 1);
    assert_int_equal(plan.groups[0].crew.n_threads, 12);
    for (size_t i = 0; i < plan.groups[0].n_steps; i++) {
        assert_non_null(plan.groups[0].steps[i].load);
        assert_int_equal(plan.groups[0].steps[i].load->op->kind, TR_KIND_STREAM);
    }
    tr_plan_finish(&plan);
    tr_strings_finish(&notes);
    tr_machine_destroy(machine);
}

static void plan_of_barriers(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:2(size=33554432) core:6 pu:2");
    struct tr_strings notes = {0};
    struct tr_plan plan;
    static const int threads[] = {2, 4, 8, 12};
    plan_by_name(machine, "barrier", TR_EFFORT_QUICK, &notes, &plan);
    assert_int_equal(plan.n_curves, 2);
    assert_int_equal(plan.n_groups, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(plan.groups[i].crew.n_threads, threads[i]);
        assert_true(plan.groups[i].steps[0].x == threads[i]);
        assert_int_equal(plan.groups[i].n_steps, i == 3 ? 4 : 2);
    }
    tr_plan_finish(&plan);
    /* A quota bounds them. */
    machine->environment.cpu_quota = 3.5;
    plan_by_name(machine, "barrier", TR_EFFORT_QUICK, &notes, &plan);
    assert_int_equal(plan.groups[plan.n_groups - 1].crew.n_threads, 3);
    tr_plan_finish(&plan);
    tr_strings_finish(&notes);
    tr_machine_destroy(machine);
}

static void one_core_is_said_to_be_too_few(void **state) {
    (void)state;
    static const char *const names[] = {"loaded_latency", "core_to_core", "barrier"};
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=33554432) core:1 pu:2");
    for (size_t i = 0; i < 3; i++) {
        struct tr_plan_options options = {
            .isa_cap = -1, .seconds = 3, .kernels = &names[i], .n_kernels = 1};
        struct tr_strings notes = {0};
        struct tr_plan plan;
        struct tr_err err = {0};
        assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUNAVAILABLE);
        bool said = false;
        for (size_t k = 0; k < notes.n; k++)
            said |= strstr(notes.items[k], names[i]) && strstr(notes.items[k], "two cores");
        assert_true(said);
        tr_strings_finish(&notes);
    }
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(latency_and_its_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(levels_without_points, setup, teardown),
        cmocka_unit_test_setup_teardown(working_sets_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(several_chains, setup, teardown),
        cmocka_unit_test_setup_teardown(loads_left_out_are_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(latency_under_load, setup, teardown),
        cmocka_unit_test_setup_teardown(a_load_that_reads_nothing_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_between_two_cores, setup, teardown),
        cmocka_unit_test_setup_teardown(barriers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_ends_each_runner, setup, teardown),
        cmocka_unit_test(few_cores_are_all_paired),
        cmocka_unit_test(many_cores_are_thinned_out),
        cmocka_unit_test(plan_of_latency),
        cmocka_unit_test(plan_of_loaded_latency),
        cmocka_unit_test(plan_of_barriers),
        cmocka_unit_test(one_core_is_said_to_be_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
