#include "run.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "clock.h"
#include "sample.h"
#include "statistics.h"
#include "team.h"

/* A sample lasts at least this long; long enough for 1000 steps of any clock, short enough for
 * many samples in a minute. */
static const double sample_ns = 30e6;
/* One piece: far above the cost of reading the time (25 ns), far below 100 ms. */
static const double piece_ns = 40e3;
static const size_t piece_bytes_wanted = 2 << 20;

/* Where one step of the group stands. */
struct stage {
    const struct tr_step *step;
    struct tr_series *series;
    bool calibrated;  /* its first samples told how much work makes one */
    int tries;        /* such samples so far */
    uint64_t n_taken; /* samples of this stage */
    bool done;
    double *clocks;     /* of each sample kept: performance cores, efficiency cores */
    uint64_t *expected; /* the reference's sum for each thread's slice */
};

/* Shared by the team. Written by thread 0 between two barriers, `code` and `err` aside. */
struct state {
    const struct tr_machine *machine;
    const struct tr_group *group;
    const struct tr_run_options *options;
    struct stage *stages;
    struct tr_worker **workers;
    struct tr_barrier barrier;
    size_t current; /* stage of the sample at hand */
    struct tr_sample_context sample;
    bool quit;
    uint64_t n_samples;
    double begun_ns;
    atomic_int code; /* first failure of any thread, and its text */
    struct tr_err err;
};

static void fail(struct state *state, int code, const struct tr_err *err) {
    int none = 0;
    if (!atomic_compare_exchange_strong(&state->code, &none, code))
        return;
    state->err = *err;
    if (code == TR_ESTOPPED)
        tr_err_set(&state->err, code, "stopped; what was complete is kept and marked partial");
    else if (code == TR_ENOMEM && !err->text[0])
        tr_err_set(&state->err, code, "out of memory");
}

/* ---- buffers ---- */

static int arrays_of(const struct tr_group *group) {
    int most = 0;
    for (size_t i = 0; i < group->n_steps; i++)
        if (group->steps[i].kernel->op->arrays > most)
            most = group->steps[i].kernel->op->arrays;
    /* Kernels of one array use the first (write) or the second (read) one. */
    return most == 1 ? 2 : most;
}

static bool uses_array(const struct tr_step *step, int array) {
    const struct tr_op *op = step->kernel->op;
    if (array == 0)
        return op->written_elements > 0;
    return array <= op->read_elements;
}

static int64_t array_bytes(const struct tr_group *group, int array) {
    int64_t most = 0;
    for (size_t i = 0; i < group->n_steps; i++)
        if (uses_array(&group->steps[i], array) && group->steps[i].slice_bytes > most)
            most = group->steps[i].slice_bytes;
    return most;
}

/* By the owner: mapped, bound to its node, written first by its thread. */
static int map_arrays(struct state *state, int thread, struct tr_worker *worker,
                      struct tr_err *reterr) {
    const struct tr_group *group = state->group;
    int node = group->crew.memory_nodes[thread];
    worker->huge_fraction = worker->node_fraction = NAN;
    for (int array = 0; array < arrays_of(group); array++) {
        int64_t bytes = array_bytes(group, array);
        if (!bytes)
            continue;
        /* Arrays begin at different cache sets and at different offsets in their pages, so that a
         * store is not taken for one to the address of a load 4 KiB away. */
        size_t skew = (size_t)array * 1344 + (size_t)(thread % 16) * 192;
        bool bound = false;
        int code = tr_buffer_map((size_t)bytes + skew, state->options->pages, node,
                                 &worker->buffers[array], &bound, reterr);
        if (code)
            return code;
        if (node >= 0 && !bound)
            worker->bound_refused = true;
        double *base = (double *)(void *)(worker->buffers[array].base + skew);
        uint64_t *words = (uint64_t *)(void *)base;
        for (size_t i = 0; i < (size_t)bytes / 8; i++) {
            words[i] = tr_data_word((uint64_t)array * 1000 + (uint64_t)thread, i);
            if (i % (1 << 20) == 0 && *state->options->stop)
                return TR_ESTOPPED;
        }
        worker->arrays[array] = base;
    }
    return 0;
}

