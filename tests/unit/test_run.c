/* Real samples on this machine, small ones: that work which is left out, wrong results, threads in
 * the wrong place and a stop are noticed. No figure is judged by its size. */
#include "test.h"

#include <math.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bind.h"
#include "pages.h"
#include "run.h"
#include "series.h"
#include "statistics.h"
#include "tokenroof/measured.h"
#include "work.h"

/* Predictions reckon with the shape in which attention is measured. */
_Static_assert((int)TR_QUERIES_PER_HEAD == (int)TR_MEASURED_QUERIES_PER_HEAD, "one shape");

struct fixture {
    struct tr_machine *machine;
    struct tr_crew crew;
};

static volatile sig_atomic_t stop;

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

static struct tr_step step_of(const struct tr_kernel *kernel, int64_t slice) {
    assert_non_null(kernel);
    return (struct tr_step){.kernel = kernel, .slice_bytes = slice, .wanted_bytes = slice};
}

static int run_samples(struct fixture *fixture, struct tr_step *steps, size_t n, double seconds,
                       size_t min_samples, struct tr_series *series) {
    struct tr_group group = {
        .name = "test", .crew = fixture->crew, .steps = steps, .n_steps = n, .seconds = seconds};
    struct tr_run_options options = {
        .pages = TR_PAGES_4K, .min_samples = min_samples, .stop = &stop, .n_stages = 1};
    struct tr_err err = {0};
    int code = tr_run_group(fixture->machine, &group, &options, series, &err);
    if (code && code != TR_ESTOPPED)
        fail_msg("%s", err.text);
    return code;
}

static int run_steps(struct fixture *fixture, struct tr_step *steps, size_t n, double seconds,
                     struct tr_series *series) {
    return run_samples(fixture, steps, n, seconds, 3, series);
}

/* A fault that each sample has a chance to find: many samples, on however busy a machine; the run
 * ends with the first that finds it. */
static int run_until_wrong(struct fixture *fixture, struct tr_step *step,
                           struct tr_series *series) {
    return run_samples(fixture, step, 1, 20, 1000, series);
}

static void every_kind_gives_samples(void **state) {
    struct fixture *fixture = *state;
    struct tr_step steps[] = {
        step_of(tr_kernel_find("read_s8_p2048_t0_r64", "sse2"), tr_slice_round(1 << 20)),
        step_of(tr_kernel_find("triad_nt", "sse2"), tr_slice_round(300000)),
        step_of(tr_kernel_find("copy_plain", "scalar"), tr_slice_round(16384)),
        step_of(tr_kernel_find("fma_f64", "sse2"), 0),
        step_of(tr_kernel_find("clock_add", "scalar"), 0),
    };
    struct tr_series series[5];
    assert_int_equal(run_steps(fixture, steps, 5, 1.0, series), 0);
    for (int i = 0; i < 5; i++) {
        assert_true(series[i].n >= 3);
        assert_false(series[i].wrong);
        for (size_t k = 0; k < series[i].n; k++)
            assert_true(isfinite(series[i].rates[k]) && series[i].rates[k] > 0);
        /* The rate over the whole span cannot be far from that of the common window. */
        double span = series[i].units_total / series[i].span_total_ns;
        assert_true(span > 0 && span < 2 * series[i].rates[0] * fixture->crew.n_threads);
        tr_series_finish(&series[i]);
    }
}

/* Slices in a cache are walked several times a piece, by every kind of stream. */
static void roof_lines_in_a_cache(void **state) {
    struct fixture *fixture = *state;
    static const char *const ids[] = {"roof_1_16", "roof_1_8", "roof_1", "roof_64"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct tr_step step = step_of(tr_kernel_find(ids[i], "sse2"), tr_slice_round(8192));
        struct tr_series series;
        assert_int_equal(run_steps(fixture, &step, 1, 0.2, &series), 0);
        if (series.wrong || series.n < 3)
            fail_msg("%s: %s", ids[i], series.wrong ? "wrong" : "no samples");
        tr_series_finish(&series);
    }
}

/* Wide vectors can lower the clock, never raise it. A burst of the clock's chain that is still
 * under way when the core changes its clock after AVX-512 tells a quarter too much. */
