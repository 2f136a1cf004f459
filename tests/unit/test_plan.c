/* Plans on machines that are not here: synthetic topologies with hand-set memory and levels. */
#include "test.h"

#include <math.h>

#include "machines.h"
#include "plan.h"
#include "run_latency.h"
#include "tokenroof/calibration.h"

static struct tr_machine *synthetic(const char *description) {
    struct tr_machine *machine = NULL;
    struct tr_machine_options options = {.source = description};
    struct tr_err err = {0};
    int code = tr_machine_load(&options, &machine, &err);
    if (code)
        fail_msg("%s: %s", description, err.text);
    for (int isa = 0; isa <= TR_ISA_AVX2; isa++)
        machine->cpu.levels[isa].available = true;
    machine->environment.memory_available_bytes = (int64_t)64 << 30;
    return machine;
}

static struct tr_plan_options options_default(void) {
    return (struct tr_plan_options){.isa_cap = -1, .seconds = 30};
}

static const struct tr_step *find_step(const struct tr_plan *plan, const char *id, int threads,
                                       const struct tr_group **ret_group) {
    for (size_t g = 0; g < plan->n_groups; g++)
        for (size_t i = 0; i < plan->groups[g].n_steps; i++)
            if (plan->groups[g].crew.n_threads == threads &&
                !strcmp(plan->groups[g].steps[i].kernel->id, id)) {
                if (ret_group)
                    *ret_group = &plan->groups[g];
                return &plan->groups[g].steps[i];
            }
    return NULL;
}