static void measure_placement(struct state *state, int thread, struct tr_worker *worker) {
    int node = state->group->crew.memory_nodes[thread];
    for (int array = 0; array < TR_ARRAYS; array++) {
        if (!worker->buffers[array].mapping)
            continue;
        /* fmin ignores NAN: the worst array that the kernel tells about. */
        worker->huge_fraction =
            fmin(worker->huge_fraction, tr_buffer_huge_fraction(&worker->buffers[array]));
        worker->node_fraction =
            fmin(worker->node_fraction, tr_buffer_node_fraction(&worker->buffers[array], node));
    }
}

static int fill_chain_start(const struct tr_step *step, struct tr_worker *worker) {
    /* The widest set of chains, as doubles; floats use the first half of the bytes. */
    enum { MOST = 24 * 16 };
    const struct tr_kernel *kernel = step->kernel;
    if (kernel->op->kind != TR_KIND_COMPUTE)
        return 0;
    if (!worker->chain_start)
        worker->chain_start = aligned_alloc(64, MOST * sizeof(double));
    if (!worker->chain_start)
        return TR_ENOMEM;
    for (size_t i = 0; i < MOST; i++) {
        if (kernel->dtype == TR_DTYPE_F64)
            ((double *)worker->chain_start)[i] = tr_fma_start(i);
        else
            ((float *)worker->chain_start)[i] = (float)tr_fma_start(i);
    }
    return 0;
}

/* ---- one thread ---- */

static int setup_worker(struct state *state, int thread, struct tr_err *reterr) {
    struct tr_worker *worker = aligned_alloc(128, (sizeof(*worker) + 127) / 128 * 128);
    if (!worker)
        return TR_ENOMEM;
    memset(worker, 0, sizeof(*worker)); /* touches the time line's pages, on this thread's node */
    state->workers[thread] = worker;
    worker->doses = calloc(state->group->n_steps, sizeof(*worker->doses));
    if (!worker->doses)
        return TR_ENOMEM;
    tr_counters_start(&worker->counters);
    int code = map_arrays(state, thread, worker, reterr);
    if (code)
        return code;
    measure_placement(state, thread, worker);
    for (size_t i = 0; i < state->group->n_steps; i++) {
        const struct tr_step *step = &state->group->steps[i];
        const struct tr_step *before = i ? step - 1 : NULL;
        code = fill_chain_start(step, worker);
        if (code)
            return code;
        /* The same reference is not computed twice: rows differ in the number of parts only. */
        if (before && before->kernel->op == step->kernel->op &&
            before->kernel->op->kind == TR_KIND_STREAM && before->slice_bytes == step->slice_bytes)
            state->stages[i].expected[thread] = state->stages[i - 1].expected[thread];
        else
            state->stages[i].expected[thread] = tr_sample_reference(step, worker);
        if (*state->options->stop)
            return TR_ESTOPPED;
    }
    return 0;
}

/* Work for the first, calibrating sample. */
static void first_dose(const struct tr_step *step, struct tr_dose *dose) {
    size_t slice = (size_t)step->slice_bytes;
    *dose = (struct tr_dose){.passes = 1, .passes_per_piece = 1, .turns = 64};
    if (!slice)
        return;
    /* Pieces are whole multiples of 8 lines in each of 8 parts; very large slices get larger
     * pieces, so that the time line holds a pass. */
    size_t pieces = slice / piece_bytes_wanted + 1;
    if (pieces > TR_MAX_PIECES / 2)
        pieces = TR_MAX_PIECES / 2;
    dose->piece_bytes = (slice / pieces + 4095) / 4096 * 4096;
    if (dose->piece_bytes > slice || pieces == 1)
        dose->piece_bytes = slice;
}

static void take_sample(struct state *state, int thread) {
    struct tr_worker *worker = state->workers[thread];
    const struct tr_step *step = &state->group->steps[state->current];
    int cpu = state->group->crew.cpus[thread];
    if (!worker) /* setting up failed, and the group is being given up */
        return;
    bool stream = step->kernel->op->kind == TR_KIND_STREAM;

    struct tr_dose *dose = &worker->doses[state->current];
    fill_chain_start(step, worker);
    if (!dose->passes)
        first_dose(step, dose);
    tr_sample_prepare(step, &state->sample, worker);
    worker->not_pinned = !tr_thread_is_bound(state->machine, cpu);
    worker->clock_ghz = NAN;
    double clock_before = stream ? tr_clock_burst() : NAN;
    tr_counters_read(&worker->counters, &worker->before);
    worker->cpu_before = tr_current_cpu();
    tr_barrier_wait(&state->barrier, &worker->barrier_sense);
    tr_sample_work(step, dose, &state->sample, worker);
    worker->cpu_after = tr_current_cpu();
    tr_counters_read(&worker->counters, &worker->after);
    if (stream) /* an interrupt can only lower one of the two */
        worker->clock_ghz = fmax(clock_before, tr_clock_burst());
    if (!worker->stopped)
        tr_sample_check(step, dose, &state->sample, state->stages[state->current].expected[thread],
                        worker);
}