static void clock_between_wide_vectors(void **state) {
    struct fixture *fixture = *state;
    const char *isa = "sse2";
    if (fixture->machine->cpu.levels[TR_ISA_AVX512].available)
        isa = "avx512";
    else if (fixture->machine->cpu.levels[TR_ISA_AVX2].available)
        isa = "avx2";
    struct tr_step steps[] = {
        step_of(tr_kernel_find("fma_f64", "sse2"), 0),
        step_of(tr_kernel_find("fma_f64", isa), 0),
    };
    struct tr_series series[2];
    assert_int_equal(run_steps(fixture, steps, 2, 1.5, series), 0);
    assert_true(series[0].core_ghz > 0 && series[1].core_ghz > 0);
    if (series[1].core_ghz > 1.08 * series[0].core_ghz)
        fail_msg("%.3f GHz between pieces of %s, %.3f GHz between those of sse2",
                 series[1].core_ghz, isa, series[0].core_ghz);
    tr_series_finish(&series[0]);
    tr_series_finish(&series[1]);
}

/* A process that spins on the CPU, until this one kills it or is gone. */
static pid_t start_competitor(const struct tr_machine *machine, int cpu) {
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || tr_bind_thread(machine, cpu, NULL))
        _exit(1);
    for (volatile unsigned turn = 0;; turn++)
        ;
}

/* Two that want one CPU get about half of it each, and less if there are more of them. */
static void time_of_others(void **state) {
    struct fixture *fixture = *state, alone = {.machine = fixture->machine};
    struct tr_plan_options plan = {.isa_cap = -1};
    struct tr_step step = step_of(tr_kernel_find("fma_f64", "sse2"), 0);
    struct tr_series series;
    int first = fixture->machine->cores[0].index;
    assert_int_equal(
        tr_crew_make(fixture->machine, TR_PLACE_CORE, first, &plan, 0, &alone.crew, NULL), 0);
    pid_t competitor = start_competitor(fixture->machine, alone.crew.cpus[0]);
    assert_true(competitor > 0);
    int code = run_steps(&alone, &step, 1, 1.0, &series);
    kill(competitor, SIGKILL);
    waitpid(competitor, NULL, 0);
    tr_crew_finish(&alone.crew);
    assert_int_equal(code, 0);
    double share = series.waited_ns / series.passed_ns;
    printf("another process had %.0f%% of the CPU\n", 100 * share);
    if (!(share > 0.25 && share < 1))
        fail_msg("a competitor had %.3f of the CPU", share);
    tr_series_finish(&series);
}

static void time_is_counted(void **state) {
    (void)state;
    struct tr_series series;
    const struct tr_counts unknown = {.cpu_ns = -1, .wall_ns = 5}, begin = {.cpu_ns = 0};
    tr_series_init(&series);
    tr_series_count_time(&series, &unknown, &unknown);
    assert_true(series.passed_ns == 0 && series.waited_ns == 0);
    tr_series_count_time(&series, &begin, &(struct tr_counts){.cpu_ns = 30, .wall_ns = 40});
    /* Two clocks need not agree to the last nanosecond. */
    tr_series_count_time(&series, &begin, &(struct tr_counts){.cpu_ns = 61, .wall_ns = 60});
    assert_true(series.passed_ns == 100 && series.waited_ns == 10);
}