static void one_thread_per_core_on_its_node(void **state) {
    (void)state;
    struct tr_machine *machine =
        synthetic("synthetic:pack:2 numa:1 l3:2(size=33554432) core:4 pu:2");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    const struct tr_group *group = NULL;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    const struct tr_step *step = find_step(&plan, "read_plain", 16, &group);
    assert_non_null(step);
    assert_string_equal(step->kernel->isa, "avx2");
    for (int i = 0; i < 16; i++) {
        assert_int_equal(group->crew.cpus[i], 2 * i); /* never the second hardware thread */
        assert_int_equal(group->crew.memory_nodes[i], i / 8);
    }
    /* 4 x 4 groups of 32 MiB over 16 threads, rounded up to what every kernel divides. */
    assert_int_equal(group->crew.llc_bytes, 4 * 33554432LL);
    assert_true(step->slice_bytes >= 4 * 4 * 33554432LL / 16);
    assert_true(step->slice_bytes < 4 * 4 * 33554432LL / 16 + (64 << 10));
    assert_true(step->from_memory && !plan.memory_bound);
    assert_int_equal(notes.n, 0);
    /* One thread reaches one L3 only. */
    step = find_step(&plan, "read_plain", 1, &group);
    assert_int_equal(group->crew.llc_bytes, 33554432);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* Two cores that are shown the L3 of a whole host: four times what they can reach, no more. */
static void a_hypervisors_cache_is_bounded(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("capture/guest");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    const struct tr_group *group = NULL;
    const int64_t believed = 2 * (96 << 20);
    assert_int_equal(machine->llc_bytes, 508 << 20);
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    const struct tr_step *step = find_step(&plan, "read_plain", 2, &group);
    assert_non_null(step);
    assert_int_equal(group->crew.llc_bytes, believed);
    assert_true(step->slice_bytes * 2 >= 4 * believed);
    assert_true(step->slice_bytes * 2 < 4 * believed + (4 << 20));
    assert_true(step->from_memory && !plan.memory_bound);
    for (size_t i = 0; i < plan.n_groups; i++)
        assert_true(plan.groups[i].crew.llc_bytes <= believed);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

static void budgets_add_up(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:8 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    double sum = 0;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    for (size_t i = 0; i < plan.n_groups; i++)
        sum += plan.groups[i].seconds;
    assert_true(fabs(sum - 30) < 1e-6);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

static void short_memory_bounds_and_is_told(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=33554432) core:2 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    machine->environment.memory_available_bytes = 230 << 20; /* a limit of 256 MiB */
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    assert_true(plan.memory_bound);
    /* Half of it; and the samples of the groups before. */
    if (plan.memory_bytes > 116 << 20)
        fail_msg("%.1f MiB", (double)plan.memory_bytes / 1048576);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.items[0], "Memory is short"));
    const struct tr_step *step = find_step(&plan, "read_plain", 2, NULL);
    assert_true(step->slice_bytes * 2 < step->wanted_bytes);
    assert_false(step->from_memory);
    tr_strings_finish(&notes);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

static void no_memory_is_said(void **state) {
    (void)state;
    struct tr_machine *machine =
        synthetic("synthetic:pack:2 numa:4 l3:8(size=33554432) core:6 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    struct tr_err err;
    static const int64_t available[] = {0, 1 << 20, (int64_t)140 << 20, (int64_t)1 << 30};
    for (size_t i = 0; i < sizeof(available) / sizeof(available[0]); i++) {
        machine->environment.memory_available_bytes = available[i];
        int code = tr_plan_make(machine, &options, &notes, &plan, &err);
        if (code) {
            assert_int_equal(code, TR_EUNAVAILABLE);
            assert_non_null(strstr(err.text, "no memory"));
            assert_true(available[i] < 1 << 30);
            continue;
        }
        assert_true(plan.memory_bytes <= available[i]);
        for (size_t g = 0; g < plan.n_groups; g++)
            for (size_t k = 0; k < plan.groups[g].n_steps; k++)
                assert_true(plan.groups[g].steps[k].kernel->op->arrays == 0 ||
                            plan.groups[g].steps[k].slice_bytes >= 512);
        tr_plan_finish(&plan);
    }
    tr_strings_finish(&notes);
    tr_machine_destroy(machine);
}

static void unknown_caches_ask_for_much(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 core:1 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    machine->llc_bytes = -1;
    machine->environment.memory_available_bytes = 400 << 20;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    const struct tr_step *step = find_step(&plan, "triad_plain", 1, NULL);
    assert_false(step->from_memory);
    assert_true(step->slice_bytes * 3 < step->wanted_bytes);
    tr_strings_finish(&notes);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

static void named_nodes_and_cpus_must_be_there(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:2 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    struct tr_err err;
    struct tr_cpulist nodes = {.ids = (int[]){7}, .n = 1}, cpus = {.ids = (int[]){0, 9}, .n = 2};
    options.memory_nodes = &nodes;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "no node 7"));
    options.memory_nodes = NULL;
    options.cpus = &cpus;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "CPU 9"));
    options.cpus = NULL;
    options.size_bytes = (int64_t)1 << 40;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "--size"));
    tr_machine_destroy(machine);
}

/* Chains of operations have no working set that a size could be divided among. */
static void a_size_beside_chains(void **state) {
    (void)state;
    static const char *const names[] = {"places"};
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:2 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    options.size_bytes = 8 << 20;
    options.kernels = names;
    options.n_kernels = 1;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    assert_int_equal(plan.n_groups, 2);
    assert_int_equal(plan.groups[1].n_steps, 2);
    assert_int_equal(plan.groups[1].steps[0].slice_bytes / (64 << 10), (8 << 20) / (64 << 10));
    tr_strings_finish(&notes);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

static void a_quota_bounds_the_threads(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:8 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    machine->environment.cpu_quota = 2.5;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    for (size_t i = 0; i < plan.n_groups; i++)
        assert_true(plan.groups[i].crew.n_threads <= 2);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.items[0], "2.50 CPUs"));
    tr_strings_finish(&notes);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* By every experiment; of pairs of cores two run at a time. */