/* ---- thread 0: what a sample gave, what comes next ---- */

static double units_to_rate(const struct tr_kernel *kernel, double units_per_ns) {
    switch (kernel->op->kind) {
    case TR_KIND_STREAM:
        return units_per_ns * tr_kernel_nominal_bytes(kernel);
    case TR_KIND_COMPUTE:
        return units_per_ns * tr_kernel_flop(kernel);
    default: /* cycles per operation are in the operation's name: add 1, imul 3 */
        return units_per_ns * (strcmp(kernel->op->name, "clock_imul") ? 1.0 : 3.0);
    }
}

struct window {
    double rate;     /* over the time in which all threads ran */
    double units;    /* all work */
    double span_ns;  /* first start to last finish */
    double fraction; /* common window / span */
};

static struct window evaluate(const struct state *state) {
    int n = state->group->crew.n_threads;
    bool stream = state->group->steps[state->current].kernel->op->kind == TR_KIND_STREAM;
    double first = INFINITY, last = 0, begin = 0, end = INFINITY;
    struct window window = {0};
    for (int i = 0; i < n; i++) {
        const struct tr_timeline *line = &state->workers[i]->timeline;
        first = fmin(first, line->begin_ns[0]);
        begin = fmax(begin, line->begin_ns[0]);
        last = fmax(last, line->end_ns[line->n - 1]);
        end = fmin(end, line->end_ns[line->n - 1]);
    }
    for (int i = 0; i < n; i++) {
        const struct tr_timeline *line = &state->workers[i]->timeline;
        double units = 0, busy = 0;
        for (size_t k = 0; k < line->n; k++) {
            double length = line->end_ns[k] - line->begin_ns[k];
            double inside = fmin(line->end_ns[k], end) - fmax(line->begin_ns[k], begin);
            window.units += line->units[k];
            if (inside <= 0)
                continue;
            units += line->units[k] * inside / length;
            busy += inside;
        }
        /* Chains: time between pieces is the clock's, not the kernel's. */
        window.rate += stream ? units / (end - begin) : busy > 0 ? units / busy : 0;
    }
    /* A chain's rate is one core's clock, not the sum over cores. */
    if (state->group->steps[state->current].kernel->op->kind == TR_KIND_CLOCK)
        window.rate /= n;
    window.span_ns = last - first;
    window.fraction = (end - begin) / window.span_ns;
    return window;
}

/* Mean clock of the threads on efficiency cores, or on all others; NAN without any. */
static double mean_clock(const struct state *state, bool efficiency) {
    double sum = 0;
    int n = 0;
    for (int i = 0; i < state->group->crew.n_threads; i++) {
        if (state->group->crew.efficiency[i] != efficiency || isnan(state->workers[i]->clock_ghz))
            continue;
        sum += state->workers[i]->clock_ghz;
        n++;
    }
    return n ? sum / n : NAN;
}

static double own_span_ns(const struct tr_worker *worker) {
    const struct tr_timeline *line = &worker->timeline;
    return line->end_ns[line->n - 1] - line->begin_ns[0];
}

/* How much work makes this thread's sample as long as wanted: each has a dose of its own, since
 * cores of one machine differ. */
static void calibrate(const struct tr_step *step, double span_ns, struct tr_dose *dose) {
    span_ns = fmax(span_ns, 1); /* a coarse clock may not have moved */
    if (step->kernel->op->kind != TR_KIND_STREAM) {
        double one = span_ns / (double)dose->turns;
        double pieces = ceil(sample_ns / one);
        dose->turns = (size_t)fmin(fmax(pieces, 8), TR_MAX_PIECES);
        return;
    }
    double pass = span_ns / (double)dose->passes;
    double passes = fmax(1, ceil(sample_ns / pass));
    size_t pieces_per_pass =
        ((size_t)step->slice_bytes + dose->piece_bytes - 1) / dose->piece_bytes;
    if (pieces_per_pass == 1) {
        /* At least as many passes a piece as keep the time line within its length. */
        double per_piece = fmax(ceil(piece_ns / pass), ceil(passes / TR_MAX_PIECES));
        dose->passes_per_piece = (size_t)per_piece;
        dose->passes = (size_t)(fmin(ceil(passes / per_piece), TR_MAX_PIECES) * per_piece);
    } else {
        double most = fmax(1, floor((double)TR_MAX_PIECES / (double)pieces_per_pass));
        dose->passes = (size_t)fmin(passes, most);
    }
}