/* Two that share a core change every 3 to 5 ms, whatever runs there: a chase of 20 ms as well. */
static void time_slices_are_noticed(void **state) {
    (void)state;
    static const struct {
        int64_t switches;
        double span_ns;
        bool kept;
    } cases[] = {{0, 20e6, true}, {1, 20e6, true},  {2, 20e6, false}, {3, 20e6, false},
                 {2, 40e6, true}, {3, 40e6, false}, {1, 1e6, true},   {2, 1e6, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tr_watch watch = {.after = {.context_switches = cases[i].switches}};
        const struct tr_watch *watches[] = {&watch};
        struct tr_series series;
        tr_series_init(&series);
        if (tr_watch_keep(watches, 1, cases[i].span_ns, &series) != cases[i].kept)
            fail_msg("%d switches in %.0f ms", (int)cases[i].switches, cases[i].span_ns / 1e6);
        assert_int_equal(series.dropped, !cases[i].kept);
        tr_series_finish(&series);
    }
}

static void repeating_in_vain_ends(void **state) {
    (void)state;
    static const struct {
        size_t n, dropped;
        bool hopeless;
    } cases[] = {{0, 0, false},  {0, 100, false}, {0, 101, true}, {1, 101, false},
                 {1, 102, true}, {50, 55, false}, {500, 0, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tr_series series;
        tr_series_init(&series);
        series.n = cases[i].n;
        series.dropped = cases[i].dropped;
        assert_int_equal(tr_series_hopeless(&series), cases[i].hopeless);
        series.n = 0;
        tr_series_finish(&series);
    }
}

static void clock_of_disturbed_bursts(void **state) {
    (void)state;
    struct tr_core_clock clock = {0};
    assert_true(isnan(tr_core_clock_ghz(&clock)));
    for (size_t i = 0; i < 40; i++) { /* 3 GHz; the clock steps by a nanosecond */
        clock.ns[i] = (TR_BURST_LONG - TR_BURST_SHORT) / 3.0 + (i % 2 ? 0.5 : -0.5);
        if (i % 8 == 0)
            clock.ns[i] += 4000; /* an interrupt */
        if (i == 3)
            clock.ns[i] = -700; /* one in a short chain */
    }
    clock.n = 40;
    assert_true(fabs(tr_core_clock_ghz(&clock) / 3.0 - 1) < 5e-4);
    /* The interrupts are not the clock's own time. */
    assert_true(fabs(tr_core_clock_taken_ns(&clock, 3.0) - 40 * 1216.0) < 1e-6);
    assert_true(isnan(tr_core_clock_taken_ns(&clock, NAN)));
    for (size_t i = 0; i < TR_CLOCK_BURSTS + 3; i++)
        tr_core_clock_note(&clock);
    assert_int_equal(clock.n, TR_CLOCK_BURSTS);
}

static void idle(struct tr_kargs *args) {
    args->sum = 1;
}

static void half(struct tr_kargs *args) {
    struct tr_kargs part = *args;
    part.n /= 2;
    tr_kernel_find("triad_plain", "sse2")->function(&part);
}

static void half_chains(struct tr_kargs *args) {
    struct tr_kargs part = *args;
    part.n /= 2;
    tr_kernel_find("fma_f64", "sse2")->function(&part);
    args->sum = part.sum;
}

/* Slices of several segments: each sample goes on where the last one ended, every form of kernel
 * agrees with its reference there, and one that leaves work out is noticed. */
static void segments_are_walked_in_turn(void **state) {
    struct fixture *fixture = *state;
    int64_t slice = tr_slice_round_segments(3 * TR_SEGMENT_BYTES + 12345, INT64_MAX);
    static const char *const ids[] = {"read_plain", "copy_nt", "update_plain", "dot_plain"};
    assert_int_equal(slice % 3, 0);
    assert_int_equal(slice / 3, tr_slice_round(slice / 3));
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct tr_kernel lazy = *tr_kernel_find(ids[i], "sse2");
        struct tr_step step = step_of(tr_kernel_find(ids[i], "sse2"), slice);
        struct tr_series series;
        step.from_memory = true;
        assert_int_equal(run_steps(fixture, &step, 1, 0.5, &series), 0);
        if (series.wrong || series.n < 3)
            fail_msg("%s: %s", ids[i], series.wrong ? "wrong" : "too few samples");
        tr_series_finish(&series);
        lazy.function = idle;
        step.kernel = &lazy;
        assert_int_equal(run_steps(fixture, &step, 1, 0.1, &series), 0);
        assert_true(series.wrong);
        tr_series_finish(&series);
    }
}

/* Kernels that leave out all or half of their work must not give a figure. */
static void work_left_out_is_noticed(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel broken[] = {
        *tr_kernel_find("read_plain", "sse2"),  *tr_kernel_find("write_plain", "sse2"),
        *tr_kernel_find("copy_nt", "sse2"),     *tr_kernel_find("triad_plain", "sse2"),
        *tr_kernel_find("fma_f64", "sse2"),     *tr_kernel_find("update_plain", "sse2"),
        *tr_kernel_find("mix31_plain", "sse2"), *tr_kernel_find("dot_plain", "sse2"),
        *tr_kernel_find("gather", "sse2"),
    };
    broken[0].function = broken[1].function = broken[2].function = idle;
    broken[5].function = broken[6].function = broken[7].function = broken[8].function = idle;
    broken[3].function = half;
    broken[4].function = half_chains;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct tr_series series;
        struct tr_step step = step_of(&broken[i], tr_slice_round(1 << 18));
        assert_int_equal(run_steps(fixture, &step, 1, 0.1, &series), 0);
        assert_true(series.wrong);
        assert_int_equal(series.n, 0);
        tr_series_finish(&series);
    }
}