static void a_quota_bounds_every_experiment(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:2 numa:1 l3:2 core:4 pu:2");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    machine->environment.cpu_quota = 2.5;
    options.effort = TR_EFFORT_FULL;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    for (size_t i = 0; i < plan.n_groups; i++)
        if (plan.groups[i].run != tr_run_pairs && plan.groups[i].crew.n_threads > 2)
            fail_msg("%s: %d threads", plan.groups[i].name, plan.groups[i].crew.n_threads);
    tr_strings_finish(&notes);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* FMA with additions beside it: with all threads in --full, the best instruction set alone; else by
 * name. */
static void full_pairs_fma_with_additions(void **state) {
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:2 pu:1");
        struct tr_plan_options options = options_default();
        struct tr_strings notes = {0};
        struct tr_plan plan;
        int with_additions = 0;
        for (int isa = 0; isa <= TR_ISA_AVX512; isa++)
            machine->cpu.levels[isa].available = true;
        options.effort = full ? TR_EFFORT_FULL : TR_EFFORT_DEFAULT;
        assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
        for (size_t g = 0; g < plan.n_groups; g++)
            for (size_t i = 0; i < plan.groups[g].n_steps; i++)
                if (plan.groups[g].steps[i].kernel->adds) {
                    with_additions++;
                    assert_string_equal(plan.groups[g].steps[i].kernel->isa, "avx512");
                    assert_int_equal(plan.groups[g].crew.n_threads, 2);
                }
        assert_int_equal(with_additions, full ? 4 : 0);
        tr_strings_finish(&notes);
        tr_plan_finish(&plan);
        tr_machine_destroy(machine);
    }
}

/* Numbers of searches of `op` in pages of one kind. */
static int count_searches(const struct tr_plan *plan, const char *op, enum tr_pages pages) {
    int n = 0;
    for (size_t g = 0; g < plan->n_groups; g++)
        for (size_t i = 0; plan->groups[g].pages == pages && i < plan->groups[g].n_steps; i++)
            n += plan->groups[g].steps[i].searched &&
                 !strcmp(plan->groups[g].steps[i].kernel->op->name, op);
    return n;
}

/* The fastest kind of page is searched where there is time, or where an operation is asked for. */
static void pages_are_searched(void **state) {
    (void)state;
    static const char *const names[] = {"copy"};
    static const struct {
        enum tr_effort effort;
        enum tr_pages pages;
        size_t n_names;
        int small; /* searches of copy in 4 KiB pages: one thread, all threads */
    } cases[] = {{TR_EFFORT_FULL, TR_PAGES_THP, 0, 2},
                 {TR_EFFORT_RUN, TR_PAGES_THP, 0, 0},
                 {TR_EFFORT_DEFAULT, TR_PAGES_THP, 1, 2},
                 {TR_EFFORT_FULL, TR_PAGES_2M, 0, 0}};
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=33554432) core:4 pu:1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tr_plan_options options = options_default();
        struct tr_strings notes = {0};
        struct tr_plan plan;
        options.effort = cases[i].effort;
        options.pages = cases[i].pages;
        options.kernels = names;
        options.n_kernels = cases[i].n_names;
        assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
        assert_int_equal(count_searches(&plan, "copy", TR_PAGES_4K), cases[i].small);
        assert_int_equal(count_searches(&plan, "copy", cases[i].pages), 2);
        tr_plan_finish(&plan);
        tr_strings_finish(&notes);
    }
    tr_machine_destroy(machine);
}

static void one_core_leaves_scaling_out(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:1 pu:2");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    for (size_t i = 0; i < plan.n_groups; i++)
        assert_int_equal(plan.groups[i].crew.n_threads, 1);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.items[0], "scaling"));
    tr_strings_finish(&notes);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

static void names_and_levels_are_checked(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:2 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    struct tr_err err;
    const char *names[] = {"traid"};
    options.kernels = names;
    options.n_kernels = 1;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "Did you mean 'triad'"));
    names[0] = "triad*";
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), 0);
    tr_plan_finish(&plan);
    machine->cpu.levels[TR_ISA_AVX512] =
        (struct tr_isa_state){.available = false, .reason = "no such unit"};
    options.isa_cap = TR_ISA_AVX512;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "avx512 is not possible here: no such unit"));
    machine->cpu.levels[TR_ISA_AVX512].reason = NULL;
    options.isa_cap = TR_ISA_SSE2;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), 0);
    for (size_t g = 0; g < plan.n_groups; g++)
        for (size_t i = 0; i < plan.groups[g].n_steps; i++)
            assert_string_equal(plan.groups[g].steps[i].kernel->isa, "sse2");
    tr_plan_finish(&plan);
    int too_many[] = {3};
    options.threads = too_many;
    options.n_threads = 1;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUNAVAILABLE);
    tr_machine_destroy(machine);
}