/* Sets each thread's dose from its own time in the sample just taken. Short samples tell little:
 * they are repeated with the larger dose. */
static void calibrate_all(struct state *state, struct stage *stage) {
    enum { MOST_TRIES = 8 };
    double shortest = INFINITY;
    for (int i = 0; i < state->group->crew.n_threads; i++) {
        struct tr_worker *worker = state->workers[i];
        double span_ns = own_span_ns(worker);
        shortest = fmin(shortest, span_ns);
        calibrate(stage->step, span_ns, &worker->doses[state->current]);
    }
    stage->tries++;
    stage->calibrated = shortest >= sample_ns / 3 || stage->tries == MOST_TRIES;
}

static int keep(struct state *state, struct stage *stage, double rate) {
    struct tr_series *series = stage->series;
    double *rates = realloc(series->rates, (series->n + 1) * sizeof(*rates));
    if (!rates)
        return TR_ENOMEM;
    series->rates = rates;
    double *clocks = realloc(stage->clocks, 2 * (series->n + 1) * sizeof(*clocks));
    if (!clocks)
        return TR_ENOMEM;
    stage->clocks = clocks;
    rates[series->n] = rate;
    clocks[2 * series->n] = mean_clock(state, false);
    clocks[2 * series->n + 1] = mean_clock(state, true);
    series->n++;
    return 0;
}

/* Median rate / median of (rate / clock), over the samples whose clock is known. */
static double clock_of_median(const struct stage *stage, size_t kind) {
    const struct tr_series *series = stage->series;
    struct tr_summary rate = {0}, per_ghz = {0};
    double *ratios = calloc(series->n + 1, sizeof(*ratios));
    size_t n = 0;
    for (size_t i = 0; ratios && i < series->n; i++)
        if (stage->clocks[2 * i + kind] > 0)
            ratios[n++] = series->rates[i] / stage->clocks[2 * i + kind];
    int failed =
        !n || tr_summarize(series->rates, series->n, &rate) || tr_summarize(ratios, n, &per_ghz);
    free(ratios);
    return failed ? NAN : rate.median / per_ghz.median;
}

static void add_counts(struct tr_series *series, const struct tr_worker *worker) {
    const struct tr_counts *a = &worker->before, *b = &worker->after;
    if (a->context_switches >= 0)
        series->context_switches += b->context_switches - a->context_switches;
    if (a->page_faults >= 0)
        series->page_faults += b->page_faults - a->page_faults;
    series->migrations =
        a->migrations < 0 ? -1 : series->migrations + b->migrations - a->migrations;
    series->cycles = a->cycles < 0 ? -1 : series->cycles + b->cycles - a->cycles;
    series->instructions =
        a->instructions < 0 ? -1 : series->instructions + b->instructions - a->instructions;
}