/* Every operation is right as it is run in samples: in pieces, and in many passes within a cache.
 */
static void every_operation_is_right(void **state) {
    struct fixture *fixture = *state;
    static const char *const ids[] = {"update_plain", "mix21_plain", "mix31_plain", "dot_plain",
                                      "gather",       "stride_256",  "copy_libc",   "fill_rep",
                                      "scale_plain",  "add_nt"};
    enum { N = sizeof(ids) / sizeof(ids[0]) };
    for (int large = 0; large < 2; large++) {
        struct tr_step steps[N];
        struct tr_series series[N];
        for (int i = 0; i < N; i++) {
            const struct tr_kernel *kernel = tr_kernel_find(ids[i], "sse2");
            steps[i] = step_of(kernel ? kernel : tr_kernel_find(ids[i], "scalar"),
                               tr_slice_round(large ? 5 << 20 : 6000));
        }
        assert_int_equal(run_steps(fixture, steps, N, 1.0, series), 0);
        for (int i = 0; i < N; i++) {
            if (series[i].wrong || series[i].n < 3)
                fail_msg("%s, %s slice: wrong, or no samples", ids[i], large ? "large" : "small");
            tr_series_finish(&series[i]);
        }
    }
}

/* The form that a search finds is what the step then measures, with the plain form beside it. */
/* Whether each form of the search was timed: on a busy machine two threads may never have run a
 * form at the same time. */
static bool all_were_timed(const struct tr_search *search) {
    for (size_t i = 0; i < search->n; i++)
        if (!(search->forms[i].rate > 0))
            return false;
    return true;
}

static bool search_takes_the_step(struct fixture *fixture, bool large) {
    const struct tr_kernel *plain = tr_kernel_find("write_plain", "sse2");
    struct tr_step steps[] = {
        step_of(plain, tr_slice_round(large ? 8 << 20 : 8000)),
        step_of(plain, tr_slice_round(large ? 8 << 20 : 8000)),
    };
    struct tr_series series[2];
    steps[1].searched = true;
    assert_int_equal(run_steps(fixture, steps, 2, 0.5, series), 0);
    assert_int_equal(series[0].search.n, 0);
    assert_true(series[1].search.n > 3 && series[1].n >= 3 && !series[1].wrong);
    assert_ptr_equal(steps[1].kernel, tr_search_winner(&series[1].search));
    assert_string_equal(steps[1].kernel->op->name, "write");
    /* The same figure is not taken twice. */
    assert_true(steps[1].kernel == plain ? series[0].n == 0 : series[0].n >= 3);
    bool timed = all_were_timed(&series[1].search);
    tr_series_finish(&series[0]);
    tr_series_finish(&series[1]);
    return timed;
}

static void searched_form_takes_the_step(void **state) {
    for (int large = 0; large < 2; large++) {
        bool timed = false;
        for (int attempt = 0; attempt < 20 && !timed; attempt++)
            timed = search_takes_the_step(*state, large);
        assert_true(timed);
    }
}

/* A broken kernel condemns itself, not those that take turns with it; and an earlier kernel's right
 * result does not cover for one that copies nothing. */