static void places_each_alone(void **state) {
    (void)state;
    struct tr_machine *machine =
        synthetic("synthetic:pack:2 numa:1 l3:2(size=16777216) core:4 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    const char *names[] = {"read_plain"};
    options.kernels = names;
    options.n_kernels = 1;
    options.place = TR_PLACE_CCD;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    assert_int_equal(plan.n_groups, 4);
    for (size_t i = 0; i < plan.n_groups; i++) {
        assert_int_equal(plan.groups[i].crew.n_threads, 4);
        assert_int_equal(plan.groups[i].crew.place.index, (int)i);
        assert_int_equal(plan.groups[i].crew.llc_bytes, 16777216);
    }
    tr_plan_finish(&plan);
    struct tr_cpulist wrong = {.ids = (int[]){9}, .n = 1};
    struct tr_err err;
    options.place_indices = &wrong;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "no ccd 9"));
    tr_machine_destroy(machine);
}

static size_t plan_names(const struct tr_machine *machine, struct tr_plan_options *options,
                         const char *name, struct tr_strings *notes, struct tr_plan *ret_plan) {
    const char *names[] = {name};
    struct tr_err err = {0};
    *notes = (struct tr_strings){0};
    options->kernels = names;
    options->n_kernels = 1;
    if (tr_plan_make(machine, options, notes, ret_plan, &err))
        fail_msg("%s: %s", name, err.text);
    options->kernels = NULL; /* `names` ends here */
    options->n_kernels = 0;
    return ret_plan->n_groups;
}

/* What plans by itself looks at --place as well, or says that it does not. */
static void experiments_are_where_they_were_asked_for(void **state) {
    (void)state;
    static const char *const there[] = {"gemv_q8_0", "gemm_q8_0", "attention_f16", "sweep",
                                        "latency"};
    static const char *const anywhere[] = {"roofline", "scaling", "sustained", "barrier"};
    struct tr_machine *machine =
        synthetic("synthetic:pack:1 numa:1 l3:4(size=16777216) core:4 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_cpulist second = {.ids = (int[]){2}, .n = 1};
    struct tr_strings notes;
    struct tr_plan plan;
    options.place = TR_PLACE_CCD;
    options.place_indices = &second;
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        assert_true(plan_names(machine, &options, there[i], &notes, &plan) > 0);
        for (size_t g = 0; g < plan.n_groups; g++)
            for (int k = 0; k < plan.groups[g].crew.n_threads; k++)
                if (plan.groups[g].crew.cpus[k] / 4 != 2)
                    fail_msg("%s: CPU %d", there[i], plan.groups[g].crew.cpus[k]);
        assert_int_equal(notes.n, 0);
        tr_plan_finish(&plan);
    }
    for (size_t i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++) {
        assert_true(plan_names(machine, &options, anywhere[i], &notes, &plan) > 0);
        assert_int_equal(notes.n, 1);
        assert_non_null(strstr(notes.items[0], "--place does not change it"));
        tr_strings_finish(&notes);
        tr_plan_finish(&plan);
    }
    tr_machine_destroy(machine);
}

/* A slice holds what one call works on, however small a size was asked for. */
static void slices_hold_a_call(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=33554432) core:2 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes;
    struct tr_plan plan;
    options.size_bytes = 4096;
    plan_names(machine, &options, "gemv_q8_0", &notes, &plan);
    for (size_t g = 0; g < plan.n_groups; g++)
        for (size_t i = 0; i < plan.groups[g].n_steps; i++) /* 16 rows of 128 blocks of 34 bytes */
            assert_true(plan.groups[g].steps[i].slice_bytes >= 16 * 128 * 34);
    tr_plan_finish(&plan);
    plan_names(machine, &options, "attention_f16", &notes, &plan);
    for (size_t g = 0; g < plan.n_groups; g++) /* 4096 positions of 8 heads of 128 halves */
        assert_true(plan.groups[g].steps[0].slice_bytes >= 4096 * 8 * 128 * 2);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* What plans by itself has sizes of its own, up to the one that was asked for. */