/* Takes the sample over, or drops it as disturbed so that it is repeated. */
static int digest(struct state *state) {
    struct stage *stage = &state->stages[state->current];
    struct tr_series *series = stage->series;
    bool migrated = false, not_pinned = false, faulted = false, wrong = false;
    int n = state->group->crew.n_threads;
    int64_t switches = 0;

    for (int i = 0; i < n; i++) {
        const struct tr_worker *worker = state->workers[i];
        if (worker->stopped)
            return TR_ESTOPPED;
        wrong |= worker->wrong;
        not_pinned |= worker->not_pinned;
        migrated |= worker->cpu_before != state->group->crew.cpus[i] ||
                    worker->cpu_after != state->group->crew.cpus[i];
        faulted |= worker->after.page_faults > worker->before.page_faults;
        switches += worker->after.context_switches - worker->before.context_switches;
    }
    if (wrong) {
        series->wrong = true;
        stage->done = true;
        return 0;
    }
    struct window window = evaluate(state);
    if (!stage->calibrated) { /* these samples were the warm-up, too */
        calibrate_all(state, stage);
        return 0;
    }
    /* Another program on the core takes it away for whole time slices. */
    bool preempted = switches > 2 + n * (int)(window.span_ns / 5e6);
    bool hopeless = !(window.rate > 0) || !(window.span_ns > 0);
    bool disturbed = migrated || not_pinned || faulted || preempted || window.fraction < 0.7;
    if (hopeless || (disturbed && series->dropped <= series->n + 5)) {
        series->dropped++;
        series->migrated |= migrated;
        series->not_pinned |= not_pinned;
        series->faulted |= faulted;
        return 0;
    }
    for (int i = 0; i < n; i++)
        add_counts(series, state->workers[i]);
    series->units_total += window.units;
    series->span_total_ns += window.span_ns;
    return keep(state, stage, units_to_rate(stage->step->kernel, window.rate));
}

/* Enough samples, and steady ones? */
static bool settled(const struct tr_series *series, size_t min_samples) {
    struct tr_summary summary;
    enum { MOST_SAMPLES = 500 };
    if (series->n < min_samples)
        return false;
    if (series->n >= MOST_SAMPLES || tr_summarize(series->rates, series->n, &summary))
        return true;
    return tr_summary_relative_half_width(&summary) <= 0.01;
}

/* Next step in turn that still wants samples; false when the group is done. */
static bool choose_next(struct state *state) {
    const struct tr_group *group = state->group;
    double elapsed_s = (tr_now_ns() - state->begun_ns) / 1e9;
    bool late = elapsed_s > group->seconds;
    bool very_late = elapsed_s > 2 * group->seconds + 2;
    for (size_t i = 0; i < group->n_steps; i++) {
        struct stage *stage = &state->stages[i];
        const struct tr_series *series = stage->series;
        size_t least = state->options->min_samples;
        if (stage->done)
            continue;
        /* Out of time: the samples that a median needs, no more; far out of time: three. */
        stage->done = (late && series->n >= least) || (very_late && series->n >= 3) ||
                      (!late && settled(series, least));
    }
    for (size_t k = 1; k <= group->n_steps; k++) {
        size_t i = (state->current + k) % group->n_steps;
        if (!state->stages[i].done) {
            state->current = i;
            return true;
        }
    }
    return false;
}

static void tell_progress(const struct state *state) {
    const struct tr_run_options *options = state->options;
    const struct tr_series *series = state->stages[state->current].series;
    const struct tr_kernel *kernel = state->stages[state->current].step->kernel;
    double elapsed_s = (tr_now_ns() - state->begun_ns) / 1e9;
    if (!options->progress)
        return;
    struct tr_run_progress progress = {
        .group = state->group,
        .kernel = kernel,
        .stage = options->stage,
        .n_stages = options->n_stages,
        .seconds_left = fmax(0, state->group->seconds - elapsed_s) + options->seconds_after,
        .current = series->n ? series->rates[series->n - 1] : NAN,
        .unit = kernel->op->kind == TR_KIND_STREAM    ? "GB/s"
                : kernel->op->kind == TR_KIND_COMPUTE ? "GFLOP/s"
                                                      : "GHz",
    };
    options->progress(options->progress_context, &progress);
}

/* Sets up what the threads are to do next. */
static void prepare_next(struct state *state) {
    struct stage *stage = &state->stages[state->current];
    state->n_samples++;
    stage->n_taken++;
    state->sample = (struct tr_sample_context){
        .scalar = 1.0 + (double)(state->n_samples % 4096) / 1024.0,
        .number = state->n_samples,
        /* Every element is compared in a step's first (untimed) samples and in each 16th, one
         * element per page in the others. */
        .whole = !stage->calibrated || stage->n_taken % 16 == 0,
        .stop = state->options->stop,
    };
}

static void decide(struct state *state, bool have_sample) {
    const struct tr_err err = {0};
    int code = have_sample && !state->code ? digest(state) : 0;
    if (!code && *state->options->stop)
        code = TR_ESTOPPED;
    if (code)
        fail(state, code, &err);
    if (state->code || !choose_next(state)) {
        state->quit = true;
        return;
    }
    tell_progress(state);
    prepare_next(state);
}