static void one_wrong_kernel_among_others(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel broken = *tr_kernel_find("copy_nt", "sse2");
    broken.function = idle;
    struct tr_step steps[] = {
        step_of(tr_kernel_find("copy_plain", "sse2"), tr_slice_round(1 << 18)),
        step_of(&broken, tr_slice_round(1 << 18)),
        step_of(tr_kernel_find("triad_plain", "sse2"), tr_slice_round(1 << 18)),
    };
    struct tr_series series[3];
    assert_int_equal(run_steps(fixture, steps, 3, 0.3, series), 0);
    assert_false(series[0].wrong);
    assert_true(series[1].wrong);
    assert_false(series[2].wrong);
    assert_true(series[0].n >= 3 && series[1].n == 0 && series[2].n >= 3);
    for (int i = 0; i < 3; i++)
        tr_series_finish(&series[i]);
}

/* A kernel that takes sixteen times as long on one CPU as on another: each thread gets work for the
 * same time, so that most of a sample is common to all. The work is what is counted here, since how
 * much of a sample is common depends on the neighbours of a shared machine. */
static int slow_cpu;
static atomic_long calls_on_slow, calls_elsewhere;
static void slow_on_one_cpu(struct tr_kargs *args) {
    enum { TIMES = 16 };
    const struct tr_kernel *fma = tr_kernel_find("fma_f64", "sse2");
    const bool slow = tr_current_cpu() == slow_cpu;
    struct tr_kargs again = *args;
    (void)atomic_fetch_add(slow ? &calls_on_slow : &calls_elsewhere, 1);
    fma->function(args);
    for (int i = 1; slow && i < TIMES; i++)
        fma->function(&again);
}

static void skip_on_one_core(const struct fixture *fixture) {
    if (fixture->crew.n_threads > 1)
        return;
    printf("skipped: one core only\n");
    skip();
}

static void unequal_cores_get_unequal_work(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel uneven = *tr_kernel_find("fma_f64", "sse2");
    struct tr_step step = step_of(&uneven, 0);
    struct tr_series series;
    skip_on_one_core(fixture);
    slow_cpu = fixture->crew.cpus[1];
    atomic_store(&calls_on_slow, 0);
    atomic_store(&calls_elsewhere, 0);
    uneven.function = slow_on_one_cpu;
    assert_int_equal(run_steps(fixture, &step, 1, 2.0, &series), 0);
    assert_false(series.wrong);
    long others = atomic_load(&calls_elsewhere) / (fixture->crew.n_threads - 1);
    assert_true(atomic_load(&calls_on_slow) > 0);
    /* Sixteen when undisturbed, one if all did the same. */
    assert_true(others > 4 * atomic_load(&calls_on_slow));
    tr_series_finish(&series);
}

/* One CPU is taken away for a while just as the doses are found: its thread is not left with less
 * work than the others for all the samples that follow. */
static void held_up_once(struct tr_kargs *args) {
    enum { CALL = 150, HELD_MS = 200 }; /* the first 64 calls are the first dose */
    const struct timespec held = {.tv_nsec = HELD_MS * 1000000L};
    const bool slow = tr_current_cpu() == slow_cpu;
    if (atomic_fetch_add(slow ? &calls_on_slow : &calls_elsewhere, 1) == CALL && slow)
        (void)nanosleep(&held, NULL);
    tr_kernel_find("fma_f64", "sse2")->function(args);
}

static void doses_are_of_undisturbed_time(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel interrupted = *tr_kernel_find("fma_f64", "sse2");
    struct tr_step step = step_of(&interrupted, 0);
    struct tr_series series;
    skip_on_one_core(fixture);
    slow_cpu = fixture->crew.cpus[1];
    atomic_store(&calls_on_slow, 0);
    atomic_store(&calls_elsewhere, 0);
    interrupted.function = held_up_once;
    assert_int_equal(run_steps(fixture, &step, 1, 2.0, &series), 0);
    assert_true(2 * atomic_load(&calls_on_slow) >
                atomic_load(&calls_elsewhere) / (fixture->crew.n_threads - 1));
    tr_series_finish(&series);
}

/* A kernel that leaves its CPU for another one: the samples say so, one by one. */
static const struct fixture *moved_on;
static void leaves_its_cpu(struct tr_kargs *args) {
    if (tr_current_cpu() == moved_on->crew.cpus[0])
        (void)tr_bind_thread(moved_on->machine, moved_on->crew.cpus[1], NULL);
    tr_kernel_find("fma_f64", "sse2")->function(args);
}