static void a_size_bounds_every_experiment(void **state) {
    (void)state;
    static const char *const names[] = {"sweep", "roofline", "latency", "loaded_latency"};
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=33554432) core:2 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes;
    struct tr_plan plan;
    options.size_bytes = 8 << 20;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(plan_names(machine, &options, names[i], &notes, &plan) > 0);
        int64_t most = 0;
        for (size_t g = 0; g < plan.n_groups; g++)
            for (size_t k = 0; k < plan.groups[g].n_steps; k++) {
                int64_t bytes = plan.groups[g].steps[k].slice_bytes * plan.groups[g].crew.n_threads;
                most = bytes > most ? bytes : most;
            }
        if (most < 7 << 20 || most > 9 << 20)
            fail_msg("%s: %.1f MiB", names[i], (double)most / 1048576);
        tr_plan_finish(&plan);
    }
    tr_machine_destroy(machine);
}

static void one_hardware_thread_is_no_smt(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1 core:4 pu:2");
    struct tr_plan_options options = options_default();
    struct tr_cpulist both = {.ids = (int[]){2, 3}, .n = 2}, first = {.ids = (int[]){0, 2}, .n = 2};
    const char *names[] = {"smt"};
    struct tr_strings notes = {0};
    struct tr_plan plan;
    options.kernels = names;
    options.n_kernels = 1;
    options.cpus = &both;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    assert_int_equal(plan.n_groups, 1);
    assert_int_equal(plan.groups[0].crew.n_threads, 2);
    assert_int_equal(plan.groups[0].crew.cpus[0], 2);
    tr_plan_finish(&plan);
    options.cpus = &first;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), TR_EUNAVAILABLE);
    tr_strings_finish(&notes);
    tr_machine_destroy(machine);
}

/* Vectors and results of products, and pages that are larger than what they hold, are memory too.
 */
static void memory_counts_all_operands(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=33554432) core:2 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes;
    struct tr_plan plan;
    options.size_bytes = 4 << 20;
    plan_names(machine, &options, "gemm_f32", &notes, &plan);
    /* 4096 x 4096 weights and 512 vectors, in floats: the weights by halves, the vectors by each.
     */
    assert_true(plan.memory_bytes >= (64 << 20) + 2 * (8 << 20));
    tr_plan_finish(&plan);
    options.pages = TR_PAGES_1G;
    plan_names(machine, &options, "copy_plain", &notes, &plan);
    assert_true(plan.memory_bytes >= (int64_t)4 << 30); /* two arrays of two threads, a page each */
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