static void work(void *context, int thread) {
    struct state *state = context;
    int sense = 0;
    struct tr_err err = {0};
    int code = tr_bind_thread(state->machine, state->group->crew.cpus[thread], &err);
    if (!code)
        code = setup_worker(state, thread, &err);
    if (code)
        fail(state, code, &err);
    tr_barrier_wait(&state->barrier, &sense);
    if (thread == 0) {
        state->begun_ns = tr_now_ns();
        state->current = state->group->n_steps - 1; /* so that the first one comes first */
        decide(state, false);
    }
    tr_barrier_wait(&state->barrier, &sense);
    struct tr_worker *worker = state->workers[thread]; /* NULL only where all give up */
    if (worker)
        worker->barrier_sense = sense;
    while (worker && !state->quit) {
        take_sample(state, thread);
        tr_barrier_wait(&state->barrier, &worker->barrier_sense);
        if (thread == 0)
            decide(state, true);
        tr_barrier_wait(&state->barrier, &worker->barrier_sense);
    }
    if (worker)
        tr_counters_stop(&worker->counters);
    tr_unbind_thread(state->machine);
}

/* ---- the group ---- */

static void finish_workers(struct state *state) {
    for (int i = 0; state->workers && i < state->group->crew.n_threads; i++) {
        struct tr_worker *worker = state->workers[i];
        if (!worker)
            continue;
        for (int array = 0; array < TR_ARRAYS; array++)
            tr_buffer_unmap(&worker->buffers[array]);
        free(worker->chain_start);
        free(worker->doses);
        free(worker);
    }
    free(state->workers);
}

static void finish_series(struct state *state) {
    for (size_t i = 0; i < state->group->n_steps; i++) {
        struct tr_series *series = state->stages[i].series;
        const struct tr_kernel *kernel = state->stages[i].step->kernel;
        for (int thread = 0; thread < state->group->crew.n_threads; thread++) {
            const struct tr_worker *worker = state->workers[thread];
            if (!worker)
                continue;
            series->huge_fraction = fmin(series->huge_fraction, worker->huge_fraction);
            series->node_fraction = fmin(series->node_fraction, worker->node_fraction);
            series->bound_refused |= worker->bound_refused;
        }
        /* From here on in units of the kernel: bytes, FLOP. */
        series->units_total = units_to_rate(kernel, series->units_total);
        series->core_ghz = clock_of_median(&state->stages[i], 0);
        series->efficiency_ghz = clock_of_median(&state->stages[i], 1);
        if (kernel->op->kind == TR_KIND_CLOCK) /* a core's clock, not the sum over cores */
            series->units_total /= state->group->crew.n_threads;
    }
}

int tr_run_group(const struct tr_machine *machine, const struct tr_group *group,
                 const struct tr_run_options *options, struct tr_series *ret_series,
                 struct tr_err *reterr) {
    struct state state = {.machine = machine, .group = group, .options = options};
    size_t threads = (size_t)group->crew.n_threads;
    int code = TR_ENOMEM;

    if (!threads || !group->n_steps)
        return 0;

    for (size_t i = 0; i < group->n_steps; i++)
        ret_series[i] = (struct tr_series){
            .core_ghz = NAN, .efficiency_ghz = NAN, .huge_fraction = NAN, .node_fraction = NAN};
    state.workers = calloc(threads, sizeof(*state.workers));
    state.stages = calloc(group->n_steps, sizeof(*state.stages));
    if (!state.workers || !state.stages)
        goto out;
    for (size_t i = 0; i < group->n_steps; i++) {
        struct stage *stage = &state.stages[i];
        stage->step = &group->steps[i];
        stage->series = &ret_series[i];
        stage->expected = calloc(threads, sizeof(*stage->expected));
        if (!stage->expected)
            goto out;
    }
    tr_barrier_init(&state.barrier, group->crew.n_threads);
    code = tr_team_run(group->crew.n_threads, work, &state, reterr);
    if (!code && state.code) {
        code = state.code;
        if (reterr)
            *reterr = state.err;
    }
    finish_series(&state);
out:
    finish_workers(&state);
    for (size_t i = 0; state.stages && i < group->n_steps; i++) {
        free(state.stages[i].expected);
        free(state.stages[i].clocks);
    }
    free(state.stages);
    return code;
}

void tr_series_finish(struct tr_series *series) {
    if (!series)
        return;
    free(series->rates);
    *series = (struct tr_series){0};
}