static void moved_threads_are_told(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel moving = *tr_kernel_find("fma_f64", "sse2");
    struct tr_step step = step_of(&moving, 0);
    struct tr_series series;
    skip_on_one_core(fixture);
    moved_on = fixture;
    moving.function = leaves_its_cpu;
    assert_int_equal(run_steps(fixture, &step, 1, 1.0, &series), 0);
    assert_true(series.migrated);
    assert_true(series.n > 0);
    for (size_t i = 0; i < series.n; i++)
        assert_int_equal(series.conditions[i].moved_threads, 1);
    tr_series_finish(&series);
}

/* One bit of a result turned over, once the step is under way, is found in the sparse check too:
 * every page has one word that is looked at. */
static int calls;
static void flips_later(struct tr_kargs *args) {
    tr_kernel_find("triad_plain", "sse2")->function(args);
    if (++calls > 50)
        for (size_t i = 0; i < args->n; i++)
            ((uint64_t *)args->a)[i] ^= 1;
}

static void late_error_is_noticed(void **state) {
    struct fixture *fixture = *state;
    struct tr_kernel broken = *tr_kernel_find("triad_plain", "sse2");
    struct tr_step step = step_of(&broken, tr_slice_round(1 << 18));
    struct tr_series series;
    broken.function = flips_later;
    calls = 0;
    assert_int_equal(run_steps(fixture, &step, 1, 0.5, &series), 0);
    assert_true(series.wrong);
    tr_series_finish(&series);
}

static void first_rows_only(struct tr_kargs *args) {
    struct tr_kargs part = *args;
    part.n -= 16;
    part.batch = 1; /* results of many vectors would lie elsewhere */
    tr_kernel_find("gemv_q4_0", "avx2")->function(&part);
}

/* One result of each panel is off by 1%. */
static void one_row_off(struct tr_kargs *args) {
    tr_kernel_find("gemv_q4_0", "avx2")->function(args);
    ((float *)args->a)[3] *= 1.01F;
}

/* Matrices: the right product passes, rows left out and a result that is a little off do not. */
static void matrix_results_are_checked(void **state) {
    struct fixture *fixture = *state;
    if (!fixture->machine->cpu.levels[TR_ISA_AVX2].available) {
        printf("skipped: this CPU has no AVX2\n");
        skip();
    }
    static const struct {
        const char *id;
        tr_kernel_fn *function;
    } cases[] = {{"gemv_q4_0", NULL},
                 {"gemm_q4_0", NULL},
                 {"gemv_q4_0", first_rows_only},
                 {"gemv_q4_0", one_row_off}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tr_kernel kernel = *tr_kernel_find(cases[i].id, "avx2");
        struct tr_series series;
        bool gemm = !strcmp(kernel.op->name, "gemm");
        if (cases[i].function)
            kernel.function = cases[i].function;
        /* One panel a part, so that every part's compared row has a chance of 1 in 16 a sample. */
        struct tr_step step = {.kernel = &kernel,
                               .slice_bytes = (int64_t)16 * 18 * 8 * 40,
                               .part_rows = cases[i].function == first_rows_only ? 32 : 16,
                               .shape = {.m = 64, .n = gemm ? 9 : 1, .k = 256, .batch = -1}};
        assert_int_equal(cases[i].function ? run_until_wrong(fixture, &step, &series)
                                           : run_steps(fixture, &step, 1, 0.3, &series),
                         0);
        assert_true(series.wrong == (cases[i].function != NULL));
        assert_true(series.wrong || series.n >= 3);
        tr_series_finish(&series);
    }
}

static void one_block_less(struct tr_kargs *args) {
    struct tr_kargs part = *args;
    part.n -= 16;
    tr_kernel_find("attention_f16", "avx2")->function(&part);
}