static void large_machine(void **state) {
    (void)state;
    struct tr_machine *machine =
        synthetic("synthetic:pack:2 numa:4 l3:8(size=33554432) core:6 pu:2");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    machine->environment.memory_available_bytes = (int64_t)512 << 30;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    const struct tr_group *group = NULL;
    assert_non_null(find_step(&plan, "triad_plain", 384, &group));
    assert_int_equal(group->crew.memory_nodes[383], 7);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* Part of a machine's cores: both nodes, then all CCDs, before any CCD gets a second thread. */
static void few_threads_are_spread(void **state) {
    (void)state;
    struct tr_machine *machine =
        synthetic("synthetic:pack:2 numa:1 l3:2(size=16777216) core:4 pu:1");
    struct tr_plan_options options = options_default();
    static const int expected[] = {0, 8, 4, 12, 1, 9};
    struct tr_crew crew;
    assert_int_equal(tr_crew_make(machine, TR_PLACE_MACHINE, 0, &options, 6, &crew, NULL), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(crew.cpus[i], expected[i]);
    tr_crew_finish(&crew);
    assert_int_equal(tr_crew_make(machine, TR_PLACE_MACHINE, 0, &options, 0, &crew, NULL), 0);
    for (int i = 0; i < 16; i++)
        assert_int_equal(crew.cpus[i], i);
    tr_crew_finish(&crew);
    tr_machine_destroy(machine);
}

/* Scaling: 1, 2, 3, 4, 6, 8, 12, 16 threads, each a point of two curves. */
static void scaling_plans_each_count(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:2(size=16777216) core:8 pu:1");
    struct tr_plan_options options = options_default();
    static const char *const names[] = {"scaling"};
    static const int counts[] = {1, 2, 3, 4, 6, 8, 12, 16};
    struct tr_strings notes = {0};
    struct tr_plan plan;
    options.kernels = names;
    options.n_kernels = 1;
    assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
    assert_int_equal(plan.n_groups, 8);
    assert_int_equal(plan.n_curves, 2);
    for (size_t g = 0; g < plan.n_groups; g++) {
        assert_int_equal(plan.groups[g].crew.n_threads, counts[g]);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(plan.groups[g].steps[i].result, TR_RESULT_POINT);
            assert_int_equal(plan.groups[g].steps[i].target, i);
            assert_true(plan.groups[g].steps[i].x == counts[g]);
        }
    }
    tr_plan_finish(&plan);
    tr_strings_finish(&notes);
    tr_machine_destroy(machine);
}

static struct tr_plan plan_named(struct tr_machine *machine, const char *name) {
    const char *const names[] = {name};
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan = {0};
    struct tr_err err = {0};
    options.kernels = names;
    options.n_kernels = 1;
    int code = tr_plan_make(machine, &options, &notes, &plan, &err);
    if (code && code != TR_EUNAVAILABLE)
        fail_msg("%s: %s", name, err.text);
    tr_strings_finish(&notes);
    return plan;
}

/* From 4 KiB a thread to 4 x the last-level caches, rising, whole lines, at one thread and all. */
static void sweep_reaches_from_l1_to_memory(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:2(size=16777216) core:4 pu:1");
    struct tr_plan plan = plan_named(machine, "sweep");
    assert_int_equal(plan.n_groups, 2);
    assert_int_equal(plan.n_curves, 2);
    for (size_t g = 0; g < 2; g++) {
        const struct tr_group *group = &plan.groups[g];
        int64_t before = 0;
        assert_int_equal(group->crew.n_threads, g ? 8 : 1);
        assert_int_equal(plan.curves[g].curve.threads, group->crew.n_threads);
        assert_int_equal(plan.curves[g].curve.place.kind, g ? TR_PLACE_MACHINE : TR_PLACE_CORE);
        assert_int_equal(group->steps[0].slice_bytes, 4096);
        for (size_t i = 0; i < group->n_steps; i++) {
            assert_true(group->steps[i].slice_bytes > before);
            assert_int_equal(group->steps[i].slice_bytes % 512, 0);
            assert_true(group->steps[i].x ==
                        (double)(group->steps[i].slice_bytes * group->crew.n_threads));
            before = group->steps[i].slice_bytes;
        }
        assert_true(before * group->crew.n_threads >= 4 * group->crew.llc_bytes);
    }
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* Rows are the threads' nodes, columns the memory's; the diagonal is local. Reading takes all cores
 * of a node, latency one of them; both matrices have every pair. */
static void node_matrix_pairs_every_node(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:numa:3 l3:1(size=16777216) core:2 pu:1");
    struct tr_plan plan = plan_named(machine, "nodes");
    assert_int_equal(plan.n_groups, 18);
    assert_int_equal(plan.n_matrices, 2);
    assert_string_equal(plan.matrices[0].name, "node_read");
    assert_string_equal(plan.matrices[1].name, "node_latency");
    for (size_t g = 0; g < plan.n_groups; g++) {
        const struct tr_group *group = &plan.groups[g];
        const struct tr_step *step = &group->steps[0];
        bool latency = g >= 9;
        assert_int_equal(plan.matrices[latency].n_rows, 3);
        assert_int_equal(step->result, TR_RESULT_CELL);
        assert_int_equal(step->target, latency);
        assert_int_equal(step->row * 3 + step->column, g % 9);
        assert_int_equal(step->kernel->op->kind, latency ? TR_KIND_CHASE : TR_KIND_STREAM);
        assert_true(!latency || step->slice_bytes >= 4 * group->crew.llc_bytes);
        assert_int_equal(group->crew.n_threads, latency ? 1 : 2);
        for (int i = 0; i < group->crew.n_threads; i++) {
            assert_int_equal(group->crew.cpus[i], 2 * (int)step->row + i);
            assert_int_equal(group->crew.memory_nodes[i], (int)step->column);
        }
    }
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
    machine = synthetic("synthetic:pack:1 l3:1 core:2 pu:1");
    plan = plan_named(machine, "nodes"); /* one node: nothing to tell apart */
    assert_int_equal(plan.n_groups, 0);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* 2 packages of one node, 2 CCDs of 4 cores each: nodes, CCDs and cores; a package is its node. */
static void every_place_once(void **state) {
    (void)state;
    struct tr_machine *machine =
        synthetic("synthetic:pack:2 numa:1 l3:2(size=16777216) core:4 pu:2");
    struct tr_plan plan = plan_named(machine, "places");
    size_t counts[8] = {0};
    for (size_t g = 0; g < plan.n_groups; g++)
        counts[plan.groups[g].crew.place.kind]++;
    assert_int_equal(counts[TR_PLACE_PACKAGE], 0);
    assert_int_equal(counts[TR_PLACE_NODE], 2);
    assert_int_equal(counts[TR_PLACE_CCD], 4);
    assert_int_equal(counts[TR_PLACE_CORE], 16);
    tr_plan_finish(&plan);
    plan = plan_named(machine, "smt");
    assert_int_equal(plan.n_groups, 1);
    assert_int_equal(plan.groups[0].crew.n_threads, 32);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
    machine = synthetic("synthetic:pack:1 l3:1 core:2 pu:1");
    plan = plan_named(machine, "smt"); /* no second thread on any core */
    assert_int_equal(plan.n_groups, 0);
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* Three types by default, all of them with --full, one where it is named; each type's steps share
 * one type of weights, and each thread has whole panels of every matrix. */
static void products_by_type(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=16777216) core:6 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    for (int full = 0; full < 2; full++) {
        size_t groups = 0;
        options.effort = full ? TR_EFFORT_FULL : TR_EFFORT_DEFAULT;
        assert_int_equal(tr_plan_make(machine, &options, &notes, &plan, NULL), 0);
        for (size_t g = 0; g < plan.n_groups; g++) {
            const struct tr_group *group = &plan.groups[g];
            if (strcmp(group->name, "llm") != 0)
                continue;
            groups++;
            for (size_t i = 0; i < group->n_steps; i++) {
                const struct tr_step *step = &group->steps[i];
                assert_int_equal(step->kernel->dtype, group->steps[0].kernel->dtype);
                if (step->shape.depth > 0)
                    continue;
                assert_int_equal(step->part_rows % 16, 0);
                assert_true(step->slice_bytes > 0 && step->shape.k == 4096);
                assert_true(step->part_rows * group->crew.n_threads >= step->shape.m);
            }
        }
        assert_int_equal(groups, full ? 24 : 8);
        tr_plan_finish(&plan);
    }
    plan = plan_named(machine, "gemm_q6_k");
    assert_int_equal(plan.n_groups, 2);
    for (size_t i = 0; i < plan.groups[0].n_steps; i++)
        assert_string_equal(plan.groups[0].steps[i].kernel->id, "gemm_q6_k");
    tr_plan_finish(&plan);
    tr_machine_destroy(machine);
}

/* Where there are tiles (AMX), a prompt is measured in them and in vector registers; not where the
 * level is asked to be lower. */
static void prompts_in_tiles_and_in_registers(void **state) {
    (void)state;
    struct tr_machine *machine = synthetic("synthetic:pack:1 l3:1(size=16777216) core:1 pu:1");
    struct tr_plan_options options = options_default();
    struct tr_strings notes = {0};
    struct tr_plan plan;
    machine->cpu.levels[TR_ISA_AVX512].available = true;
    machine->cpu.levels[TR_ISA_AMX].available = true;
    machine->cpu.isa = calloc(2, sizeof(*machine->cpu.isa));
    assert_non_null(machine->cpu.isa);
    machine->cpu.isa[machine->cpu.n_isa++] = strdup("amx_int8");
    machine->cpu.isa[machine->cpu.n_isa++] = strdup("avx512_vnni");
    for (int capped = 0; capped < 2; capped++) {
        size_t tiles = 0, registers = 0;
        options.isa_cap = capped ? TR_ISA_AVX512 : -1;
        plan_names(machine, &options, "gemm_q4_k", &notes, &plan);
        assert_int_equal(plan.n_groups, 1);
        for (size_t i = 0; i < plan.groups[0].n_steps; i++) {
            const struct tr_kernel *kernel = plan.groups[0].steps[i].kernel;
            tiles += !strcmp(kernel->isa, "amx") && !strcmp(kernel->needs, "amx_int8");
            registers += !strcmp(kernel->isa, "avx512") && !strcmp(kernel->needs, "avx512_vnni");
        }
        assert_int_equal(tiles, capped ? 0 : 4); /* 8, 32, 128 and 512 tokens */
        assert_int_equal(registers, 4);
        tr_plan_finish(&plan);
        tr_strings_finish(&notes);
    }
    tr_machine_destroy(machine);
}

static void slices_divide(void **state) {
    (void)state;
    for (int64_t bytes = 1; bytes < 1 << 20; bytes = bytes * 3 / 2 + 1) {
        int64_t slice = tr_slice_round(bytes);
        assert_true(slice >= bytes && slice % 1024 == 0 && slice - bytes < 65 << 10);
    }
    /* Within caches a tenth more is another cache's figure. */
    for (int64_t bytes = 128 << 10; bytes < 256 << 20; bytes += 1 + bytes / 999) {
        int64_t slice = tr_slice_round(bytes), lines = slice / 1024 % 64;
        assert_true(slice - bytes < (bytes < 1 << 20 ? bytes / 12 : bytes / 50));
        assert_true(lines % 2 == 1 && lines >= 9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_per_core_on_its_node),
        cmocka_unit_test(a_hypervisors_cache_is_bounded),
        cmocka_unit_test(budgets_add_up),
        cmocka_unit_test(short_memory_bounds_and_is_told),
        cmocka_unit_test(no_memory_is_said),
        cmocka_unit_test(unknown_caches_ask_for_much),
        cmocka_unit_test(named_nodes_and_cpus_must_be_there),
        cmocka_unit_test(a_size_beside_chains),
        cmocka_unit_test(a_quota_bounds_the_threads),
        cmocka_unit_test(a_quota_bounds_every_experiment),
        cmocka_unit_test(experiments_are_where_they_were_asked_for),
        cmocka_unit_test(slices_hold_a_call),
        cmocka_unit_test(a_size_bounds_every_experiment),
        cmocka_unit_test(one_hardware_thread_is_no_smt),
        cmocka_unit_test(memory_counts_all_operands),
        cmocka_unit_test(full_pairs_fma_with_additions),
        cmocka_unit_test(pages_are_searched),
        cmocka_unit_test(one_core_leaves_scaling_out),
        cmocka_unit_test(names_and_levels_are_checked),
        cmocka_unit_test(places_each_alone),
        cmocka_unit_test(large_machine),
        cmocka_unit_test(few_threads_are_spread),
        cmocka_unit_test(scaling_plans_each_count),
        cmocka_unit_test(sweep_reaches_from_l1_to_memory),
        cmocka_unit_test(node_matrix_pairs_every_node),
        cmocka_unit_test(every_place_once),
        cmocka_unit_test(products_by_type),
        cmocka_unit_test(prompts_in_tiles_and_in_registers),
        cmocka_unit_test(slices_divide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