static void attention_is_checked(void **state) {
    struct fixture *fixture = *state;
    if (!fixture->machine->cpu.levels[TR_ISA_AVX2].available) {
        printf("skipped: this CPU has no AVX2\n");
        skip();
    }
    for (int broken = 0; broken < 2; broken++)
        for (int type = 0; type < 2; type++) {
            const char *id = type && !broken ? "attention_q8_0" : "attention_f16";
            struct tr_kernel kernel = *tr_kernel_find(id, "avx2");
            struct tr_series series;
            if (broken)
                kernel.function = one_block_less;
            struct tr_step step = {.kernel = &kernel,
                                   .slice_bytes = 3 * 256 * 64 * 8 + 100,
                                   .shape = {.m = -1, .n = -1, .k = 64, .batch = 1, .depth = 200}};
            assert_int_equal(run_steps(fixture, &step, 1, 0.2, &series), 0);
            assert_true(series.wrong == (broken == 1));
            assert_true(series.wrong || series.n >= 3);
            tr_series_finish(&series);
        }
}

static void stop_ends_at_once(void **state) {
    struct fixture *fixture = *state;
    struct tr_step step = step_of(tr_kernel_find("read_plain", "sse2"), tr_slice_round(1 << 20));
    struct tr_series series;
    stop = 1;
    assert_int_equal(run_steps(fixture, &step, 1, 10, &series), TR_ESTOPPED);
    stop = 0;
    assert_int_equal(series.n, 0);
    tr_series_finish(&series);
}

static void binding_is_proved(void **state) {
    struct fixture *fixture = *state;
    int cpu = fixture->crew.cpus[0];
    assert_int_equal(tr_bind_thread(fixture->machine, cpu, NULL), 0);
    assert_true(tr_thread_is_bound(fixture->machine, cpu));
    if (fixture->crew.n_threads > 1)
        assert_false(tr_thread_is_bound(fixture->machine, fixture->crew.cpus[1]));
    tr_unbind_thread(fixture->machine);
    if (fixture->machine->allowed_cpus.n > 1)
        assert_false(tr_thread_is_bound(fixture->machine, cpu));
    struct tr_err err;
    assert_int_equal(tr_bind_thread(fixture->machine, 60000, &err), TR_EUNAVAILABLE);
}

static void pages_are_what_they_say(void **state) {
    (void)state;
    struct tr_buffer buffer;
    bool bound;
    struct tr_err err;
    assert_int_equal(tr_buffer_map(8 << 20, TR_PAGES_4K, -1, &buffer, &bound, &err), 0);
    memset(buffer.base, 1, buffer.bytes);
    double huge = tr_buffer_huge_fraction(&buffer);
    assert_true(isnan(huge) || huge == 0);
    double on_node = tr_buffer_node_fraction(&buffer, 0),
           elsewhere = tr_buffer_node_fraction(&buffer, 1000);
    assert_true(isnan(on_node) || (on_node >= 0 && on_node <= 1));
    assert_true(isnan(elsewhere) || elsewhere == 0);
    tr_buffer_unmap(&buffer);
    tr_buffer_unmap(&buffer); /* harmless */
    /* A pool of 1 GiB pages for 1 TiB is nowhere. */
    assert_int_equal(tr_buffer_map((size_t)1 << 40, TR_PAGES_1G, -1, &buffer, &bound, &err),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "nr_hugepages"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_gives_samples, setup, teardown),
        cmocka_unit_test_setup_teardown(roof_lines_in_a_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_between_wide_vectors, setup, teardown),
        cmocka_unit_test_setup_teardown(time_of_others, setup, teardown),
        cmocka_unit_test(time_is_counted),
        cmocka_unit_test(time_slices_are_noticed),
        cmocka_unit_test(repeating_in_vain_ends),
        cmocka_unit_test(clock_of_disturbed_bursts),
        cmocka_unit_test_setup_teardown(segments_are_walked_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(work_left_out_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_operation_is_right, setup, teardown),
        cmocka_unit_test_setup_teardown(searched_form_takes_the_step, setup, teardown),
        cmocka_unit_test_setup_teardown(one_wrong_kernel_among_others, setup, teardown),
        cmocka_unit_test_setup_teardown(unequal_cores_get_unequal_work, setup, teardown),
        cmocka_unit_test_setup_teardown(doses_are_of_undisturbed_time, setup, teardown),
        cmocka_unit_test_setup_teardown(moved_threads_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(late_error_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(matrix_results_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(attention_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(stop_ends_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(binding_is_proved, setup, teardown),
        cmocka_unit_test(pages_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
